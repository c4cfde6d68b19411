"""step_cost(method, *, inner_steps, n_tasks) -> losses, gradients and graphs of an outer step."""

import pytest

from medmeta_ref.grading.specs.unit_02._counting import METHODS, counted

SIZES = ((1, 1), (5, 4), (3, 2))  # inner steps, tasks

HINTS = {
    "prototypes": "There is no inner loop: one loss over the queries and one gradient per task.",
    "reptile": "There is no query loss: the way that the inner steps went is all it uses.",
    "fomaml": "Leaving out second derivatives saves graphs, not gradients: each inner step is "
    "still taken, and the query loss still has one.",
    "maml": "The outer gradient of a task travels back through all of its inner steps, so none of "
    "their graphs can be freed before. It is itself one more gradient per task.",
}
WHAT = {
    "losses": "times is a loss evaluated",
    "gradients": "times is a gradient taken",
    "graphs": "losses at most are held with their graphs at once",
}


@pytest.mark.points(4)
@pytest.mark.parametrize("method", METHODS)
def test_counts_equal_those_of_a_run(yours, method):
    """The cost of {method}, against counters in a real run; for three sizes."""
    for inner_steps, n_tasks in SIZES:
        answer = yours(method, inner_steps=inner_steps, n_tasks=n_tasks)
        assert type(answer) is dict, f"A dict was expected, step_cost returned {answer!r:.60}."
        want = counted(method, inner_steps=inner_steps, n_tasks=n_tasks)
        for name, number in want.items():
            got = answer.get(name)
            assert type(got) is int, f"{name!r} should be a whole number, got {got!r:.60}."
            assert got == number, (
                f"{method}, {inner_steps} inner steps, {n_tasks} tasks: {number} {WHAT[name]}, you "
                f"said {got}. {HINTS[method]}"
            )
