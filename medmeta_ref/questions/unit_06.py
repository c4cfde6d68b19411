"""Interview questions of unit 06: MAML and FOMAML."""

from typing import Any

import torch
import torch.nn.functional as F

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

LESSON = ("A5", "B6", "B7")
EXERCISES = {
    "best_start": ("A5", "B6"),
    "adapt": ("A5", "B6"),
    "maml_loss": ("A5", "B6"),
    "maml_gradient": ("A5", "B7"),
    "bug_lines": ("A5",),
    "gradient_test": ("A5",),
}

FINN = "Finn, Abbeel and Levine 2017, arXiv 1703.03400"
LESSON_FILE = "lessons/06_maml"


def resting_place(curvature: float, percent: int, *, power: int) -> float:
    """Return where descent stops: bowls of curvature 1 around 0 and of `curvature` around 1.

    Args:
        curvature: of the second bowl.
        percent: a hundred times the inner learning rate.
        power: of the factor 1 - rate * curvature: 0 joint training, 1 FOMAML, 2 MAML.
    """
    rate = percent / 100
    flat, steep = (h * (1 - rate * h) ** power for h in (1.0, curvature))
    return steep / (flat + steep)


def maml_start(curvature: float, percent: int) -> float:
    """Return MAML's start for one inner step, by descending the loss after that step."""
    rate, t = percent / 100, torch.zeros((), dtype=torch.float64, requires_grad=True)
    h = torch.tensor([1.0, curvature], dtype=torch.float64)
    centres = torch.tensor([0.0, 1.0], dtype=torch.float64)

    def slope(start: torch.Tensor) -> torch.Tensor:
        end = start - rate * h * (start - centres)
        loss = (h * (end - centres) ** 2 / 2).sum()
        return torch.autograd.grad(loss, start, create_graph=True)[0]

    # The slope is a straight line in the start: one Newton step lands on its zero.
    first = slope(t)
    [bend] = torch.autograd.grad(first, t)
    return (t - first / bend).item()


def passes_kept(n_tasks: int, inner_steps: int) -> int:
    """Return how many forward passes a graph of all tasks holds, by counting them."""
    passes = 0

    def loss(theta: torch.Tensor) -> torch.Tensor:
        nonlocal passes
        passes += 1
        return (theta - 1).square().sum() ** 2

    theta = torch.zeros(2, requires_grad=True)
    total = theta.new_zeros(())
    for _ in range(n_tasks):
        fast = theta
        for _ in range(inner_steps):
            fast = fast - 0.01 * torch.autograd.grad(loss(fast), fast, create_graph=True)[0]
        total = total + loss(fast)
    torch.autograd.grad(total, theta)
    return passes


def head_gradient_shape(n_tasks: int, n_way: int, n_features: int) -> tuple[int, ...]:
    """Return the shape of the meta-gradient of a linear head's weight, by taking it."""
    weight = torch.zeros(n_way, n_features, requires_grad=True)
    x, y = torch.ones(2 * n_way, n_features), torch.arange(2 * n_way) % n_way
    losses = []
    for _ in range(n_tasks):
        [slope] = torch.autograd.grad(F.cross_entropy(x @ weight.T, y), weight, create_graph=True)
        losses.append(F.cross_entropy(x @ (weight - 0.1 * slope).T, y))
    return tuple(torch.autograd.grad(torch.stack(losses).mean(), weight)[0].shape)


def episodes_are_independent(names: dict[str, Any]) -> bool:
    """Return whether each task gets the same score in either order, and the weights stay put."""

    def loss(params: dict[str, Any], x: Any, y: Any) -> Any:
        return (params["t"] * x - y).square().mean()

    params = {"t": torch.tensor(0.5, requires_grad=True)}
    x = torch.tensor([1.0, 2.0])
    tasks = [(x, slope * x, x, slope * x) for slope in (1.0, -2.0, 3.0)]
    there = names["evaluate"](loss, params, tasks, 0.1, 3)
    back = names["evaluate"](loss, params, tasks[::-1], 0.1, 3)
    adapted = abs(there[0] - (0.5 - 1.0) ** 2 * 2.5) > 0.1
    return adapted and there == back[::-1] and params["t"].item() == 0.5


