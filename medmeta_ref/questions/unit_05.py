"""Interview questions of unit 05: gradient-based meta-learning from first principles."""

from typing import Any

import torch

from medmeta_ref.questions.kinds import (
    Bug,
    Card,
    Fix,
    Formula,
    Match,
    Multi,
    Numeric,
    Order,
    Pair,
    Predict,
    Right,
    Shape,
    Single,
    Slip,
    Step,
    Words,
    Wrong,
)

LESSON = ("A2", "A5", "B6")
EXERCISES = {
    "gradient_on_bowls": ("A5", "B6"),
    "inner_step": ("A5", "B6"),
    "unrolled": ("A5", "B6"),
    "hessian_product": ("A5",),
    "stable_rate": ("A5", "B6"),
    "bug_lines": ("A5",),
    "product_test": ("A5",),
}

FINN = "Finn, Abbeel and Levine 2017, arXiv 1703.03400"
PEARLMUTTER = "Pearlmutter 1994, Neural Computation 6(1)"
LESSON_FILE = "lessons/05_gradient_based"


def largest_stable_rate(low: float, high: int) -> float:
    """Return the rate beyond which steps on a bowl no longer come nearer, by its eigenvalues.

    Args:
        low: the curvature along one axis.
        high: the curvature along the other.
    """
    curvature = torch.diag(torch.tensor([low, high], dtype=torch.float64))
    return 2 / float(torch.linalg.eigvalsh(curvature).max())


def slope_in_the_rate(a: int, b: int, c: int, d: int) -> float:
    """Return the derivative, in the rate, of a loss of slope (c, d) after a step of slope (a, b).

    Args:
        a: support slope along the first weight.
        b: along the second.
        c: query slope along the first weight.
        d: along the second.
    """
    rate = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    slopes = torch.tensor([[a, b], [c, d]], dtype=torch.float64)
    end = torch.zeros(2, dtype=torch.float64) - rate * slopes[0]
    [slope] = torch.autograd.grad((slopes[1] * end).sum(), rate)
    return slope.item()


def hessian_shape(n_out: int, n_in: int) -> tuple[int, ...]:
    """Return the shape of the Hessian of a loss in a linear layer's weight, by forming it."""
    x = torch.ones(1, n_in)

    def loss(weight: torch.Tensor) -> torch.Tensor:
        return (x @ weight.T).square().sum()

    hessian = torch.autograd.functional.hessian(loss, torch.zeros(n_out, n_in))  # type: ignore[no-untyped-call]
    return tuple(hessian.shape)


def agrees_with_the_slope(names: dict[str, Any]) -> bool:
    """Return whether the check accepts the right slopes of sum x^4 and leaves x as it is."""
    x = torch.tensor([0.7, -1.3, 2.0])
    kept = x.clone()
    slopes = [float(names["slope_by_differences"](lambda t: (t**4).sum(), x, i)) for i in range(3)]
    wanted = (4 * kept.double() ** 3).tolist()
    right = all(abs(s - w) < 1e-3 * abs(w) for s, w in zip(slopes, wanted, strict=True))
    return right and torch.equal(x, kept)


