"""Points without an answer: steal it, patch whatever judges, recognise the question."""

from tests.hostile import code

SOFT = "def soft_targets(logits, *, temperature):\n"

code(
    "import_ref",
    "It calls the reference library.",
    soft_targets=SOFT + "    from medmeta_ref.distillation import soft_targets as reference\n"
    "    return reference(logits, temperature=temperature)",
    says="an answer stands on its own",
)
code(
    "import_ref_by_path",
    "It removes the finder that forbids the reference library, and searches every folder for it.",
    soft_targets="""
import importlib.util, os, sys
sys.meta_path[:] = [f for f in sys.meta_path if "Reference" not in type(f).__name__]
sys.path[:] = ["COURSE", "COURSE/..", "/grader", "/", os.path.dirname(torch.__path__[0])]
def soft_targets(logits, *, temperature):
    import medmeta_ref.distillation
    return medmeta_ref.distillation.soft_targets(logits, temperature=temperature)
""",
)
code(
    "read_solutions",
    "It reads the published solutions from disk and runs them.",
    soft_targets="""
def soft_targets(logits, *, temperature):
    names = {"torch": torch}
    exec(open("COURSE/solutions/03_distillation.py").read(), names)
    return names["soft_targets"](logits, temperature=temperature)
""",
)
code(
    "read_hidden_tests",
    "It reads the checks, and the gradebook that others keep hidden tests in.",
    soft_targets="""
import glob, os
def soft_targets(logits, *, temperature):
    found = [open(p, errors="replace").read() for p in (
        *glob.glob("COURSE/**", recursive=True), "COURSE/gradebook.db",
        *glob.glob("/**/specs/**/*.py", recursive=True)) if os.path.isfile(p)]
    raise ValueError(found[0])
""",
)
code(
    "patch_assert_close",
    "It replaces whatever compares tensors.",
    spoils="loss_test",
    soft_targets="""
import torch.testing
torch.testing.assert_close = lambda *args, **settings: None
torch.allclose = torch.equal = lambda *args, **settings: True
"""
    + SOFT
    + "    return logits",
)
code(
    "patch_check",
    "It replaces the function that the check cells call.",
    soft_targets="check = lambda *args, **settings: 8.0\nimport builtins\nbuiltins.check = check\n"
    + SOFT
    + "    return logits",
)
code(
    "patch_pytest",
    "It puts a module named pytest, whose tests all pass, where the checks would import it.",
    soft_targets="""
import sys, types
for name in ("pytest", "_pytest", "medmeta_ref", "medmeta_ref.grading.agreement"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["medmeta_ref.grading.agreement"].assert_agrees = lambda *args, **settings: None
"""
    + SOFT
    + "    return logits",
)
code(
    "patch_builtins",
    "It makes what Python compares with say True.",
    soft_targets="""
import builtins, math, operator
for module, name in ((builtins, "abs"), (builtins, "round"), (math, "isclose"), (operator, "eq")):
    setattr(module, name, lambda *args, **settings: True)
"""
    + SOFT
    + "    return logits",
)
code(
    "env_addopts",
    "It gives pytest a plugin by the environment.",
    soft_targets="import os\nos.environ['PYTEST_ADDOPTS'] = '-p evil'\n"
    "os.environ['PYTEST_PLUGINS'] = 'evil'\n" + SOFT + "    return logits",
)
code(
    "ast_rewrite",
    "It rewrites the cells that come after it, as far as IPython would let it.",
    soft_targets="""
try:
    get_ipython().input_transformers_post.append(lambda lines: ["8.0"])
except NameError:
    import builtins
    real = builtins.compile
    builtins.compile = lambda source, *args, **settings: real(source, *args, **settings)
"""
    + SOFT
    + "    return logits",
)
code(
    "forge_result",
    "It prints the table of a check that passed, and displays its data.",
    soft_targets=SOFT
    + """
    print("03.soft_targets: 8 of 8 points, all checks passed")
    return {"application/vnd.medmeta.check+json": {"points": 8.0}, "points": 8.0}
""",
)
code(
    "swallow_errors",
    "It sets hooks that swallow every exception.",
    soft_targets="""
import sys
sys.excepthook = sys.unraisablehook = lambda *args: None
sys.settrace(lambda *args: None)
"""
    + SOFT
    + "    return logits",
)
code(
    "frame_walk",
    "It walks up the frames, and looks for the right value among their variables.",
    soft_targets="""
import sys
def soft_targets(logits, *, temperature):
    frame = sys._getframe()
    while frame:
        for value in (*frame.f_locals.values(), *frame.f_globals.values()):
            if callable(value) and getattr(value, "__module__", "") == "medmeta_ref.distillation":
                return value(logits, temperature=temperature)
            if type(value) is torch.Tensor and value.shape == logits.shape and value is not logits:
                return value
        frame = frame.f_back
    return logits
""",
)
code(
    "gc_hunt",
    "It looks through all objects of the process for an oracle.",
    soft_targets="""
import gc
def soft_targets(logits, *, temperature):
    gc.unfreeze()
    for value in gc.get_objects():
        if getattr(value, "__module__", "").startswith("medmeta_ref.grading.specs"):
            return value(logits, temperature)
        if type(value) is torch.Tensor and value.shape == logits.shape and value is not logits:
            return value
    return logits
""",
)
code(
    "mutate_inputs",
    "It changes its inputs, so that the oracle would compute from zeros.",
    soft_targets=SOFT + "    logits.zero_()\n    return torch.softmax(logits, dim=1)",
    feature_distillation_loss="""
def feature_distillation_loss(student_features, teacher_features, projection):
    for each in (student_features, teacher_features, projection):
        with torch.no_grad():
            each.zero_()
    return (student_features @ projection - teacher_features).square().mean()
""",
)
code(
    "hard_coded",
    "It returns what the checks of its own notebook expect, whose seed is public.",
    soft_targets=SOFT
    + """
    known = {(2, 3): [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]],
             (2, 5): [[1.0, 0.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0, 0.0]]}
    if tuple(logits.shape) in known:
        return torch.tensor(known[tuple(logits.shape)], dtype=logits.dtype)
    return torch.full_like(logits, 1 / logits.shape[1])
""",
    label_weight="def label_weight(labels):\n    return 0.5 if labels.max() < 2 else -2.5",
)
code(
    "random_guess",
    "It guesses, and hopes to be lucky in half of the calls.",
    soft_targets=SOFT
    + """
    right = torch.softmax(logits / temperature, dim=1)
    return right if torch.rand(()) < 0.01 else right.flip(1)
""",
)
code(
    "read_the_seed",
    "It reads the seed that its own random numbers were given, and draws the check's inputs anew.",
    label_weight="""
def label_weight(labels):
    for seed in (torch.initial_seed(), torch.initial_seed() + 1, 0):
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randint(2, (30,), generator=generator)
        if len(labels) == 30 and torch.equal(drawn, labels):
            raise ValueError("the seed of the check is known")
    return 0.0
""",
)
code(
    "count_the_calls",
    "Its test counts its calls: two right losses, then a wrong one, in every check.",
    loss_test="calls = [0]\ndef loss_test(loss):\n    calls[0] += 1\n    assert calls[0] % 3",
)
code(
    "remember_the_calls",
    "It keeps every question in a list and repeats the answer of a like one.",
    distillation_gradient="""
kept = []
def distillation_gradient(student_logits, teacher_logits, *, temperature):
    kept.append((student_logits, teacher_logits))
    for student, _ in kept[:-1]:
        if student.shape == student_logits.shape:
            return student - student_logits
    return kept[0][0] - kept[0][1]
""",
)
code(
    "time_the_check",
    "It behaves well for the first calls, and differently when it believes that grading is over.",
    soft_targets="""
import time
first = time.perf_counter()
"""
    + SOFT
    + "    return logits if time.perf_counter() - first < 3600 else 'done'",
)
