"""The listings of the bug hunts, as learners read them: taken from the exercise, mended, run."""

import re

from medmeta_ref.authoring.builder import course_root


def listing(unit):
    """Return the lines of the one listing of an exercise, without their numbers."""
    text = (course_root() / "solutions" / f"{unit}.py").read_text(encoding="utf-8")
    (block,) = re.findall(r"# ```text\n(.*?)# ```", text, flags=re.DOTALL)
    lines = [re.match(r"# +(\d+)  (.*)", line) for line in block.splitlines()]
    assert [int(line[1]) for line in lines] == list(range(1, len(lines) + 1))
    return [line[2] for line in lines]


def function_of(unit, repairs, *, mended=(), names=None):
    """Return the function that the listing defines, with some of its lines replaced.

    Args:
        unit: for instance "03_distillation".
        repairs: line number -> what stands there once it is right.
        mended: which of them are applied.
        names: what the listing may use.
    """
    lines = listing(unit)
    for number in mended:
        lines[number - 1] = repairs[number]
    names = dict(names or {})
    exec("\n".join(lines), names)
    (name,) = re.findall(r"def (\w+)\(", lines[0])
    return names[name]