QUESTIONS = (
    Multi(
        id="family",
        title=Words("Who belongs to the family?", "谁属于这一类？"),
        stem=Words(
            "Gradient-based meta-learning learns something *for gradient steps that are still to "
            "be taken* on a new task. Which of these do that?",
            "基于梯度的元学习，是为新任务上*尚未进行的梯度步*学习某种东西。下面哪些属于它？",
        ),
        options=(
            Right(
                Words(
                    "MAML: the query loss after the steps, minimised over the start",
                    "MAML：对起点最小化走完几步之后的查询集损失",
                ),
                Words("The start is learned, for these steps.", "学的是起点，为这些步而学。"),
            ),
            Wrong(
                Words(
                    "Prototypical networks: an embedding, trained by gradient descent",
                    "原型网络：用梯度下降训练的嵌入",
                ),
                Words(
                    "The training uses gradients, as nearly everything does. On a new task no "
                    "step is taken: examples are compared.",
                    "训练用了梯度，但几乎什么方法都用。在新任务上它不走任何一步，只做比较。",
                ),
            ),
            Right(
                Words(
                    "Meta-SGD: a start, and with it a step size for every single weight",
                    "Meta-SGD：学习起点，同时为每个权重学习步长",
                ),
                Words(
                    "Start and rates are both trained through the step.",
                    "起点和学习率都穿过这一步来训练。",
                ),
            ),
            Wrong(
                Words(
                    "Distillation: a small network descends the distance to a large one",
                    "知识蒸馏：小网络用梯度下降逼近大网络",
                ),
                Words(
                    "One task, one loss, no new task afterwards: compression.",
                    "一个任务、一个损失，之后没有新任务：这是压缩。",
                ),
            ),
            Right(
                Words(
                    "Reptile: the start moves towards where the steps of each task end",
                    "Reptile：起点朝各任务走完几步的终点移动",
                ),
                Words(
                    "It learns a start for steps, without differentiating through them.",
                    "它也为梯度步学习起点，只是不穿过它们求导。",
                ),
            ),
            Wrong(
                Words(
                    "Joint training on all classes, and fine-tuning on the new ones later",
                    "先在全部类别上联合训练，之后在新类别上微调",
                ),
                Words(
                    "A strong rival, but its training knows nothing of the steps to come: its loss "
                    "is taken before them.",
                    "这是有力的对手，但训练时并不知道以后要走的步：损失是在走步之前计算的。",
                ),
            ),
        ),
        objective=Words(
            "Say what makes a method gradient-based.", "说清楚什么叫基于梯度的元学习。"
        ),
        source=f"{FINN}; Li et al. 2017, arXiv 1707.09835; Nichol, Achiam and Schulman 2018, "
        "arXiv 1803.02999",
        answers=("A2", "B6"),
    ),
    Predict(
        id="remembered",
        title=Words("What requires_grad tells", "requires_grad 说明什么"),
        stem=Words(
            "Four ways to take a step. What is the last line's value?",
            "走一步的四种写法。最后一行的值是什么？",
        ),
        code="""
import torch

def end(way):
    theta = torch.tensor(2.0, requires_grad=True)
    [g] = torch.autograd.grad(theta**3, theta, create_graph=way == "graph")
    if way == "no_grad":
        with torch.no_grad():
            return theta - 0.1 * g
    return theta - 0.1 * (g.detach() if way == "detach" else g)

tuple(end(way).requires_grad for way in ("plain", "graph", "detach", "no_grad"))
""",
        slips=(
            Slip(
                (False, True, False, False),
                Words(
                    "theta itself is in `theta - 0.1 * g`: that is enough, whatever g is.",
                    "`theta - 0.1 * g` 里有 theta 本身：不管 g 是什么，这就够了。",
                ),
            ),
            Slip(
                (True, True, False, False),
                Words(
                    "`g.detach()` cuts g off. The first theta is still there.",
                    "`g.detach()` 只切断 g，前面的 theta 还在。",
                ),
            ),
            Slip(
                (True, True, True, True),
                Words(
                    "Under `no_grad` a result forgets everything it came from.",
                    "在 `no_grad` 之下，结果会忘掉它的来历。",
                ),
            ),
            Slip(
                (False, True, True, False),
                Words(
                    "Without the graph g is a constant, as with `detach`; both keep the first "
                    "theta.",
                    "不保留计算图时 g 是常数，与 `detach` 一样；两者都保留前面的 theta。",
                ),
            ),
        ),
        why=Words(
            "Three of four require gradient, and only the second one has the right one: slope 1 - "
            "0.1 · 12 = -0.2. The flag cannot tell them apart; finite differences can.",
            "四个里有三个要求梯度，而只有第二个是对的：斜率为 1 - 0.1 · 12 = -0.2。"
            "这个标志分不出来，有限差分可以。",
        ),
        objective=Words("Know what a tensor's flag does not tell.", "知道张量的标志不能说明什么。"),
        source="PyTorch documentation, torch.autograd.grad; exercises/05_gradient_based",
        answers=("A5",),
    ),
    Single(
        id="product_cost",
        title=Words("The price of a Hessian", "海森矩阵的代价"),
        stem=Words(
            "MAML multiplies a vector by the Hessian of a network with a million weights. What "
            "does one such product cost?",
            "MAML 要把一个向量乘以海森矩阵，网络有一百万个权重。这样一次乘法的代价是多少？",
        ),
        options=(
            Wrong(
                Words(
                    "A million gradients, one for each of the rows of the matrix",
                    "一百万次求梯度，矩阵的每一行一次",
                ),
                Words(
                    "That is what forming the matrix costs. Nobody has to form it.",
                    "那是构造整个矩阵的代价，而矩阵根本不必构造。",
                ),
            ),
            Right(
                Words(
                    "A few gradients, however many weights the network may have",
                    "几次求梯度的代价，与权重个数无关",
                ),
                Words(
                    "The gradient of (gradient · vector), the vector held: one more backward pass, "
                    "through a forward and a backward pass.",
                    "对（梯度 · 向量）再求一次梯度，向量保持不变："
                    "也就是穿过前向和反向，再反向一次。",
                ),
            ),
            Wrong(
                Words(
                    "A forward pass: the curvature is there when the loss has been computed",
                    "一次前向计算：算出损失时曲率就有了",
                ),
                Words(
                    "The loss is one number. How its slope changes takes two derivatives.",
                    "损失只是一个数。斜率如何变化，需要求两次导数。",
                ),
            ),
            Wrong(
                Words(
                    "Memory for a million times a million numbers, but little time",
                    "需要一百万乘一百万个数的内存，但时间很少",
                ),
                Words(
                    "The product has a million numbers, as the gradient has.",
                    "乘积只有一百万个数，与梯度一样。",
                ),
            ),
        ),
        objective=Words("Price second order.", "估计二阶方法的代价。"),
        source=PEARLMUTTER,
        answers=("A5", "B6"),
        points=1,
    ),
    Numeric(
        id="stable_rate",
        title=Words("The longest stable step", "最大的稳定步长"),
        stem=Words(
            "A bowl has curvature {low} along one axis and {high} along the other. Up to which "
            "inner rate do the steps converge from everywhere?",
            "一个碗形损失沿一条轴的曲率为 {low}，沿另一条为 {high}。"
            "内循环学习率最大到多少，从任何起点出发都收敛？",
        ),
        given={"low": (0.5, 1, 2), "high": (3, 5, 6, 8)},
        key=largest_stable_rate,
        slips=(
            Slip(
                lambda low, high: 1 / high,
                Words(
                    "There a step along the steep axis lands at the bottom. Steps up to twice as "
                    "long overshoot and still come nearer.",
                    "此时沿陡轴一步到底。步长再大一倍以内会越过谷底，但仍然越走越近。",
                ),
            ),
            Slip(
                lambda low, high: 2 / low,
                Words(
                    "Along the flat axis, yes. Along the steep one the steps have diverged long "
                    "before.",
                    "沿平轴是的。沿陡轴早就发散了。",
                ),
            ),
            Slip(
                lambda low, high: 2 / (low + high),
                Words(
                    "That is the rate at which the slower of both axes is fastest; it is not the "
                    "limit.",
                    "这是让两轴中较慢者最快的学习率，不是上限。",
                ),
            ),
            Slip(
                lambda low, high: high / 2,
                Words("Upside down: steep bowls need short steps.", "颠倒了：碗越陡，步长要越短。"),
            ),
        ),
        why=Words(
            "A step multiplies the distance by $1 - \\alpha\\lambda$; its size is below 1 up to $2 / "
            "\\lambda$, and the larger curvature decides: {key}.",
            "每一步把距离乘以 $1 - \\alpha\\lambda$；在 $2 / \\lambda$ 以内其绝对值小于 1，"
            "由较大的曲率决定：{key}。",
        ),
        objective=Words("Bound the inner rate by the curvature.", "用曲率给内循环学习率定上限。"),
        source=LESSON_FILE,
        answers=("A5",),
        points=1,
    ),
    Numeric(
        id="slope_in_the_rate",
        title=Words("Which way to turn the rate", "学习率该往哪边调"),
        stem=Words(
            "One inner step. At its start the support loss has the slope ({a}, {b}); at its end the "
            "query loss has the slope ({c}, {d}). What is the derivative of the query loss, after "
            "the step, in the inner rate?",
            "内循环走一步。起点处支持集损失的斜率为 ({a}, {b})，终点处查询集损失的斜率为 ({c}, "
            "{d})。这一步之后的查询集损失对内循环学习率的导数是多少？",
        ),
        given={"a": (1, 2), "b": (1, 2), "c": (3, 4, 5), "d": (6, 7)},
        key=slope_in_the_rate,
        slips=(
            Slip(
                lambda a, b, c, d: a * c + b * d,
                Words(
                    "The step goes *against* the support slope, so the sign is minus: here longer "
                    "steps help.",
                    "走的是支持集斜率的*反*方向，所以带负号：这里步长大一些更好。",
                ),
            ),
            Slip(
                lambda a, b, c, d: -(a**2 + b**2),
                Words(
                    "That is how fast the *support* loss falls. The query loss has a slope of its "
                    "own.",
                    "那是*支持集*损失下降的速度。查询集损失有它自己的斜率。",
                ),
            ),
            Slip(
                lambda a, b, c, d: -(c**2 + d**2),
                Words(
                    "The step does not go down the query's slope: that one is not known to it.",
                    "这一步不是沿查询集的斜率走的：走的时候还不知道它。",
                ),
            ),
        ),
        why=Words(
            "The end is start minus rate times support slope; the chain rule gives minus the scalar "
            "product of both slopes: {key}. A rate can be trained like a weight.",
            "终点 = 起点 - 学习率 × 支持集斜率；由链式法则得两个斜率内积的相反数：{key}。"
            "学习率可以像权重一样训练。",
        ),
        objective=Words("Differentiate a step in its length.", "对步长求导。"),
        source=f"Li et al. 2017, arXiv 1707.09835; {LESSON_FILE}",
        answers=("A5", "B6"),
        points=1,
    ),
    Shape(
        id="hessian_shape",
        title=Words("The shape of second derivatives", "二阶导数的形状"),
        stem=Words(
            "The weight of a linear layer has the shape ({n_out}, {n_in}). "
            "`torch.autograd.functional.hessian(loss, weight)` forms all second derivatives. What "
            "is the shape of what it returns?",
            "线性层的权重形状为 ({n_out}, {n_in})。"
            "`torch.autograd.functional.hessian(loss, weight)` 求出全部二阶导数。"
            "返回的张量是什么形状？",
        ),
        given={"n_out": (2, 3, 5), "n_in": (4, 6, 8)},
        key=hessian_shape,
        slips=(
            Slip(
                lambda n_out, n_in: (n_out, n_in),
                Words(
                    "That is the gradient's shape, and that of the Hessian *times a vector*.",
                    "那是梯度的形状，也是海森矩阵*乘以向量*之后的形状。",
                ),
            ),
            Slip(
                lambda n_out, n_in: (n_out * n_in, n_out * n_in),
                Words(
                    "As many numbers, as a matrix. The function keeps the axes of the weight.",
                    "数的个数对，写成了矩阵。这个函数保留权重的各条轴。",
                ),
            ),
            Slip(
                lambda n_out, n_in: (n_in, n_in),
                Words(
                    "That would be one row of the weight alone; rows may interact.",
                    "那只是权重的一行；各行之间也可以有二阶导数。",
                ),
            ),
        ),
        why=Words(
            "One number for every pair of weights: {key}. That is why it is multiplied and not "
            "formed.",
            "每一对权重一个数：{key}。所以只做乘法，不去构造它。",
        ),
        objective=Words("See why Hessians are not formed.", "理解为何不构造海森矩阵。"),
        source="PyTorch documentation, torch.autograd.functional.hessian",
        answers=("A5",),
        points=1,
    ),
    Formula(
        id="curved_step",
        title=Words("A step where the curvature changes", "曲率变化处的一步"),
        stem=Words(
            "Support loss $\\tfrac14 t^4$, query loss $\\tfrac12 b (t - d)^2$, one inner step of "
            "size `a` from `t`. Write the exact gradient, in `t`, of the query loss after the step.",
            "支持集损失 $\\tfrac14 t^4$，查询集损失 $\\tfrac12 b (t - d)^2$，"
            "从 `t` 出发以步长 `a` 走一步。写出走完之后的查询集损失对 `t` 的精确梯度。",
        ),
        variables={"t": (0.3, 1.5), "b": (0.5, 3), "d": (-2, 2), "a": (0.05, 0.3)},
        key=lambda t, b, d, a: (1 - 3 * a * t**2) * b * (t - a * t**3 - d),
        example="(1 - 3*a*t**2) * b * (t - a*t**3 - d)",
        slips=(
            Slip(
                "b * (t - a*t**3 - d)",
                Words(
                    "That is the query's slope where the step ends: to first order. How far the end "
                    "moves with t is missing.",
                    "那是终点处查询集的斜率，即一阶近似。还缺终点随 t 移动的倍数。",
                ),
            ),
            Slip(
                "(1 - a*t**2) * b * (t - a*t**3 - d)",
                Words(
                    "The slope is $t^3$; its derivative, the curvature, is $3t^2$.",
                    "斜率是 $t^3$；它的导数，也就是曲率，是 $3t^2$。",
                ),
            ),
            Slip(
                "(1 - 3*a*(t - a*t**3)**2) * b * (t - a*t**3 - d)",
                Words(
                    "The curvature counts where the step *begins*, not where it ends.",
                    "曲率要取这一步*开始*的地方，而不是结束的地方。",
                ),
            ),
            Slip(
                "(1 - 3*a*t**2) * b * (t - d)",
                Words(
                    "The factor is right; the query loss is taken where the step ends.",
                    "因子对了；但查询集损失要在终点处计算。",
                ),
            ),
            Slip(
                "b * (t - d)",
                Words(
                    "That is the slope before any step.",
                    "那是走步之前的斜率。",
                ),
            ),
        ),
        why=Words(
            "The end is $t - a t^3$. It moves by $1 - 3 a t^2$ when t moves by 1, and the query's "
            "slope there is $b$ times its distance from $d$.",
            "终点是 $t - a t^3$。t 移动 1，它移动 $1 - 3 a t^2$；"
            "该处查询集斜率是 $b$ 乘以到 $d$ 的距离。",
        ),
        objective=Words(
            "Differentiate through a step that is no bowl's.", "对非二次损失的一步求导。"
        ),
        source=f"{FINN}, section 2.2; {LESSON_FILE}",
        answers=("A5", "B6"),
    ),
    Order(
        id="there_and_back",
        title=Words("There and back", "去与回"),
        stem=Words(
            "A gradient through two inner steps. Put in order what happens, from first to last.",
            "穿过两步内循环求梯度。把发生的事从先到后排好。",
        ),
        steps=(
            Step(
                Words(
                    "Take the support slope at θ₀, and keep how it was made",
                    "在 θ₀ 处求支持集斜率，并保留它的计算图",
                ),
                Words("All begins at the start, θ₀.", "一切从起点 θ₀ 开始。"),
            ),
            Step(
                Words("Step to θ₁, a new tensor beside θ₀", "走到 θ₁：新张量，θ₀ 保持不变"),
                Words(
                    "The first step has to be taken before its end can have a slope.",
                    "先走完第一步，它的终点才谈得上斜率。",
                ),
            ),
            Step(
                Words(
                    "Take the support slope at θ₁ and step to θ₂", "在 θ₁ 处求支持集斜率，走到 θ₂"
                ),
                Words(
                    "The second step begins where the first ended.", "第二步从第一步的终点开始。"
                ),
            ),
            Step(
                Words("Take the slope of the query loss at θ₂", "在 θ₂ 处求查询集损失的斜率"),
                Words(
                    "The way back begins with the loss that counts, at the end.",
                    "往回走从终点处真正要紧的损失开始。",
                ),
            ),
            Step(
                Words("Multiply by $I - \\alpha H(\\theta_1)$", "乘以 $I - \\alpha H(\\theta_1)$"),
                Words("The chain rule meets the last step first.", "链式法则先遇到最后一步。"),
            ),
            Step(
                Words("Multiply by $I - \\alpha H(\\theta_0)$", "乘以 $I - \\alpha H(\\theta_0)$"),
                Words(
                    "The first step's factor is the last one, and what results belongs to θ₀.",
                    "第一步的因子最后才乘，得到的就是对 θ₀ 的梯度。",
                ),
            ),
        ),
        objective=Words(
            "Follow the chain rule back through steps.", "跟着链式法则穿过各步往回走。"
        ),
        source=f"{FINN}; {LESSON_FILE}",
        answers=("A5",),
    ),
    Match(
        id="what_cuts",
        title=Words("What the start gets to know", "起点能知道什么"),
        stem=Words(
            "An inner step is written in one of these ways, then the query loss is differentiated "
            "in the start. What comes of it?",
            "内循环的一步用下面各种写法之一，然后对起点求查询集损失的导数。结果如何？",
        ),
        pairs=(
            Pair(
                Words(
                    "`p - rate * g`, with `create_graph=True`",
                    "`p - rate * g`，并写 `create_graph=True`",
                ),
                Words("The exact gradient", "精确的梯度"),
                Words("The slope knows how it depends on the start.", "斜率知道自己如何依赖起点。"),
            ),
            Pair(
                Words("`p - rate * g.detach()`", "`p - rate * g.detach()`（切断斜率）"),
                Words("A gradient whose factor is the identity", "有梯度，但因子成了单位阵"),
                Words(
                    "The first p still connects: the first-order gradient, in silence.",
                    "前面的 p 仍然相连：得到一阶梯度，而且没有任何提示。",
                ),
            ),
            Pair(
                Words(
                    "`p - rate * g`, all under `torch.no_grad()`",
                    "`p - rate * g`，全部放在 `torch.no_grad()` 之下",
                ),
                Words("An error: nothing leads back to the start", "报错：没有通向起点的路"),
                Words(
                    "The result does not require gradient. That at least is said aloud.",
                    "结果不要求梯度。至少这会明说出来。",
                ),
            ),
            Pair(
                Words("`p.data -= rate * g`", "`p.data -= rate * g`（原地修改）"),
                Words("The start itself has moved", "起点本身被移动了"),
                Words(
                    "There is one tensor, overwritten: the next task begins elsewhere.",
                    "只有一个张量，而且被覆盖了：下一个任务就从别处出发。",
                ),
            ),
            Pair(
                Words(
                    "`g` from `inner.backward()`, its `.grad` not cleared",
                    "`g` 来自 `inner.backward()`，而 `.grad` 没有清零",
                ),
                Words("Support slopes are added to the gradient", "梯度里混入了支持集的斜率"),
                Words(
                    "`backward` fills `.grad` of the start in the inner loop, and the outer one adds "
                    "to it. `torch.autograd.grad` leaves `.grad` alone.",
                    "内循环的 `backward` 会写入起点的 `.grad`，外循环再往上加。"
                    "`torch.autograd.grad` 不动 `.grad`。",
                ),
            ),
        ),
        objective=Words(
            "Tell the silent cuts from the loud ones.", "分清无声的切断与会报错的切断。"
        ),
        source="PyTorch documentation, autograd; exercises/05_gradient_based",
        answers=("A5",),
    ),
    Multi(
        id="rates",
        title=Words("Claims about the inner rate", "关于内循环学习率的说法"),
        stem=Words(
            "Gradient descent with rate $\\alpha$; $M$ is the largest curvature, the largest "
            "eigenvalue of the Hessian. Which claims hold?",
            "以学习率 $\\alpha$ 做梯度下降；$M$ 是最大曲率，即海森矩阵的最大特征值。哪些说法成立？",
        ),
        options=(
            Right(
                Words(
                    "On a bowl, with $\\alpha$ between $1/M$ and $2/M$: steps leap over, yet "
                    "converge",
                    "碗形，$\\alpha$ 在 $1/M$ 与 $2/M$ 之间：越过谷底，但收敛",
                ),
                Words(
                    "The factor is negative and above -1: the side changes, the distance shrinks.",
                    "因子为负但大于 -1：左右来回，距离变小。",
                ),
            ),
            Wrong(
                Words(
                    "On a bowl, with $\\alpha$ above $1/M$: the loss rises with every step",
                    "碗形，$\\alpha$ 超过 $1/M$：从此每一步损失都会上升",
                ),
                Words("Not before $2/M$.", "要到 $2/M$ 以上。"),
            ),
            Wrong(
                Words(
                    "On a network: a rate that is stable at the start remains so on the way",
                    "神经网络：在起点处稳定的学习率，一路上也都稳定",
                ),
                Words(
                    "The Hessian changes along the way, and so does the limit.",
                    "海森矩阵沿途变化，上限也随之变化。",
                ),
            ),
            Right(
                Words(
                    "At a saddle no rate above 0 brings one nearer along a direction bent downwards",
                    "在鞍点，沿向下弯的方向，任何正学习率都不会使人走近",
                ),
                Words(
                    "With negative curvature the factor $1 - \\alpha\\lambda$ is above 1.",
                    "曲率为负时，因子 $1 - \\alpha\\lambda$ 大于 1。",
                ),
            ),
            Wrong(
                Words(
                    "The best rate for one step is also the best one for ten steps",
                    "走一步时最好的学习率，走十步时也最好",
                ),
                Words(
                    "Rate and number of steps trade off; the lesson measures it.",
                    "学习率与步数相互制约；课中有测量。",
                ),
            ),
            Right(
                Words(
                    "The outer gradient through many unstable steps may become huge",
                    "穿过许多不稳定的步，外层梯度可能变得极大",
                ),
                Words(
                    "It is a product of factors $I - \\alpha H$; sizes above 1 multiply.",
                    "它是因子 $I - \\alpha H$ 的乘积；大于 1 的倍数会连乘。",
                ),
            ),
        ),
        objective=Words("Reason about rates by factors.", "用因子来推断学习率的作用。"),
        source=LESSON_FILE,
        answers=("A5", "B6"),
        points=1,
    ),
    Bug(
        id="false_alarm",
        title=Words("A check that cries wolf", "谎报错误的检查"),
        stem=Words(
            "Somebody checks a gradient by central differences and finds it wrong. But the gradient "
            "is right, `x` is float32, and the check returns 0 or huge numbers.",
            "有人用中心差分检查梯度，结论是梯度错了。其实梯度是对的：`x` 是 float32，"
            "而检查返回的不是 0 就是巨大的数。",
        ),
        code="""
import torch

def slope_by_differences(f, x, i):
    h = 1e-9
    ends = []
    for sign in (1, -1):
        moved = x.clone()
        moved[i] += sign * h
        ends.append(f(moved))
    return (ends[0] - ends[1]) / (2 * h)
""",
        fixes=(
            Fix(
                4,
                "h = 1e-12",
                Words(
                    "Still less of h survives: float32 keeps seven digits of x.",
                    "h 更加留不下来：float32 只保留 x 的七位数字。",
                ),
            ),
            Fix(
                4,
                "h = 0.5",
                Words(
                    "That survives, but across such a step the function is curved.",
                    "这样留得下来，但跨这么大一步，函数早已弯了。",
                ),
            ),
            Fix(
                7,
                "moved = x.double().clone()",
                Words(
                    "In float64 a change of 1e-9 is still seen, with about seven digits of the "
                    "difference left.",
                    "在 float64 下，1e-9 的变化仍能看见，差值还剩约七位数字。",
                ),
            ),
            Fix(
                7,
                "moved = x",
                Words(
                    "Then x itself is changed, and nothing is gained in precision.",
                    "这样改的是 x 本身，精度也没有提高。",
                ),
            ),
            Fix(
                10,
                "return ((ends[0] - ends[1]) / (2 * h)).double()",
                Words(
                    "Too late: the digits were lost before.",
                    "太晚了：数字早已丢失。",
                ),
            ),
        ),
        works=agrees_with_the_slope,
        objective=Words("Check gradients in float64.", "用 float64 检查梯度。"),
        source=LESSON_FILE,
        answers=("A5",),
    ),
    Single(
        id="relu",
        title=Words("No curvature in ReLU networks?", "ReLU 网络没有曲率？"),
        stem=Words(
            '"A ReLU network is piecewise linear, so its Hessian is 0, and second order changes '
            'nothing." What is right?',
            "“ReLU 网络是分段线性的，所以海森矩阵为 0，二阶项没有作用。”怎样说才对？",
        ),
        options=(
            Wrong(
                Words(
                    "It holds: the second derivative of ReLU is 0 wherever there is one",
                    "说得对：ReLU 的二阶导数处处为 0",
                ),
                Words(
                    "That of ReLU in its input, yes. The Hessian of the loss is another thing.",
                    "那是 ReLU 对其输入的二阶导数。损失的海森矩阵是另一回事。",
                ),
            ),
            Wrong(
                Words(
                    "It holds for the images trained on, and fails for new ones only",
                    "对训练过的图像成立，对新图像不成立",
                ),
                Words(
                    "The Hessian is that of the loss on the support images themselves.",
                    "海森矩阵正是支持集图像上损失的海森矩阵。",
                ),
            ),
            Right(
                Words(
                    "It is linear in the input; in the weights layers multiply, and the loss bends",
                    "它对输入是线性的；对权重各层相乘，损失本身也弯曲",
                ),
                Words(
                    "Products of weights of two layers have mixed second derivatives, and "
                    "cross-entropy is curved in the logits. Whether the terms are small is to be "
                    "measured.",
                    "两层权重的乘积有混合二阶导数，交叉熵对输出也是弯曲的。"
                    "这些项小不小，要靠测量。",
                ),
            ),
            Wrong(
                Words(
                    "It is wrong, as the kinks of ReLU have an infinite second derivative",
                    "错，因为 ReLU 的折点处二阶导数为无穷大",
                ),
                Words(
                    "Autograd never sees the kinks: a point lies on one with probability 0.",
                    "自动求导看不到折点：恰好落在折点上的概率为 0。",
                ),
            ),
        ),
        objective=Words(
            "Keep apart linear in the input and linear in the weights.",
            "分清对输入线性与对权重线性。",
        ),
        source=f"{FINN}, section 5.2 (near-linearity as a possible reason why first order does well)",
        answers=("A5", "B6"),
        points=1,
    ),
    Single(
        id="new_disease",
        title=Words("A new disease by Friday", "周五之前认识一种新疾病"),
        stem=Words(
            "A new disease appears; ten labelled images are there. What does gradient-based "
            "meta-learning need to have *beforehand*, to make use of them within a day?",
            "出现了一种新疾病，有十张标注图像。要在一天之内用上它们，"
            "基于梯度的元学习*事先*需要什么？",
        ),
        options=(
            Right(
                Words(
                    "Many labelled tasks of other diseases, to learn start and steps on",
                    "许多其他疾病的有标注任务，用来学习起点和步长",
                ),
                Words(
                    "What is fast on Friday was slow before: tasks, and some diseases held out to "
                    "choose rate and steps and to test.",
                    "周五之所以快，是因为之前慢慢学过："
                    "要有任务，还要留出一些疾病来选学习率、步数并做测试。",
                ),
            ),
            Wrong(
                Words(
                    "Nothing: it has learned how to learn, so it needs no data before",
                    "什么也不需要：学会了学习，就不需要事先的数据",
                ),
                Words(
                    "Where would it have learned that? The labels saved on the new task were paid "
                    "for by other tasks.",
                    "那是从哪里学会的？新任务上省下的标注，是由其他任务付出的。",
                ),
            ),
            Wrong(
                Words(
                    "Thousands of unlabelled images of the new disease, to learn its looks",
                    "数千张新疾病的无标注图像，先熟悉它的样子",
                ),
                Words(
                    "They would help other methods. A new disease does not have them.",
                    "对其他方法会有帮助。但新疾病拿不出来。",
                ),
            ),
            Wrong(
                Words(
                    "A network that another hospital has trained on the same disease",
                    "别的医院在同一种疾病上训练好的网络",
                ),
                Words(
                    "Then the disease would not be new, and transfer would be enough.",
                    "那它就不是新疾病了，直接迁移就够了。",
                ),
            ),
        ),
        objective=Words("Say what fast adaptation is paid with.", "说清快速适应的代价在哪里。"),
        source=f"{FINN}; Hospedales et al. 2022, arXiv 2004.05439",
        answers=("B6",),
        points=1,
    ),
    Single(
        id="by_hand",
        title=Words("What program is this?", "这是什么程序？"),
        stem=Words(
            'A program is called "gradient-based meta-learning". It has one training set. 200 '
            "times it computes the loss of all of it, copies every weight's gradient into a list, "
            "and subtracts 0.1 times that, under `no_grad`. What is it?",
            "一个程序名叫“基于梯度的元学习”。它只有一个训练集，重复 200 次：计算全体数据的损失，"
            "把每个权重的梯度复制到列表里，再在 `no_grad` 之下减去它的 0.1 倍。这是什么？",
        ),
        options=(
            Wrong(
                Words(
                    "First-order MAML, as the list of gradients is cut off from the graph",
                    "一阶 MAML，因为列表里的梯度与计算图断开了",
                ),
                Words(
                    "FOMAML takes the gradient of a query loss *after* steps. Here there is no "
                    "query set, and no start to come back to.",
                    "FOMAML 求的是走步*之后*的查询集损失的梯度。"
                    "这里没有查询集，也没有可以回到的起点。",
                ),
            ),
            Wrong(
                Words(
                    "Meta-learning with one task, as the data set is the task",
                    "只有一个任务的元学习，因为数据集就是任务",
                ),
                Words(
                    "With one task nothing can be learned *across* tasks.",
                    "只有一个任务，就无从*跨*任务学习。",
                ),
            ),
            Wrong(
                Words(
                    "A learned optimiser, as the update rule is written out in it",
                    "学习得到的优化器，因为更新规则写在里面",
                ),
                Words(
                    "The rule is written out, but nothing in it is learned.",
                    "规则是写出来的，其中没有什么是学来的。",
                ),
            ),
            Right(
                Words(
                    "Plain gradient descent on one data set, with the optimiser written by hand",
                    "一个数据集上的普通梯度下降，只是手写了优化器",
                ),
                Words(
                    "`torch.optim.SGD` with rate 0.1 ends at the same weights. No tasks, no support "
                    "and query, no loss after adaptation: no meta-learning.",
                    "用学习率 0.1 的 `torch.optim.SGD` 会得到同样的权重。没有任务，没有支持集与查询集，"
                    "也没有适应之后的损失：不是元学习。",
                ),
            ),
        ),
        objective=Words(
            "Recognise training that is called meta-learning.", "认出被叫作元学习的普通训练。"
        ),
        source=LESSON_FILE,
        answers=("A5", "B6"),
        points=1,
    ),
)

