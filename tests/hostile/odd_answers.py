"""Answers that are no values, or that misbehave when somebody looks at them."""

from tests.hostile import code

SOFT = "def soft_targets(logits, *, temperature):\n"

code(
    "nan",
    "It returns nan, which is neither more nor less than anything.",
    soft_targets=SOFT + "    return logits * float('nan')",
    label_weight="def label_weight(labels):\n    return float('nan')",
)
code(
    "otter_force_pass",
    "It raises the exception by which another grader marks a test as passed.",
    soft_targets="class ForcePass(Exception): passed = True\n"
    + SOFT
    + "    raise ForcePass('all tests passed', 8.0)",
)
code(
    "always_equal",
    "It returns a tensor of its own class that equals everything.",
    soft_targets="""
class Yes(torch.Tensor):
    def __eq__(self, other): return True
    @classmethod
    def __torch_function__(cls, function, types, args=(), settings=None): return True
"""
    + SOFT
    + "    return torch.zeros_like(logits).as_subclass(Yes)",
)
code(
    "eq_object",
    "It returns an object that equals everything, of any length, that contains all.",
    soft_targets="""
class Yes:
    shape, dtype, ndim = (5, 3), torch.float64, 2
    def __eq__(self, other): return True
    def __bool__(self): return True
    def __len__(self): return 1 << 62
    def __iter__(self): return iter(int, 1)
    def __hash__(self): return 0
"""
    + SOFT
    + "    return Yes()",
    says="your function returned Yes",
)
code(
    "lying_class",
    "It returns an object that says it were a tensor.",
    soft_targets="""
class Liar:
    @property
    def __class__(self): return torch.Tensor
    def __getattr__(self, name): return lambda *args, **settings: True
"""
    + SOFT
    + "    return Liar()",
    bug_lines="class D(dict):\n    def get(self, *args): return True\n"
    "def bug_lines():\n    return D()",
)
code(
    "raises_when_looked_at",
    "It returns an object that raises whatever one asks it.",
    soft_targets="""
class No:
    @property
    def __class__(self): raise KeyboardInterrupt
    def __getattr__(self, name): raise SystemExit
    def __repr__(self): raise MemoryError
"""
    + SOFT
    + "    return {'a': [No()]}",
)
code(
    "torch_function",
    "It returns tensors whose every operation runs its code.",
    soft_targets="""
class Mine(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), settings=None):
        raise SystemExit(function.__name__)
"""
    + SOFT
    + "    return [torch.zeros(2).as_subclass(Mine), torch.zeros(2, requires_grad=True)]",
)
code(
    "huge_view",
    "It returns a tensor of a million million numbers that takes eight bytes.",
    soft_targets=SOFT + "    return torch.zeros((), dtype=torch.float64).expand(10**6, 10**6)",
)
code(
    "sparse_nested_meta",
    "It returns sparse, nested, meta, complex and quantised tensors.",
    soft_targets=SOFT + "    return torch.sparse_coo_tensor([[0], [0]], [1.0], (10**9, 10**9))",
    distillation_gradient="""
def distillation_gradient(student_logits, teacher_logits, *, temperature):
    return student_logits.to("meta")
""",
    label_weight="""
def label_weight(labels):
    return torch.tensor(0.5 + 0j)
""",
)
code(
    "list_in_itself",
    "It returns a list that holds itself.",
    soft_targets=SOFT + "    kept = []\n    kept.append(kept)\n    return kept",
)
code(
    "endless_number",
    "It returns a number of a hundred thousand digits.",
    soft_targets=SOFT + "    return 10 ** 100_000",
    label_weight="def label_weight(labels):\n    return 10 ** 3000",
)
code(
    "no_functions",
    "Its answers are a number, a text, a tensor, a dict, a module, a class and nothing.",
    soft_targets="soft_targets = 3",
    distillation_loss="distillation_loss = {'gradient': 3}",
    distillation_gradient="distillation_gradient = torch.ones(5, 3)",
    feature_distillation_loss="import collections\n"
    "feature_distillation_loss = collections.namedtuple('N', 'gradient call')(1, 2)",
    bug_lines="bug_lines = {'moving teacher': 2, 'harmful labels': 5}",
    label_weight="label_weight = None",
    loss_test="loss_test = 'right'",
    says="your answer is of type int, which is of no use here",
)
code(
    "odd_exceptions",
    "It raises exceptions that look like the grader's own verdicts.",
    soft_targets="class NotAttempted(NotImplementedError): pass\n"
    + SOFT
    + "    raise NotAttempted",
    distillation_loss="""
class Skipped(AssertionError): __module__ = "_pytest.outcomes"
def distillation_loss(*args, **settings):
    raise Skipped("skipped")
""",
    bug_lines="def bug_lines():\n    raise KeyboardInterrupt",
    label_weight="def label_weight(labels):\n    raise GeneratorExit",
    loss_test="""
class Right(AssertionError):
    def __str__(self): raise AssertionError
def loss_test(loss):
    raise Right
""",
)
code(
    "exception_of_a_lying_type",
    "It raises an exception whose class raises when it is asked for its name.",
    soft_targets="""
class Meta(type):
    @property
    def __name__(cls): raise Evil
    @property
    def __mro__(cls): return ()
class Evil(Exception, metaclass=Meta): pass
"""
    + SOFT
    + "    raise Evil",
)
code(
    "own_assertion",
    "It is honest: its test raises a kind of AssertionError of its own.",
    spoils="-loss_test",
    loss_test="""
class WrongLoss(AssertionError): pass
def loss_test(loss):
    student = torch.tensor([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0]], dtype=torch.float64)
    teacher = torch.tensor([[3.0, 1.0, 0.0], [0.0, 1.0, 2.5]], dtype=torch.float64)
    labels = torch.tensor([0, 2])
    hard = -torch.stack([student[0].log_softmax(0)[0], student[1].log_softmax(0)[2]]).mean()
    p, q = (teacher / 3).softmax(1), (student / 3).softmax(1)
    soft = 9 * (p * (p / q).log()).sum() / 2
    for alpha, want in ((0.0, hard), (1.0, soft)):
        if not torch.allclose(loss(student, teacher, labels, temperature=3.0, alpha=alpha), want):
            raise WrongLoss
""",
)
code(
    "side_effects",
    "It changes torch's settings, default types and random state for whoever comes next.",
    soft_targets="""
import random
torch.set_default_dtype(torch.float16)
torch.use_deterministic_algorithms(True)
"""
    + SOFT
    + "    torch.manual_seed(0)\n    random.seed(0)\n    return logits",
)
code("is_binary", "Its cell is a NUL.", soft_targets="\x00")
code("is_no_python", "Its cell cannot be read.", soft_targets="def soft_targets(:")
code("is_deep", "Its cell is nested too deep for the parser.", soft_targets="(" * 5000 + ")" * 5000)
code(
    "homoglyph",
    "Its function has the name of the exercise, with a Cyrillic letter in it.",
    soft_targets="def s\u043eft_targets(logits, *, temperature):\n"
    "    return torch.softmax(logits / temperature, dim=1)",
    says="the cell defines no 'soft_targets'",
)
code(
    "compatibility_letters",
    "It is honest, in wide letters that Python reads as the plain ones.",
    spoils="-soft_targets",
    soft_targets="def \uff53oft_targets(logits, *, temperature):\n"
    "    return torch.softmax(logits / temperature, dim=1)",
)
code(
    "bidi",
    "Marks of writing direction make a comment look like code and code like a comment.",
    soft_targets="def soft_targets(logits, *, temperature):\n"
    "    # \u202e return torch.softmax(logits / temperature, dim=1) \u2066\n"
    "    raise ValueError('\u202e \u2066 \u200f right')",
)