QUESTIONS = (
    Single(
        id="what_is_learned",
        title=Words("What MAML optimises", "MAML 优化的是什么"),
        stem=Words(
            'A summary says that gradient-based meta-learning "optimises the representation of the '
            'gradient". What does MAML optimise?',
            "有一份总结说，基于梯度的元学习“优化梯度的表示”。MAML 优化的究竟是什么？",
        ),
        options=(
            Wrong(
                Words(
                    "The direction and the length of the gradients of every single task",
                    "每个任务梯度的方向和长度",
                ),
                Words(
                    "The inner steps are plain gradient descent with a fixed rate. Methods that "
                    "learn the update itself exist, but they are others.",
                    "内循环就是固定学习率的普通梯度下降。确有学习更新规则本身的方法，但不是 MAML。",
                ),
            ),
            Wrong(
                Words(
                    "Parameters whose loss is the lowest on average over all of the tasks",
                    "在所有任务上平均损失最低的参数",
                ),
                Words(
                    "That is joint training. In the lesson's two bowls it starts at 0.9 and is left "
                    "with eight times MAML's loss after one step.",
                    "那是联合训练。在课中的两个抛物线任务上，它从 0.9 出发，"
                    "一步之后的损失是 MAML 的八倍。",
                ),
            ),
            Right(
                Words(
                    "Initial parameters from which a few steps lead to a low query loss",
                    "一组初始参数：从它出发走几步，查询集损失就很低",
                ),
                Words(
                    "The outer loss is the query loss *after* the inner steps, as a function of "
                    "where they begin.",
                    "外层损失是内循环*之后*的查询集损失，看作起点的函数。",
                ),
            ),
            Wrong(
                Words(
                    "A second network that predicts the adapted weights from the support set",
                    "另一个网络，由支持集直接预测适应后的权重",
                ),
                Words(
                    "That would be a model-based method (a hypernetwork). MAML adds no network.",
                    "那属于基于模型的方法（超网络）。MAML 不增加任何网络。",
                ),
            ),
        ),
        objective=Words("State MAML's objective in one sentence.", "一句话说出 MAML 的目标。"),
        source=f"{FINN}, equation 1",
        answers=("B6", "B7"),
        points=1,
    ),
    Order(
        id="algorithm",
        title=Words("One outer step", "外循环的一步"),
        stem=Words(
            "Put one outer step of MAML in order, from first to last.",
            "把 MAML 外循环的一步从先到后排好。",
        ),
        steps=(
            Step(
                Words(
                    "Draw a batch of tasks from the meta-training classes",
                    "从元训练类别中抽一批任务",
                ),
                Words(
                    "Tasks come first, and from classes that no test will use.",
                    "先抽任务，而且只用测试不会用到的类别。",
                ),
            ),
            Step(
                Words(
                    "Copy nothing: let every task begin at the same θ",
                    "不做复制：每个任务都从同一个 θ 出发",
                ),
                Words(
                    "All tasks of a batch start from one θ; none continues where another ended.",
                    "同一批任务都从同一个 θ 出发，谁也不接着别人的终点走。",
                ),
            ),
            Step(
                Words(
                    "Take K gradient steps on the support set, and keep the graph",
                    "在支持集上走 K 步梯度下降，并保留计算图",
                ),
                Words(
                    "Adaptation uses the support set only, and its steps have to stay "
                    "differentiable.",
                    "适应只用支持集，而且每一步都要可求导。",
                ),
            ),
            Step(
                Words(
                    "Take the loss of the adapted parameters on the query set",
                    "用适应后的参数计算查询集损失",
                ),
                Words(
                    "The query set judges what adaptation has made of θ.",
                    "查询集评判的是 θ 适应之后的结果。",
                ),
            ),
            Step(
                Words(
                    "Average these losses over tasks and differentiate them in θ",
                    "对任务取平均，再对 θ 求导",
                ),
                Words(
                    "The gradient goes back through the steps, to θ and not to the adapted copy.",
                    "梯度穿过内循环回到 θ，而不是停在适应后的参数上。",
                ),
            ),
            Step(
                Words("Let the outer optimiser move θ, once", "由外层优化器更新 θ，只更新一次"),
                Words(
                    "One outer step per batch: a step inside the loop over tasks would move the "
                    "start of the tasks that follow.",
                    "每批只更新一次：若放在任务循环里，后面任务的起点就被移动了。",
                ),
            ),
        ),
        objective=Words("Write MAML's outer step from memory.", "默写 MAML 的一步外循环。"),
        source=f"{FINN}, algorithm 2",
        answers=("A5", "B7"),
    ),
    Predict(
        id="create_graph",
        title=Words("Without create_graph", "不写 create_graph"),
        stem=Words(
            "One inner step on $\\tfrac12 h\\,\\theta^2$ and the gradient of $\\theta_1$ in "
            "$\\theta$: first without `create_graph`, then with it. What is the last line's value?",
            "在 $\\tfrac12 h\\,\\theta^2$ 上走一步，再求 $\\theta_1$ 对 $\\theta$ 的梯度："
            "先不写 `create_graph`，再写上。最后一行的值是什么？",
        ),
        code="""
import torch

def slope_of_the_end(create_graph):
    theta = torch.tensor(1.0, requires_grad=True)
    loss = 4.0 * theta**2 / 2
    [g] = torch.autograd.grad(loss, theta, create_graph=create_graph)
    end = theta - 0.1 * g
    return round(torch.autograd.grad(end, theta)[0].item(), 3)

slope_of_the_end(False), slope_of_the_end(True)
""",
        slips=(
            Slip(
                "RuntimeError",
                Words(
                    "No error: `theta - 0.1 * g` still depends on theta by its first term. That is "
                    "why the mistake is so quiet.",
                    "不会报错：`theta - 0.1 * g` 仍通过第一项依赖 theta。所以这个错误才如此安静。",
                ),
            ),
            Slip(
                (0.6, 0.6),
                Words(
                    "Without `create_graph` g is a constant, so nothing of the curvature 4 is left.",
                    "不写 `create_graph` 时 g 是常数，曲率 4 就完全不见了。",
                ),
            ),
            Slip(
                (0.6, 1),
                Words(
                    "The other way round: with the graph g = 4 theta is known to depend on theta.",
                    "反了：保留计算图时，才知道 g = 4 theta 依赖 theta。",
                ),
            ),
            Slip(
                (0, 0.6),
                Words(
                    "g is a constant then, but theta itself is still in theta - 0.1 g.",
                    "此时 g 是常数，但 theta - 0.1 g 里还有 theta 本身。",
                ),
            ),
        ),
        why=Words(
            "Without the graph the slope is 1: that is FOMAML, and nothing warns you. With it, it "
            "is 1 - 0.1 · 4 = 0.6, the factor I - αH.",
            "不保留计算图，斜率为 1：这就是 FOMAML，而且没有任何警告。"
            "保留时为 1 - 0.1 · 4 = 0.6，即 I - αH。",
        ),
        objective=Words(
            "Foresee what a forgotten create_graph does.", "预见忘写 create_graph 的后果。"
        ),
        source="PyTorch documentation, torch.autograd.grad; exercises/06_maml",
        answers=("A5",),
    ),
    Formula(
        id="meta_gradient",
        title=Words("The meta-gradient in one dimension", "一维情形的元梯度"),
        stem=Words(
            "Support loss $\\tfrac12 h (t - c)^2$, query loss $\\tfrac12 b (t - d)^2$, and `K` inner "
            "steps of size `a` from `t`. Write MAML's gradient in `t`.",
            "支持集损失 $\\tfrac12 h (t - c)^2$，查询集损失 $\\tfrac12 b (t - d)^2$，"
            "从 `t` 出发以步长 `a` 走 `K` 步。写出 MAML 对 `t` 的梯度。",
        ),
        variables={
            "t": (-2, 2),
            "h": (0.5, 3),
            "c": (-2, 2),
            "b": (0.5, 3),
            "d": (-2, 2),
            "a": (0.05, 0.3),
            "K": (1, 6),
        },
        key=lambda t, h, c, b, d, a, K: (1 - a * h) ** K * b * (c + (1 - a * h) ** K * (t - c) - d),
        example="(1 - a*h)**K * b * (c + (1 - a*h)**K * (t - c) - d)",
        slips=(
            Slip(
                "b * (c + (1 - a*h)**K * (t - c) - d)",
                Words(
                    "That is FOMAML: moving t by a little moves the end by $(1 - ah)^K$ of it, and "
                    "that factor is missing in front.",
                    "那是 FOMAML：t 移动一点，终点只移动其 $(1 - ah)^K$ 倍，前面缺了这个因子。",
                ),
            ),
            Slip(
                "b * (t - d)",
                Words(
                    "That is the query gradient before adaptation: joint training.",
                    "那是适应之前的查询集梯度，也就是联合训练。",
                ),
            ),
            Slip(
                "(1 - a*h) * b * (c + (1 - a*h) * (t - c) - d)",
                Words(
                    "Right for one step. Every further step brings its own factor, in both places.",
                    "一步时正确。每多一步，两处都要多乘一个因子。",
                ),
            ),
            Slip(
                "(1 - a*h) * b * (c + (1 - a*h)**K * (t - c) - d)",
                Words(
                    "The end is right; but all K steps lie between t and it, so the factor in "
                    "front is a power, too.",
                    "终点对了；但 t 与终点之间隔着 K 步，前面的因子也应是 K 次幂。",
                ),
            ),
            Slip(
                "(1 - a*b)**K * b * (c + (1 - a*h)**K * (t - c) - d)",
                Words(
                    "The steps go down the support loss, so its curvature h stands in the factor.",
                    "内循环沿支持集损失下降，所以因子里是它的曲率 h。",
                ),
            ),
        ),
        why=Words(
            "The end is $c + (1 - ah)^K (t - c)$. The query's slope there is $b$ times its distance "
            "from $d$; the chain rule multiplies by $(1 - ah)^K$.",
            "终点是 $c + (1 - ah)^K (t - c)$。该处查询集斜率为 $b$ 乘以到 $d$ 的距离，"
            "链式法则再乘 $(1 - ah)^K$。",
        ),
        objective=Words("Derive a meta-gradient for K steps.", "推导 K 步的元梯度。"),
        source=f"{FINN}, section 5.2; {LESSON_FILE}",
        answers=("A5", "B6"),
    ),
    Numeric(
        id="best_start",
        title=Words("Where MAML starts", "MAML 的起点"),
        stem=Words(
            "Two tasks: a bowl of curvature 1 around 0, and one of curvature {curvature} around 1. "
            "Each takes one inner step of size 0.{percent:02d}. At which start is the summed loss "
            "after it lowest?",
            "两个任务：曲率为 1、中心在 0 的抛物线；曲率为 {curvature}、中心在 1 的抛物线。"
            "各走一步，步长 0.{percent:02d}。从哪个起点出发，一步之后的损失之和最小？",
        ),
        given={"curvature": (4, 5, 6, 8), "percent": (10, 12, 15)},
        key=maml_start,
        slips=(
            Slip(
                lambda curvature, percent: resting_place(curvature, percent, power=0),
                Words(
                    "That is where joint training ends; the step changes the weights h to "
                    "h (1 - αh)².",
                    "那是联合训练的终点；走一步之后，权重由 h 变为 h (1 - αh)²。",
                ),
            ),
            Slip(
                lambda curvature, percent: resting_place(curvature, percent, power=1),
                Words(
                    "That is where FOMAML comes to rest: one factor (1 - αh) too few.",
                    "那是 FOMAML 停下的地方：少了一个因子 (1 - αh)。",
                ),
            ),
            Slip(
                0.5,
                Words(
                    "The tasks do not count alike: curvature and step size decide.",
                    "两个任务的分量并不相同，取决于曲率和步长。",
                ),
            ),
        ),
        why=Words(
            "A weighted mean of the centres 0 and 1, with weights $h(1 - \\alpha h)^2$: {key}.",
            "中心 0 和 1 的加权平均，权重为 $h(1 - \\alpha h)^2$：{key}。",
        ),
        objective=Words(
            "Compute why joint training is another problem.", "算出联合训练为何是另一个问题。"
        ),
        source=LESSON_FILE,
        answers=("A5",),
        points=1,
    ),
    Numeric(
        id="graph_size",
        title=Words("What the graph holds", "计算图里有什么"),
        stem=Words(
            "MAML with {inner_steps} inner steps and {n_tasks} tasks, all in one graph, "
            "differentiated once at the end. How many forward passes does that graph hold?",
            "MAML，{inner_steps} 步内循环，{n_tasks} 个任务放在同一张计算图里，最后一次求导。"
            "这张图里保存了多少次前向计算？",
        ),
        given={"n_tasks": (4, 8, 16), "inner_steps": (3, 5, 10)},
        key=passes_kept,
        slips=(
            Slip(
                lambda n_tasks, inner_steps: n_tasks * inner_steps,
                Words(
                    "The {inner_steps} support passes of each task are there. What about its query?",
                    "每个任务 {inner_steps} 次支持集前向都算了。查询集的呢？",
                ),
            ),
            Slip(
                lambda n_tasks, inner_steps: n_tasks + inner_steps,
                Words("Every task takes all of the steps.", "每个任务都要走完所有的步。"),
            ),
            Slip(
                lambda n_tasks, inner_steps: n_tasks,
                Words(
                    "That would be FOMAML's: it may forget each inner step at once.",
                    "那是 FOMAML 的数目：它每走一步就可以忘掉。",
                ),
            ),
            Slip(
                lambda n_tasks, inner_steps: inner_steps + 1,
                Words(
                    "That is one task's. Here all {n_tasks} are in one graph; one after the other "
                    "would do as well.",
                    "那是一个任务的。这里 {n_tasks} 个任务都在一张图里；其实逐个求导也可以。",
                ),
            ),
        ),
        why=Words(
            "Each task keeps its support passes and its query pass: {key} in all. Memory grows "
            "with the steps; taking tasks one by one and adding gradients saves the other factor.",
            "每个任务保留各步支持集前向和一次查询集前向，共 {key} 次。内存随步数增长；"
            "逐个任务求导再相加，可以省去任务数这个倍数。",
        ),
        objective=Words("Estimate MAML's memory before running it.", "运行之前估计 MAML 的内存。"),
        source=f"{LESSON_FILE}; medmeta_ref/low_memory.py",
        answers=("A5", "B7"),
        points=1,
    ),
    Shape(
        id="gradient_shape",
        title=Words("The shape of a meta-gradient", "元梯度的形状"),
        stem=Words(
            "A linear head has a weight of shape ({n_way}, {n_features}). What is the shape of the "
            "gradient of the MAML loss, a mean over {n_tasks} tasks, in it?",
            "线性头的权重形状为 ({n_way}, {n_features})。MAML 损失对 {n_tasks} 个任务取平均，"
            "它对该权重的梯度是什么形状？",
        ),
        given={"n_tasks": (4, 8), "n_way": (3, 5), "n_features": (16, 32, 64)},
        key=head_gradient_shape,
        slips=(
            Slip(
                lambda n_tasks, n_way, n_features: (n_tasks, n_way, n_features),
                Words(
                    "Each task has adapted weights of its own, but there is one start, and the "
                    "gradient belongs to it.",
                    "每个任务有各自适应后的权重，但起点只有一个，梯度是对起点的。",
                ),
            ),
            Slip(
                lambda n_tasks, n_way, n_features: (n_way * n_features, n_way * n_features),
                Words(
                    "That is the Hessian. It is only ever multiplied by a vector, never formed.",
                    "那是海森矩阵。它只与向量相乘，从不显式构造。",
                ),
            ),
            Slip(
                lambda n_tasks, n_way, n_features: (n_features, n_way),
                Words(
                    "Gradients have the shape of what they are taken in.",
                    "梯度与被求导的量同形状。",
                ),
            ),
        ),
        why=Words(
            "As the weight itself, {key}: second order does not mean larger, only a gradient "
            "through gradients.",
            "与权重本身相同，{key}：二阶并不意味着更大，只是穿过梯度再求梯度。",
        ),
        objective=Words(
            "Keep apart gradient, Hessian and adapted copies.", "分清梯度、海森矩阵和适应后的副本。"
        ),
        source="exercises/06_maml",
        answers=("A5",),
        points=1,
    ),
    Multi(
        id="when_equal",
        title=Words("When FOMAML is MAML", "FOMAML 何时等于 MAML"),
        stem=Words(
            "In which cases do FOMAML and MAML have *exactly* the same gradient, whatever the "
            "query set?",
            "在哪些情况下，无论查询集是什么，FOMAML 与 MAML 的梯度*完全*相同？",
        ),
        options=(
            Wrong(
                Words("Whenever there is a single inner step", "只要内循环只有一步"),
                Words(
                    "One step already brings one factor $I - \\alpha H$.",
                    "一步就已经带来一个因子 $I - \\alpha H$。",
                ),
            ),
            Right(
                Words(
                    "When the support loss is linear in the parameters",
                    "支持集损失对参数是线性的",
                ),
                Words(
                    "Then its Hessian is 0 and every factor is the identity.",
                    "此时海森矩阵为 0，每个因子都是单位阵。",
                ),
            ),
            Right(
                Words("When there are no inner steps at all", "内循环一步也不走"),
                Words(
                    "Both are joint training then.",
                    "此时二者都是联合训练。",
                ),
            ),
            Wrong(
                Words(
                    "When support set and query set are the same",
                    "支持集与查询集相同",
                ),
                Words(
                    "The factor is there all the same, and the loss rewards learning by heart.",
                    "因子照样存在，而且这样的损失奖励死记硬背。",
                ),
            ),
            Right(
                Words("When the inner learning rate is exactly 0", "内循环学习率恰好为 0"),
                Words(
                    "The steps go nowhere, and every factor $I - 0 \\cdot H$ is the identity.",
                    "每一步都原地不动，因子 $I - 0 \\cdot H$ 都是单位阵。",
                ),
            ),
            Wrong(
                Words("When the inner rate is 0.001 or smaller", "内循环学习率不超过 0.001"),
                Words(
                    "Then the gap is small, of the order of the rate, but it is not 0.",
                    "此时差距很小，与学习率同阶，但不为 0。",
                ),
            ),
        ),
        objective=Words("Say what FOMAML leaves out.", "说清楚 FOMAML 省掉了什么。"),
        source="Nichol, Achiam and Schulman 2018, arXiv 1803.02999, section 5",
        answers=("B7",),
    ),
    Bug(
        id="walking_weights",
        title=Words("Every test gives other numbers", "每次测试结果都不同"),
        stem=Words(
            "This function should adapt to every test task from the same start and return the query "
            "losses. But a second call gives other numbers, and so does another order of tasks.",
            "这个函数应当对每个测试任务都从同一起点适应，并返回查询集损失。"
            "但第二次调用的结果不同，换一种任务顺序结果也不同。",
        ),
        code="""
import torch

def evaluate(loss, params, tasks, inner_lr, inner_steps):
    losses = []
    for xs, ys, xq, yq in tasks:
        fast = dict(params)
        for _ in range(inner_steps):
            grads = torch.autograd.grad(loss(fast, xs, ys), list(fast.values()))
            for p, g in zip(fast.values(), grads):
                p.data -= inner_lr * g
        losses.append(loss(fast, xq, yq).item())
    return losses
""",
        fixes=(
            Fix(
                10,
                "p.data = p.data - inner_lr * g",
                Words(
                    "This still gives new contents to the very tensors that `params` holds.",
                    "这样仍然是给 `params` 里的那些张量换上新内容。",
                ),
            ),
            Fix(
                6,
                "fast = {n: p.detach().clone().requires_grad_() for n, p in params.items()}",
                Words(
                    "`dict(params)` copies the dict, not the tensors in it. With clones the steps "
                    "in place move the clones only; at test time no gradient has to get back.",
                    "`dict(params)` 只复制字典，不复制张量。克隆之后，原地更新只动副本；"
                    "测试时本来就不需要梯度传回起点。",
                ),
            ),
            Fix(
                8,
                "grads = torch.autograd.grad(loss(fast, xs, ys), list(fast.values()), "
                "create_graph=True)",
                Words(
                    "That matters for meta-training. The weights would walk away all the same.",
                    "那在元训练时才重要。权重照样会被改动。",
                ),
            ),
            Fix(
                6,
                "fast = {n: p.detach() for n, p in params.items()}",
                Words(
                    "`detach` shares memory with its source, and what it returns does not require "
                    "gradient.",
                    "`detach` 与原张量共享内存，而且返回的张量不要求梯度。",
                ),
            ),
            Fix(
                11,
                "losses.append(loss(params, xq, yq).item())",
                Words(
                    "Here `params` and `fast` hold the same tensors; nothing changes.",
                    "此处 `params` 与 `fast` 装的是同样的张量，没有任何变化。",
                ),
            ),
        ),
        works=episodes_are_independent,
        objective=Words("Keep test tasks from changing the model.", "不让测试任务改动模型。"),
        source="exercises/06_maml (the check for a second call)",
        answers=("A5",),
    ),
    Match(
        id="symptoms",
        title=Words("From symptom to cause", "从症状到原因"),
        stem=Words(
            "What is the likeliest cause of each observation?", "下面每种现象最可能的原因是什么？"
        ),
        pairs=(
            Pair(
                Words("MAML and FOMAML agree to the last digit", "MAML 与 FOMAML 的结果一位不差"),
                Words("`create_graph=True` is missing", "缺少 `create_graph=True`"),
                Words(
                    "Without the graph inner gradients are constants, so MAML *is* FOMAML.",
                    "没有计算图，内循环梯度就是常数，MAML 就成了 FOMAML。",
                ),
            ),
            Pair(
                Words(
                    "Shuffled support labels leave the query accuracy as it is",
                    "打乱支持集标签，查询集准确率不变",
                ),
                Words("Classes keep their label in every episode", "每个类别在所有任务里标签固定"),
                Words(
                    "With fixed labels the network learns them by heart and ignores the support "
                    "set: memorisation.",
                    "标签固定时，网络会死记硬背而不看支持集，这就是记忆化。",
                ),
            ),
            Pair(
                Words(
                    "Accuracy falls when queries are asked one at a time",
                    "逐张查询时准确率下降",
                ),
                Words(
                    "Batch norm uses the statistics of the queries", "批归一化用了查询集的统计量"
                ),
                Words(
                    "With query statistics the answer depends on the other queries: transductive.",
                    "用查询集统计量时，答案依赖其他查询图像：这是直推式评测。",
                ),
            ),
            Pair(
                Words(
                    "Query accuracy is perfect in training and poor on new classes",
                    "训练时查询集准确率完美，在新类别上很差",
                ),
                Words("There are too few classes to learn on", "可供学习的类别太少"),
                Words(
                    "Four classes make four sets of three: tasks are scarce, not images.",
                    "四个类别只能组成四种三类任务：缺的是任务，不是图像。",
                ),
            ),
            Pair(
                Words("The loss is nan after two inner steps", "内循环走两步后损失变成 nan"),
                Words(
                    "The inner learning rate is above 2 / curvature", "内循环学习率超过 2 / 曲率"
                ),
                Words(
                    "Above 2 over the largest curvature each step lands farther away than it "
                    "began.",
                    "超过 2 除以最大曲率后，每一步都比出发点离得更远。",
                ),
            ),
        ),
        objective=Words(
            "Go from what one sees to what one should check.", "由现象想到该检查什么。"
        ),
        source=f"{LESSON_FILE}; Yin et al. 2020, arXiv 1912.03820",
        answers=("A5", "B7"),
    ),
    Single(
        id="batch_norm",
        title=Words("Batch norm at test time", "测试时的批归一化"),
        stem=Words(
            "A MAML network is tested with batch norm in training mode, all queries of an episode "
            "in one batch. What follows for a clinic where images come one by one?",
            "测试 MAML 网络时批归一化处于训练模式，一个任务的查询图像放在同一批里。"
            "对图像逐张到来的诊所，这意味着什么？",
        ),
        options=(
            Right(
                Words(
                    "The reported accuracy may not hold there: it used the other queries as well",
                    "报告的准确率在那里未必成立：它还利用了其他查询图像",
                ),
                Words(
                    "Such a test is transductive. Report it as that, and beside it the accuracy "
                    "with statistics of the support set.",
                    "这是直推式评测。要注明，并同时报告使用支持集统计量的准确率。",
                ),
            ),
            Wrong(
                Words(
                    "Nothing: batch norm only shifts and scales, and cannot change an accuracy",
                    "没有影响：批归一化只做平移和缩放，不会改变准确率",
                ),
                Words(
                    "It shifts and scales by what is in the batch, in every layer before a ReLU. "
                    "The lesson measures what that does.",
                    "平移和缩放取决于批中的图像，而且每层都在 ReLU 之前。课中测量了它的影响。",
                ),
            ),
            Wrong(
                Words(
                    "Nothing, as long as labels of queries are never shown to the network",
                    "没有影响，只要网络没看到查询图像的标签",
                ),
                Words(
                    "Labels are not needed for a leak of this kind: which images come together is "
                    "information, and ten per class are balanced.",
                    "这种泄漏不需要标签：哪些图像一起出现就是信息，何况每类十张是均衡的。",
                ),
            ),
            Wrong(
                Words(
                    "The clinic has to retrain the network with batches of a single image",
                    "诊所必须用单张图像的批次重新训练网络",
                ),
                Words(
                    "Statistics of the support set, or group norm, do without other queries.",
                    "用支持集统计量或组归一化，就不需要其他查询图像。",
                ),
            ),
        ),
        objective=Words("Recognise a transductive test.", "识别直推式评测。"),
        source="Nichol, Achiam and Schulman 2018, arXiv 1803.02999, table 1; "
        "Bronskill et al. 2020, arXiv 2003.03284",
        answers=("B7",),
        points=1,
    ),
    Single(
        id="no_retraining",
        title=Words("No retraining?", "不需要重新训练？"),
        stem=Words(
            '"With MAML a new disease needs no retraining, only fine-tuning." What is right?',
            "“有了 MAML，遇到新疾病不需要重新训练，只需微调。”怎样说才对？",
        ),
        options=(
            Wrong(
                Words(
                    "It holds: after meta-training no parameter has to be changed any more",
                    "说得对：元训练之后参数不必再变",
                ),
                Words(
                    "MAML's inner loop changes all parameters by gradient descent, for every task.",
                    "MAML 的内循环对每个任务都用梯度下降改变全部参数。",
                ),
            ),
            Right(
                Words(
                    "Adaptation is training, a short one; and meta-training on many tasks came first",
                    "适应就是短训练；此前还要在许多任务上元训练",
                ),
                Words(
                    "What falls is the number of labels and steps *per new task*. What is added is "
                    "meta-training, and labelled tasks for it.",
                    "减少的是*每个新任务*的标签和步数；增加的是元训练及其所需的有标签任务。",
                ),
            ),
            Wrong(
                Words(
                    "It holds for images of the body part that the network was trained with",
                    "对网络训练时见过的身体部位成立",
                ),
                Words(
                    "A near domain helps every method. The steps are taken all the same.",
                    "领域接近对任何方法都有利，但步骤一样要走。",
                ),
            ),
            Wrong(
                Words(
                    "Wrong: a new disease needs meta-training again, together with the old ones",
                    "错：遇到新疾病必须与旧疾病一起重新元训练",
                ),
                Words(
                    "A few steps from the learned start are the very idea. Whether they suffice has "
                    "to be measured.",
                    "从学到的起点走几步正是其用意。够不够，要测量才知道。",
                ),
            ),
        ),
        objective=Words(
            "Say what MAML saves and what it costs.", "说清楚 MAML 省了什么，又多花了什么。"
        ),
        source=f"{FINN}; Raghu et al. 2020, arXiv 1909.09157",
        answers=("B6", "B7"),
        points=1,
    ),
    Single(
        id="what_may_be_said",
        title=Words("MAML lost. And now?", "MAML 输了，然后呢？"),
        stem=Words(
            "On 100 paired test episodes of one class split, plain training plus fine-tuning is "
            "more accurate than MAML; the 95 % interval of the difference leaves 0 out. One seed "
            "each. What may the report say?",
            "在同一种类别划分的 100 个配对测试任务上，普通训练加微调比 MAML 更准确，"
            "差值的 95 % 区间不含 0。各一个随机种子。报告可以怎么写？",
        ),
        options=(
            Wrong(
                Words(
                    "Fine-tuning beats meta-learning, for medical images in general",
                    "对医学图像来说，微调总体上优于元学习",
                ),
                Words(
                    "One data set, one split, one seed. The interval covers none of these.",
                    "一个数据集、一种划分、一个种子。区间都没有涵盖。",
                ),
            ),
            Wrong(
                Words(
                    "Nothing at all, since MAML was surely not tuned well enough here",
                    "什么也不能说，因为 MAML 一定没有调好",
                ),
                Words(
                    "A reason to try more, for both alike. It does not unmake the measurement.",
                    "可以继续调，但双方要一视同仁。已有的测量并不因此作废。",
                ),
            ),
            Wrong(
                Words(
                    "MAML is equal to it, as their two separate intervals overlap a little",
                    "二者相当，因为各自的区间略有重叠",
                ),
                Words(
                    "Overlap of separate intervals is no test. The episodes are shared, so the "
                    "paired difference counts.",
                    "各自区间重叠不是检验。任务是共同的，应看配对差值。",
                ),
            ),
            Right(
                Words(
                    "On this split and with these seeds fine-tuning did better, by so much",
                    "在这种划分和这些种子下微调更好，差这么多",
                ),
                Words(
                    "And that other splits and seeds are needed: episodes are cheap to draw, "
                    "class splits are where the uncertainty is.",
                    "还要说明需要其他划分和种子：抽任务很便宜，不确定性在类别划分上。",
                ),
            ),
        ),
        objective=Words(
            "Report a defeat as carefully as a victory.", "像报告胜利一样谨慎地报告失败。"
        ),
        source=f"{LESSON_FILE}; Guo et al. 2020, arXiv 1912.07200",
        answers=("B6",),
        points=1,
    ),
    Single(
        id="first_try",
        title=Words("Five images of a new disease", "新疾病的五张图像"),
        stem=Words(
            "You have a large labelled data set of common diseases and five images each of three "
            "new ones. What should be measured first?",
            "你有常见疾病的大量标注数据，以及三种新疾病各五张图像。首先应当测量什么？",
        ),
        options=(
            Wrong(
                Words(
                    "MAML with all second-order terms, because it is the most general",
                    "带全部二阶项的 MAML，因为它最通用",
                ),
                Words(
                    "It may win, but nobody would know: there is nothing to compare it with.",
                    "它也许会赢，但没有对照，谁也不知道。",
                ),
            ),
            Wrong(
                Words(
                    "A network trained on the fifteen images from random weights only",
                    "只用这十五张图像从随机权重训练网络",
                ),
                Words(
                    "A useful lower bound, but it throws the common diseases away.",
                    "可以作下限，但浪费了常见疾病的数据。",
                ),
            ),
            Right(
                Words(
                    "A classifier of the common ones: its features with nearest class mean",
                    "先训练常见疾病的分类器，用其特征做最近类均值",
                ),
                Words(
                    "Cheap, strong, and the null hypothesis of the literature. What is dearer has "
                    "to beat it on the same episodes.",
                    "便宜、有力，是文献中的零假设。更昂贵的方法必须在相同任务上胜过它。",
                ),
            ),
            Wrong(
                Words(
                    "The same classifier as it is, with its old classes for the new ones",
                    "直接用该分类器，把旧类别当作新类别",
                ),
                Words(
                    "It has no output for the new diseases. Its features are what is useful.",
                    "它没有新疾病的输出。有用的是它的特征。",
                ),
            ),
        ),
        objective=Words("Choose the baseline before the method.", "先选基线，再选方法。"),
        source="Guo et al. 2020, arXiv 1912.07200; lessons/06_maml",
        answers=("B6",),
        points=1,
    ),
)