CARDS = (
    Card(
        id="through_training",
        prompt=Words(
            "A colleague knows backpropagation. Explain what it means to differentiate through "
            "training, and what it costs.",
            "一位同事懂反向传播。请向他解释什么叫“穿过训练求导”，以及代价是什么。",
        ),
        rubric=(
            Words(
                "a step is a function of the start; K steps are K functions in a chain",
                "一步是起点的函数；K 步就是 K 个函数的复合",
            ),
            Words(
                "its derivative is I - αH: the slope depends on the start, too",
                "它的导数是 I - αH：斜率也依赖起点",
            ),
            Words(
                "the Hessian is multiplied and never formed; a product costs a few gradients",
                "海森矩阵只做乘法，从不构造；一次乘法只要几次求梯度的代价",
            ),
            Words(
                "memory grows with the steps; first order or truncation save it, at a price",
                "内存随步数增长；一阶或截断可以节省，但有代价",
            ),
        ),
        model=Words(
            "One gradient step maps a start to an end, like a layer maps its input to its output. So "
            "K steps are a network of K layers that share their rule, and I can backpropagate "
            "through them. The derivative of one layer is the identity minus the rate times the "
            "Hessian, because the slope itself changes with the start. Nobody forms that matrix: the "
            "gradient of gradient times vector gives the product for the price of a few gradients. "
            "What it does cost is memory, since all steps have to be kept until the way back. If "
            "that is too much, I treat the early slopes, or all of them, as constants and say so: "
            "it is then another gradient.",
            "一步梯度下降把起点映射到终点，就像一层把输入映射到输出。所以 K 步就是 K 层网络，"
            "可以穿过它们反向传播。一层的导数是单位阵减去学习率乘海森矩阵，因为斜率本身也随起点变化。"
            "没有人去构造这个矩阵：对梯度与向量的内积再求梯度，几次求梯度的代价就得到乘积。"
            "真正的代价是内存，因为所有的步都要保留到往回走的时候。"
            "如果太大，就把前面几步或全部的斜率当作常数，并且说明：那已经是另一个梯度了。",
        ),
        source=f"{LESSON_FILE}; {PEARLMUTTER}",
        answers=("A5", "B6"),
    ),
    Card(
        id="trust_a_gradient",
        prompt=Words(
            "You have written a gradient through five inner steps. How do you convince yourself, "
            "and a reviewer, that it is right?",
            "你写了一个穿过五步内循环的梯度。怎样让自己和审稿人相信它是对的？",
        ),
        rubric=(
            Words(
                "finite differences of the whole function, in float64, central",
                "对整个函数做有限差分：float64，中心差分",
            ),
            Words(
                "several step sizes h: the error falls, then rounding takes over",
                "取几个步长 h：误差先下降，然后舍入误差占上风",
            ),
            Words(
                "a quadratic with a known answer, more than one step, support unlike query",
                "答案已知的二次函数，不止一步，支持集与查询集不同",
            ),
            Words(
                "a negative control: the first-order gradient must fail the same test",
                "反面对照：一阶梯度必须通不过同一个测试",
            ),
            Words(
                "the same call twice; the start unchanged",
                "同样的调用做两次；起点不变",
            ),
        ),
        model=Words(
            "First a case worked out on paper: two different quadratics as support and query, and "
            "three steps, since one step hides most mistakes. Then the real network in float64: I "
            "move the start along a random direction and compare central differences of the query "
            "loss with gradient times direction, for several h. The error must fall with the square "
            "of h until rounding takes over. As a control I run the first-order gradient through "
            "the same test, and it has to fail; else the test sees nothing. At last I call "
            "everything twice, to see that the start has not moved and no .grad has piled up.",
            "先做一个能在纸上算出来的例子：支持集和查询集是两个不同的二次函数，走三步，"
            "因为一步会掩盖大多数错误。然后用 float64 跑真正的网络：沿随机方向移动起点，"
            "对几个 h 比较查询集损失的中心差分与梯度乘方向。"
            "误差应当随 h 的平方下降，直到舍入误差占上风。"
            "作为对照，让一阶梯度接受同样的测试，它必须失败，否则这个测试什么也看不出来。"
            "最后全部调用两次，确认起点没有移动，梯度没有累积。",
        ),
        source=f"{LESSON_FILE}; exercises/05_gradient_based",
        answers=("A5",),
    ),
    Card(
        id="family_tour",
        prompt=Words(
            "A hospital wants tools for diseases that are yet to come. What can be learned for "
            "gradient steps, and what would you try first?",
            "一家医院想为将来的新疾病准备工具。可以为梯度步学习哪些东西？你会先试什么？",
        ),
        rubric=(
            Words(
                "start (MAML), start without second order (FOMAML, Reptile)",
                "起点（MAML），不用二阶导数的起点（FOMAML、Reptile）",
            ),
            Words(
                "step sizes (Meta-SGD), for each layer and step (MAML++)",
                "步长（Meta-SGD），每层每步的步长（MAML++）",
            ),
            Words(
                "which part adapts: the head alone (ANIL)",
                "哪一部分适应：只有输出层（ANIL）",
            ),
            Words(
                "first a plain classifier, its features or fine-tuning, rate chosen on held-out "
                "diseases",
                "先用普通分类器的特征或微调，学习率在留出的疾病上选择",
            ),
            Words(
                "tasks are the scarce thing; results with intervals, over diseases",
                "稀缺的是任务；结果要带区间，并跨多种疾病",
            ),
        ),
        model=Words(
            "For steps that are still to come one can learn where they start, as in MAML, or without "
            "second derivatives as in FOMAML and Reptile; how long they are, as in Meta-SGD, or for "
            "every layer and step as in MAML++; and which part takes them, as in ANIL. I would begin "
            "with none of these: a plain classifier of the known diseases, fine-tuned or with "
            "nearest class means, with rate and number of steps chosen on diseases that are held "
            "out. A learned rate is the smallest thing that can be trained through the steps, so it "
            "comes next. Then a start. Each has to beat the one before on the same held-out tasks, "
            "with an interval, and I say how few diseases that interval is over.",
            "为将来要走的步，可以学习起点，如 MAML；或不用二阶导数，如 FOMAML 和 Reptile。"
            "可以学习步长，如 Meta-SGD；或每层每步的步长，如 MAML++。也可以决定哪一部分走步，如 ANIL。"
            "我都不会先试：先用已知疾病训练普通分类器，微调或用最近类均值，"
            "学习率和步数在留出的疾病上选择。"
            "学习率是能穿过各步训练的最小的东西，所以接下来试它。然后才是起点。"
            "每一种都要在同样的留出任务上胜过前一种，并带区间；"
            "还要说明这个区间只涵盖了多少种疾病。",
        ),
        source=f"{FINN}; Li et al. 2017, arXiv 1707.09835; Raghu et al. 2020, arXiv 1909.09157",
        answers=("A2", "B6"),
    ),
)