CARDS = (
    Card(
        id="stuck_at_chance",
        prompt=Words(
            "Your MAML is stuck at chance. Which five things do you check, and in which order?",
            "你的 MAML 一直停在随机水平。你会按什么顺序检查哪五件事？",
        ),
        rubric=(
            Words(
                "labels: relabelled to 0..n-1, alike in support and query",
                "标签：重编为 0..n-1，支持集与查询集一致",
            ),
            Words(
                "the inner loop alone: does the support loss fall from step to step?",
                "单看内循环：支持集损失是否逐步下降？",
            ),
            Words(
                "the inner rate: too large diverges, too small does nothing",
                "内循环学习率：太大发散，太小没有作用",
            ),
            Words(
                "the outer gradient: reaches params, agrees with finite differences",
                "外层梯度：能到达参数，并与有限差分一致",
            ),
            Words(
                "the plumbing: query in the outer loss, one optimiser step per batch, nothing in "
                "place",
                "流程：外层损失用查询集，每批只更新一次，没有原地修改",
            ),
        ),
        model=Words(
            "I begin with data: are labels 0 to n-1, and is a class the same number in support and "
            "query? Then the inner loop alone: on one task the support loss has to fall, and I try "
            "rates a factor of three apart. If it falls but the query loss does not, I look at "
            "normalisation and at what the outer loss is taken on. Then I check the outer gradient "
            "on a quadratic with a known answer, for two inner steps, because one hides most "
            "mistakes. At last the loop around it: one optimiser step per batch, nothing changed in "
            "place. And beside it all a nearest-mean baseline: if that is at chance too, it is the "
            "data.",
            "先看数据：标签是否为 0 到 n-1，同一类别在支持集和查询集中是否同号？再单看内循环："
            "在一个任务上支持集损失必须下降，学习率以三倍为间隔试几个。"
            "如果它下降而查询集损失不降，就看归一化，以及外层损失用的是哪部分数据。"
            "然后用答案已知的二次函数检查外层梯度，走两步，因为一步会掩盖大多数错误。"
            "最后看外面的循环：每批只更新一次，没有原地修改。"
            "旁边再放一个最近类均值基线：如果它也是随机水平，问题就在数据。",
        ),
        source="exercises/06_maml",
        answers=("A5", "B7"),
    ),
    Card(
        id="explain_the_factor",
        prompt=Words(
            "Explain to a colleague why joint training is not meta-learning, with pen and paper.",
            "用纸笔向同事解释：为什么联合训练不是元学习。",
        ),
        rubric=(
            Words(
                "two tasks, one flat and one steep, and one step each",
                "两个任务，一平一陡，各走一步",
            ),
            Words(
                "joint training stays near the steep one; its loss after the step is larger",
                "联合训练靠近陡的任务；一步之后损失反而更大",
            ),
            Words(
                "the factor 1 - αh: directions that adapt by themselves count less",
                "因子 1 - αh：自己能适应的方向分量更小",
            ),
            Words(
                "with 0 steps both are the same problem",
                "步数为 0 时二者是同一个问题",
            ),
        ),
        model=Words(
            "I draw a flat and a steep parabola with different centres. Joint training minimises "
            "the mean loss, so it sits near the steep one, at 0.9 for curvatures 1 and 9. Now each "
            "task may take one step of 0.1. The steep one covers nine tenths of its way from "
            "anywhere, the flat one a tenth. So the start should be near the flat one: at 0.1. The "
            "mean loss after the step is 0.164 from the first start and 0.020 from the second. The "
            "gradient knows this by the factor 1 - αh, one for each step: it mutes the directions "
            "in which adaptation does the work. With no steps the factor is 1, and MAML is joint "
            "training.",
            "我画一平一陡两条抛物线，中心不同。联合训练最小化平均损失，所以停在陡的那条附近："
            "曲率为 1 和 9 时在 0.9。现在每个任务可以走一步，步长 0.1。"
            "陡的任务从任何地方都能走完九成的路，平的只能走一成。所以起点应当靠近平的任务，在 0.1。"
            "一步之后的平均损失，前者是 0.164，后者是 0.020。"
            "梯度通过因子 1 - αh 知道这一点，每走一步乘一个：它压低那些适应自己就能完成的方向。"
            "一步不走时因子为 1，MAML 就是联合训练。",
        ),
        source=LESSON_FILE,
        answers=("A5", "B6"),
    ),
    Card(
        id="is_it_worth_it",
        prompt=Words(
            "A hospital asks for MAML, to recognise rare diseases from five images. What do you "
            "propose?",
            "一家医院想用 MAML，从五张图像识别罕见病。你会怎么建议？",
        ),
        rubric=(
            Words(
                "asks how many different labelled tasks there are to learn on",
                "先问有多少种不同的有标注任务可供学习",
            ),
            Words(
                "baselines first: features and nearest mean, fine-tuning",
                "先做基线：特征加最近类均值、微调",
            ),
            Words(
                "split by class and by patient, several splits and seeds, paired differences",
                "按类别和患者划分，多种划分和种子，配对差值",
            ),
            Words(
                "one image at a time: no statistics of other queries",
                "逐张评测：不用其他查询图像的统计量",
            ),
            Words(
                "names the cost, and that the result is no clinical proof",
                "说明代价，并指出结果不是临床证据",
            ),
        ),
        model=Words(
            "I ask first how many different diseases are labelled: meta-learning learns from tasks, "
            "and a handful of classes makes a handful of tasks. Then I train one ordinary "
            "classifier on all of them and measure two things on held-out diseases: nearest class "
            "mean of its features, and fine-tuning. MAML or FOMAML come third and have to win on "
            "the same episodes, with statistics that need no other query, over several class splits "
            "and seeds, and with patients kept apart. I report the paired difference, the cost of "
            "training, and that five images per class and a public data set prove nothing about the "
            "clinic.",
            "我先问有多少种不同的疾病有标注：元学习从任务中学习，类别只有几个，任务也就只有几个。"
            "然后用全部数据训练一个普通分类器，在留出的疾病上测两样：其特征的最近类均值，以及微调。"
            "MAML 或 FOMAML 排在第三，必须在相同任务上胜出，所用统计量不依赖其他查询图像，"
            "并经过多种类别划分和随机种子，患者要分开。"
            "我报告配对差值和训练代价，并说明每类五张图像加一个公开数据集，不能证明任何临床效果。",
        ),
        source="Guo et al. 2020, arXiv 1912.07200",
        answers=("B6",),
    ),
)
