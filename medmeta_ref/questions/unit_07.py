"""Interview questions of unit 07: Reptile, ANIL, and what is reused."""

from fractions import Fraction
from typing import Any

import torch
from torch import nn

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

LESSON = ("B6", "B7")
EXERCISES = {
    "reptile_update": ("B7",),
    "reptile_step": ("B7",),
    "reptile_rest": ("B6", "B7"),
    "anil_adapt": ("B6", "B7"),
    "linear_cka": ("B6",),
    "bug_lines": ("B7",),
    "reptile_test": ("B7",),
}

NICHOL = "Nichol, Achiam and Schulman 2018, arXiv 1803.02999"
RAGHU = "Raghu et al. 2020, arXiv 1909.09157"
KORNBLITH = "Kornblith et al. 2019, arXiv 1905.00414"
LESSON_FILE = "lessons/07_reptile_and_anil"


def rest_after_rounds(curvature: float, inner_steps: int) -> float:
    """Return where Reptile rests, by walking: bowls of curvature 1 around 0 and another around 1.

    The rate of the inner steps is 0.1, as the question says.
    """
    start = 0.5
    for _ in range(2000):
        way = 0.0
        for h, c in ((1.0, 0.0), (curvature, 1.0)):
            t = start
            for _ in range(inner_steps):
                t -= 0.1 * h * (t - c)
            way += (t - start) / 2
        start += way
    return start


def lowest_after_steps(curvature: float, inner_steps: int) -> float:
    """Return the start with the lowest loss after the steps: what MAML looks for."""
    flat, steep = (h * (1 - 0.1 * h) ** (2 * inner_steps) for h in (1.0, curvature))
    return steep / (flat + steep)


def body_passes(inner_steps: int) -> float:
    """Return how many times as often MAML passes images through its body as ANIL, by counting."""
    seen: list[None] = []
    body = nn.Linear(2, 2)
    body.register_forward_hook(lambda *_: seen.append(None))
    x = torch.ones(3, 2)

    def count(head_only: bool) -> int:
        seen.clear()
        support = body(x)
        for step in range(inner_steps):
            if step and not head_only:  # the body has moved: its features are no longer right
                support = body(x)
            support.sum()
        body(x)  # the queries
        return len(seen)

    return float(Fraction(count(False), count(True)))


def cross_shape(n: int, p: int, q: int) -> tuple[int, ...]:
    """Return the shape of X'Y, by multiplying."""
    return tuple((torch.zeros(n, p).T @ torch.zeros(n, q)).shape)


def goes_towards_the_ends(names: dict[str, Any]) -> bool:
    """Return whether a round with SGD leads where three steps on each of two bowls do."""

    def loss(params: dict[str, Any], x: Any, y: Any) -> Any:
        return x * (params["t"] - y) ** 2 / 2

    t = torch.tensor(1.0, requires_grad=True)
    tasks = [(torch.tensor(h), torch.tensor(c)) for h, c in ((1.0, -1.0), (3.0, 2.0))]
    sgd = torch.optim.SGD([t], lr=0.5)
    for _ in range(2):  # a second round shows gradients that were left over from the first
        start = t.item()
        names["reptile_round"](loss, {"t": t}, tasks, sgd, 0.1, 3)
        ends = [c.item() + (1 - 0.1 * h.item()) ** 3 * (start - c.item()) for h, c in tasks]
        if abs(t.item() - (start + 0.5 * (sum(ends) / 2 - start))) > 1e-5:
            return False
    return True


QUESTIONS = (
    Single(
        id="what_reptile_does",
        title=Words("What Reptile does", "Reptile 做什么"),
        stem=Words(
            'A summary says: "Reptile gradually adapts the model to new tasks." What does Reptile '
            "do?",
            "有一份总结说：“Reptile 让模型逐渐适应新任务。”Reptile 实际上做什么？",
        ),
        options=(
            Wrong(
                Words(
                    "It trains on one task after the other and keeps the final weights",
                    "一个任务接一个任务地训练，保留最后的权重",
                ),
                Words(
                    "That is sequential fine-tuning, Reptile with a step of 1: each task overwrites "
                    "the one before.",
                    "那是顺序微调，相当于步长为 1 的 Reptile：每个任务都会覆盖前一个。",
                ),
            ),
            Wrong(
                Words(
                    "It differentiates the query loss through the inner steps, to first order",
                    "对查询集损失求导，穿过内循环，只取一阶项",
                ),
                Words(
                    "That is FOMAML. Reptile knows no query loss: it looks where the steps end.",
                    "那是 FOMAML。Reptile 没有查询集损失，只看这些步走到哪里。",
                ),
            ),
            Right(
                Words(
                    "It moves a shared start a part of the way to where several steps lead",
                    "把共同的起点朝若干步之后的位置移动一部分",
                ),
                Words(
                    "New tasks are adapted to afterwards, from that start and by ordinary steps. "
                    "What is learned slowly is the start.",
                    "新任务是之后从这个起点用普通步骤适应的。慢慢学到的是起点。",
                ),
            ),
            Wrong(
                Words(
                    "It lowers the learning rate of each new task as training goes on",
                    "随着训练推进，逐渐降低每个新任务的学习率",
                ),
                Words(
                    "The outer step may shrink in training, but that is a schedule, not the idea.",
                    "训练中外层步长可以减小，但那只是学习率安排，不是方法本身。",
                ),
            ),
        ),
        objective=Words("State Reptile in one sentence.", "一句话说出 Reptile。"),
        source=f"{NICHOL}, algorithms 1 and 2",
        answers=("B7",),
        points=1,
    ),
    Order(
        id="round",
        title=Words("One round of Reptile", "Reptile 的一轮"),
        stem=Words(
            "Put one round of batched Reptile in order, from first to last.",
            "把（批量版）Reptile 的一轮从先到后排好。",
        ),
        steps=(
            Step(
                Words("Draw several tasks from the training classes", "从训练类别中抽几个任务"),
                Words(
                    "Without tasks there is nothing to adapt to.", "没有任务，就没有可适应的对象。"
                ),
            ),
            Step(
                Words("Let every task begin at the same φ", "每个任务都从同一个 φ 出发"),
                Words(
                    "If a task went on from the end of another, their order would matter.",
                    "若接着别的任务的终点走，任务顺序就会影响结果。",
                ),
            ),
            Step(
                Words(
                    "Take K > 1 steps, each on another minibatch of the task",
                    "走 K > 1 步，每步用该任务的另一个小批",
                ),
                Words(
                    "One step would be joint training; different minibatches can learn to agree.",
                    "只走一步就是联合训练；小批不同，梯度才能学会一致。",
                ),
            ),
            Step(
                Words("Forget how the end was reached", "忘掉到达终点的过程"),
                Words(
                    "No graph is kept: nothing is differentiated through the steps.",
                    "不保留计算图：不需要穿过内循环求导。",
                ),
            ),
            Step(
                Words("Average the ends of all tasks", "对所有任务的终点取平均"),
                Words(
                    "A mean, so that the step does not grow with the number of tasks.",
                    "取平均，步长才不随任务数增长。",
                ),
            ),
            Step(
                Words("Move φ by the share ε towards that mean", "把 φ 朝这个平均移动 ε 的比例"),
                Words(
                    "Once per round; with ε = 1 it would arrive.",
                    "每轮一次；ε = 1 时就直接到达。",
                ),
            ),
        ),
        objective=Words("Write a round of Reptile from memory.", "默写 Reptile 的一轮。"),
        source=f"{NICHOL}, algorithm 2",
        answers=("B7",),
    ),
    Single(
        id="several_steps",
        title=Words("Why more than one step", "为什么不止一步"),
        stem=Words(
            "With one inner step Reptile is joint training. What do a second and third step add, as "
            "long as rates are small and every step sees another minibatch?",
            "内循环只有一步时，Reptile 就是联合训练。在学习率小、每步小批不同的前提下，"
            "第二步、第三步带来了什么？",
        ),
        options=(
            Right(
                Words(
                    "A pull to places where minibatches of one task agree on a direction",
                    "拉向这样的位置：同一任务的不同小批梯度方向一致",
                ),
                Words(
                    "To the order of α, in expectation, the second step adds the gradient of the "
                    "inner product of two minibatches' gradients: a step on one then helps on the "
                    "other.",
                    "在期望意义下，精确到 α 的一阶，第二步多出两个小批梯度内积的梯度："
                    "在一个小批上走一步，对另一个也有利。",
                ),
            ),
            Wrong(
                Words(
                    "Nothing but speed: the round is the same with a larger learning rate",
                    "只是更快：相当于把学习率调大的同样一轮",
                ),
                Words(
                    "That would hold if every slope were taken at the start. The second is taken "
                    "where the first step ended.",
                    "只有每步梯度都在起点取才是如此。第二步的梯度取在第一步的终点。",
                ),
            ),
            Wrong(
                Words(
                    "The exact second-order terms that MAML computes with its graph",
                    "MAML 用计算图得到的完整二阶项",
                ),
                Words(
                    "The terms are of the same kind, in other proportions and only in expectation; "
                    "and Reptile minimises no query loss.",
                    "项的类型相同，但比例不同，且只在期望意义下成立；Reptile 也不最小化查询集损失。",
                ),
            ),
            Wrong(
                Words(
                    "A smaller variance, because more images are averaged in every step",
                    "方差更小，因为每步平均了更多图像",
                ),
                Words(
                    "Each step averages as many images as before. The steps are not averaged, they "
                    "follow each other.",
                    "每步平均的图像数不变。各步不是平均，而是一步接一步。",
                ),
            ),
        ),
        objective=Words(
            "Say what Reptile learns beyond joint training.", "说清 Reptile 比联合训练多学了什么。"
        ),
        source=f"{NICHOL}, section 5.1",
        answers=("B6", "B7"),
        points=1,
    ),
    Predict(
        id="one_and_two",
        title=Words("One step and two", "一步与两步"),
        stem=Words(
            "A round of Reptile with two bowls, curvatures 1 and 4 around 0 and 1, from 0. Once with "
            "one inner step of 0.2, once with two of 0.1. What is the last line's value?",
            "Reptile 的一轮，两条抛物线，曲率 1 和 4，中心 0 和 1，从 0 出发。"
            "一次走一步，步长 0.2；一次走两步，步长 0.1。最后一行的值是什么？",
        ),
        code="""
def round_of(inner_lr, inner_steps, phi=0.0, outer_lr=0.5):
    ends = []
    for h, c in ((1, 0), (4, 1)):
        t = phi
        for _ in range(inner_steps):
            t = t - inner_lr * h * (t - c)
        ends.append(t)
    return round(phi + outer_lr * (sum(ends) / 2 - phi), 3)

round_of(0.2, 1), round_of(0.1, 2)
""",
        slips=(
            Slip(
                (0.2, 0.2),
                Words(
                    "The second step begins nearer to the centre and is shorter: 0.4 and then 0.24, "
                    "not 0.4 twice.",
                    "第二步离中心更近，所以更短：先 0.4 再 0.24，而不是两个 0.4。",
                ),
            ),
            Slip(
                (0.4, 0.32),
                Words(
                    "Right ways, and half of each: divided by two tasks *and* multiplied by 0.5.",
                    "路程对了，但还差一半：既要除以两个任务，*又*要乘 0.5。",
                ),
            ),
            Slip(
                (0.8, 0.64),
                Words(
                    "That is where the steep task ends. Its start is shared with the flat one, which "
                    "stays at 0; then half of the way to the mean.",
                    "那是陡的任务的终点。还要与停在 0 的平任务取平均，再走一半。",
                ),
            ),
            Slip(
                (-0.2, -0.16),
                Words("That walks away from the ends.", "那是朝远离终点的方向走。"),
            ),
        ),
        why=Words(
            "The flat task stays at 0. The steep one ends at 0.8 after one step and at "
            "1 - 0.6² = 0.64 after two. A quarter of each is left: two tasks, half of the way.",
            "平的任务停在 0。陡的任务一步后在 0.8，两步后在 1 - 0.6² = 0.64。"
            "两个任务取平均、再走一半，所以各剩四分之一。",
        ),
        objective=Words("Work out a round by hand.", "用手算出一轮。"),
        source="exercises/07_reptile_and_anil",
        answers=("B7",),
    ),
    Formula(
        id="one_round",
        title=Words("One round in one dimension", "一维情形的一轮"),
        stem=Words(
            "One task with the loss $\\tfrac12 h (t - c)^2$, `K` inner steps of size `a`, an outer "
            "step `e`. Where is `t` after one round of Reptile?",
            "一个任务，损失 $\\tfrac12 h (t - c)^2$，内循环 `K` 步，步长 `a`，外层步长 `e`。"
            "Reptile 一轮之后 `t` 在哪里？",
        ),
        variables={
            "t": (-2, 2),
            "h": (0.5, 3),
            "c": (-2, 2),
            "a": (0.05, 0.3),
            "K": (1, 6),
            "e": (0.1, 1),
        },
        key=lambda t, h, c, a, K, e: t + e * (1 - (1 - a * h) ** K) * (c - t),
        example="t + e * (1 - (1 - a*h)**K) * (c - t)",
        slips=(
            Slip(
                "t - e * (1 - (1 - a*h)**K) * (c - t)",
                Words(
                    "That walks away from where the task leads.",
                    "那是朝远离任务终点的方向走。",
                ),
            ),
            Slip(
                "c + (1 - a*h)**K * (t - c)",
                Words(
                    "That is where the task ends: the whole way. Reptile goes `e` of it.",
                    "那是任务的终点，是全程。Reptile 只走其中的 `e`。",
                ),
            ),
            Slip(
                "t - e * K * a * h * (t - c)",
                Words(
                    "That is joint training: all slopes taken at the start.",
                    "那是联合训练：所有梯度都在起点取。",
                ),
            ),
            Slip(
                "t + e * (1 - a*h)**K * (c - t)",
                Words(
                    "The power is the share of the distance that is *left*; gone is 1 minus that.",
                    "这个幂是*剩下*的距离比例；走过的是 1 减去它。",
                ),
            ),
            Slip(
                "(1 - e) * (c + (1 - a*h)**K * (t - c)) + e * t",
                Words(
                    "`e` and `1 - e` are swapped: with `e` = 0 nothing should move.",
                    "`e` 和 `1 - e` 写反了：`e` = 0 时应当不动。",
                ),
            ),
        ),
        why=Words(
            "K steps leave $(1 - ah)^K$ of the distance to $c$. The way that was gone is the rest "
            "of it; Reptile takes the share $e$ of that way.",
            "K 步之后，到 $c$ 的距离剩下 $(1 - ah)^K$。走过的是其余部分，Reptile 取其中的 $e$。",
        ),
        objective=Words("Derive where a round leads.", "推导一轮之后的位置。"),
        source=f"{NICHOL}, algorithm 1",
        answers=("B6", "B7"),
    ),
    Numeric(
        id="where_it_rests",
        title=Words("Where Reptile rests", "Reptile 停在哪里"),
        stem=Words(
            "Two tasks: a bowl of curvature 1 around 0, and one of curvature {curvature} around 1. "
            "Each takes {inner_steps} inner steps of size 0.1. Where does Reptile come to rest after "
            "many rounds?",
            "两个任务：曲率为 1、中心在 0 的抛物线；曲率为 {curvature}、中心在 1 的抛物线。"
            "各走 {inner_steps} 步，步长 0.1。许多轮之后 Reptile 停在哪里？",
        ),
        given={"curvature": (4, 5, 6, 8), "inner_steps": (2, 3, 5)},
        key=rest_after_rounds,
        slips=(
            Slip(
                lambda curvature, inner_steps: curvature / (1 + curvature),
                Words(
                    "That is joint training, or Reptile with one step. With {inner_steps} steps the "
                    "steep task is no longer so much louder.",
                    "那是联合训练，或一步的 Reptile。走 {inner_steps} 步时，陡的任务不再那么占优。",
                ),
            ),
            Slip(
                lowest_after_steps,
                Words(
                    "That is MAML's start. Reptile does not minimise the loss after the steps.",
                    "那是 MAML 的起点。Reptile 并不最小化走完这些步之后的损失。",
                ),
            ),
            Slip(
                0.5,
                Words(
                    "With very many steps, yes. After {inner_steps} the flat task has not arrived.",
                    "步数非常多时才是。走 {inner_steps} 步，平的任务还没有到达。",
                ),
            ),
        ),
        why=Words(
            "A mean of the centres with the weights $1 - (1 - 0.1 h)^K$, the share of the distance "
            "that a task walks: {key}.",
            "中心的加权平均，权重 $1 - (1 - 0.1 h)^K$，即任务走过的距离比例：{key}。",
        ),
        objective=Words(
            "Tell Reptile's resting place from MAML's and joint training's.",
            "区分 Reptile、MAML 和联合训练停下的地方。",
        ),
        source="exercises/07_reptile_and_anil",
        answers=("B6", "B7"),
        points=1,
    ),
    Bug(
        id="pseudo_gradient",
        title=Words("The loss rises", "损失上升"),
        stem=Words(
            "Reptile with an optimiser: the way to the ends is handed over as `.grad`. But round by "
            "round the losses of the tasks rise.",
            "用优化器实现的 Reptile：把通向终点的位移当作 `.grad` 交给优化器。"
            "但每一轮之后任务损失反而上升。",
        ),
        code="""
import torch

def reptile_round(loss, params, tasks, optimizer, inner_lr, inner_steps):
    optimizer.zero_grad()
    for x, y in tasks:
        fast = {n: p.detach().clone() for n, p in params.items()}
        for _ in range(inner_steps):
            slopes = torch.func.grad(loss)(fast, x, y)
            fast = {n: p - inner_lr * slopes[n] for n, p in fast.items()}
        for n, p in params.items():
            way = (fast[n] - p.detach()) / len(tasks)
            p.grad = way if p.grad is None else p.grad + way
    optimizer.step()
""",
        fixes=(
            Fix(
                9,
                "fast = {n: p + inner_lr * slopes[n] for n, p in fast.items()}",
                Words(
                    "Two wrong signs cancel for one inner step. With more, the tasks climb their "
                    "losses, and the mirror image of that is not the way down.",
                    "内循环一步时两个错误的符号恰好抵消。步数更多时任务在爬坡，"
                    "它的镜像并不是下坡的路。",
                ),
            ),
            Fix(
                12,
                "p.grad = way",
                Words(
                    "Then only the last task would count, and it would still point away.",
                    "那样只有最后一个任务起作用，而且方向仍然是反的。",
                ),
            ),
            Fix(
                6,
                "fast = dict(params)",
                Words(
                    "The steps make new tensors, so a dict of the same tensors would do as well. The "
                    "direction stays wrong.",
                    "每步都产生新张量，所以用同样张量的字典也行。方向仍然是错的。",
                ),
            ),
            Fix(
                11,
                "way = (p.detach() - fast[n]) / len(tasks)",
                Words(
                    "An optimiser goes *against* what it finds in `.grad`. So `.grad` has to be the "
                    "way back, params minus adapted.",
                    "优化器沿 `.grad` 的*反方向*走。所以 `.grad` 应当是往回的位移：参数减去适应后的参数。",
                ),
            ),
            Fix(
                8,
                "slopes = torch.func.grad(loss)(params, x, y)",
                Words(
                    "That would make K steps one long one: joint training, and still uphill.",
                    "那会把 K 步变成一大步：成了联合训练，而且仍是上坡。",
                ),
            ),
        ),
        works=goes_towards_the_ends,
        objective=Words(
            "Hand Reptile's step to an optimiser with the right sign.",
            "以正确的符号把 Reptile 的更新交给优化器。",
        ),
        source=f"{NICHOL}, section 2",
        answers=("B7",),
    ),
    Single(
        id="stuck_at_chance",
        title=Words("A loss that stays at ln 3", "停在 ln 3 的损失"),
        stem=Words(
            "Reptile with one inner step trains on 3-way episodes; which class gets which label is "
            "drawn anew every time. The training loss does not leave ln 3. Why?",
            "Reptile 的内循环只有一步，在 3 类任务上训练；每次重新抽取类别与标签的对应。"
            "训练损失一直停在 ln 3。为什么？",
        ),
        options=(
            Wrong(
                Words(
                    "The outer step is too small; a hundred times as many rounds are needed",
                    "外层步长太小，需要多一百倍的轮数",
                ),
                Words(
                    "More rounds of the same would stay there: on average no direction is better.",
                    "再多轮也停在那里：平均而言没有更好的方向。",
                ),
            ),
            Right(
                Words(
                    "It is joint training, and no single classifier fits labels that are reshuffled",
                    "这就是联合训练，没有一个分类器能同时符合不断重排的标签",
                ),
                Words(
                    "The best single answer to labels at random is one third each: ln 3. The loss "
                    "*before* adaptation has to stay there; with more steps the start becomes one "
                    "from which adaptation is fast.",
                    "对随机标签，最好的统一回答是各三分之一，即 ln 3。*适应之前*的损失只能停在那里；"
                    "步数增多，起点才会变得便于快速适应。",
                ),
            ),
            Wrong(
                Words(
                    "The labels are wrong: a class has to keep its label in all of the episodes",
                    "标签错了：一个类别在所有任务中都应保持同一标签",
                ),
                Words(
                    "Then the loss would fall, and the network would know labels by heart and need "
                    "no support set.",
                    "那样损失会下降，但网络会死记标签，不再需要支持集。",
                ),
            ),
            Wrong(
                Words(
                    "Reptile has no query set, so it cannot see whether it gets any better",
                    "Reptile 没有查询集，所以看不出自己是否进步",
                ),
                Words(
                    "It needs none: with several inner steps it trains on the same episodes well.",
                    "它不需要：内循环多几步，用同样的任务就能训练好。",
                ),
            ),
        ),
        objective=Words(
            "Recognise joint training behind another name.", "识别换了名字的联合训练。"
        ),
        source=f"{LESSON_FILE}; {NICHOL}, section 5",
        answers=("B6", "B7"),
        points=1,
    ),
    Match(
        id="what_is_left_out",
        title=Words("What is left out", "省掉了什么"),
        stem=Words(
            "Compared with MAML, what does each of these do without?",
            "与 MAML 相比，下面各方法省掉了什么？",
        ),
        pairs=(
            Pair(
                Words("FOMAML", "FOMAML"),
                Words("The gradient *through* the inner steps", "*穿过*内循环的那部分梯度"),
                Words(
                    "The query gradient at the end is used as it is; the factors I - αH are dropped.",
                    "直接使用终点处的查询集梯度，省去因子 I - αH。",
                ),
            ),
            Pair(
                Words("Reptile", "Reptile"),
                Words("The query set, and any outer loss", "查询集，以及外层损失"),
                Words(
                    "It moves towards where training leads; nothing is judged in training.",
                    "只朝训练到达的位置移动，训练时不做评判。",
                ),
            ),
            Pair(
                Words("ANIL", "ANIL"),
                Words("The inner steps of the body", "主体部分的内循环"),
                Words(
                    "Only the head adapts to a task. The outer gradient still trains the body.",
                    "只有头部适应任务。外层梯度仍然训练主体。",
                ),
            ),
            Pair(
                Words(
                    "Nearest class mean on MAML's body, at the test",
                    "测试时在 MAML 的主体上做最近类均值",
                ),
                Words("The head, and every inner step", "头部，以及全部内循环"),
                Words(
                    'Raghu et al. call such a test "no inner loop": features alone have to do.',
                    "Raghu 等人称之为“无内循环”：只靠特征。",
                ),
            ),
            Pair(
                Words("Joint training", "联合训练"),
                Words("Tasks: all data is one heap", "任务：所有数据是一堆"),
                Words(
                    "It minimises the mean loss before any adaptation.",
                    "它最小化任何适应之前的平均损失。",
                ),
            ),
        ),
        objective=Words("Tell the relatives of MAML apart.", "分清 MAML 的几个亲戚。"),
        source=f"{NICHOL}; {RAGHU}",
        answers=("B6", "B7"),
    ),
    Single(
        id="evidence_for_reuse",
        title=Words("Rapid learning or feature reuse?", "快速学习还是特征复用？"),
        stem=Words(
            "MAML adapts all layers. Which experiment tells best whether the *body's* adaptation "
            "matters for accuracy?",
            "MAML 适应所有层。哪种实验最能说明*主体*的适应对准确率是否重要？",
        ),
        options=(
            Wrong(
                Words(
                    "Train ANIL and MAML, and compare the two curves of the training loss",
                    "分别训练 ANIL 和 MAML，比较两条训练损失曲线",
                ),
                Words(
                    "Two trainings differ in more than adaptation, and training loss is not accuracy "
                    "on new classes.",
                    "两次训练的差别不止适应，而且训练损失不是新类别上的准确率。",
                ),
            ),
            Wrong(
                Words(
                    "Measure by how much the weights of the body change in the inner loop",
                    "测量内循环中主体权重变化了多少",
                ),
                Words(
                    "A small change of weights may change answers, a large one may not. It is no "
                    "accuracy.",
                    "权重变化小，答案可能变；变化大，答案也可能不变。这不是准确率。",
                ),
            ),
            Wrong(
                Words(
                    "Take the body of an untrained network and adapt only the head on it",
                    "取未训练网络的主体，只在其上适应头部",
                ),
                Words(
                    "A useful baseline, but it says what training the body is worth, not adapting it.",
                    "有用的基线，但它说明训练主体的价值，而不是适应主体的价值。",
                ),
            ),
            Right(
                Words(
                    "Freeze the body of the trained network at the test, on the same episodes",
                    "测试时冻结训练好的网络的主体，用相同的任务",
                ),
                Words(
                    "Same weights, same episodes, one difference: the paired change of accuracy is "
                    "what the body's adaptation is worth.",
                    "权重相同，任务相同，只有一处不同：准确率的配对差值就是主体适应的价值。",
                ),
            ),
        ),
        objective=Words("Design an experiment with one difference.", "设计只有一处不同的实验。"),
        source=f"{RAGHU}, section 3",
        answers=("B6",),
        points=1,
    ),
    Numeric(
        id="body_passes",
        title=Words("What ANIL saves", "ANIL 省了多少"),
        stem=Words(
            "With {inner_steps} inner steps, an episode's support set and query set pass forward "
            "through the body several times in MAML. ANIL computes each feature once. How many "
            "times as many forward passes through the body does MAML need?",
            "内循环 {inner_steps} 步时，MAML 中支持集和查询集要多次前向通过主体。"
            "ANIL 的每个特征只算一次。MAML 通过主体的前向次数是 ANIL 的几倍？",
        ),
        given={"inner_steps": (5, 7, 9, 11, 13)},
        key=body_passes,
        slips=(
            Slip(
                lambda inner_steps: inner_steps,
                Words(
                    "The query passes once in both. MAML: {inner_steps} for support and one for the "
                    "query; ANIL: one for each.",
                    "两种方法的查询集都通过一次。MAML：支持集 {inner_steps} 次，查询集一次；"
                    "ANIL：各一次。",
                ),
            ),
            Slip(
                lambda inner_steps: inner_steps + 1,
                Words(
                    "That is MAML's number. ANIL's is 2: support once, query once.",
                    "那是 MAML 的次数。ANIL 是 2 次：支持集一次，查询集一次。",
                ),
            ),
            Slip(
                lambda inner_steps: inner_steps / 2,
                Words("The query's pass in MAML is missing.", "漏了 MAML 中查询集的一次。"),
            ),
            Slip(
                1,
                Words(
                    "In MAML the body moves with every step, so its features have to be computed "
                    "again.",
                    "MAML 的主体每步都在变，特征必须重新计算。",
                ),
            ),
        ),
        why=Words(
            "{inner_steps} support passes and one for the queries, against one and one: {key}. "
            "Backward passes are saved as well, and no graph of the body's steps is kept.",
            "支持集 {inner_steps} 次加查询集一次，对比各一次：{key} 倍。"
            "反向计算也省了，而且不必保留主体各步的计算图。",
        ),
        objective=Words("Say where ANIL's speed comes from.", "说清 ANIL 快在哪里。"),
        source=f"{RAGHU}, section 4; medmeta_ref/anil.py",
        answers=("B7",),
        points=1,
    ),
    Multi(
        id="cka_is_blind_to",
        title=Words("What linear CKA does not see", "线性 CKA 看不见什么"),
        stem=Words(
            "Features `x` are compared with a changed copy of themselves. Which changes leave their "
            "linear CKA at exactly 1?",
            "把特征 `x` 与它改动后的副本相比。哪些改动使线性 CKA 仍恰好为 1？",
        ),
        options=(
            Wrong(
                Words(
                    "One feature is multiplied by 10 and all others stay",
                    "把其中一个特征乘 10，其余不变",
                ),
                Words(
                    "That feature then outweighs the others. Only a common factor cancels.",
                    "这个特征会压过其余特征。只有共同的倍数才会约去。",
                ),
            ),
            Right(
                Words(
                    "The features are put into another order",
                    "特征换一种排列顺序",
                ),
                Words(
                    "A permutation is orthogonal. That units have no natural order is why such a "
                    "measure is needed.",
                    "排列是正交变换。神经元没有天然顺序，这正是需要这种度量的原因。",
                ),
            ),
            Right(
                Words(
                    "A constant is added to each feature",
                    "每个特征各加一个常数",
                ),
                Words("Centring removes it.", "中心化会把它去掉。"),
            ),
            Wrong(
                Words(
                    "The examples are put into another order",
                    "样本换一种排列顺序",
                ),
                Words(
                    "Then features of different images are compared. Rows have to stay paired.",
                    "那样比较的是不同图像的特征。各行必须对应同一样本。",
                ),
            ),
            Right(
                Words(
                    "All of the features are multiplied by -3",
                    "所有特征都乘以 -3",
                ),
                Words(
                    "A common factor stands above and below, squared.",
                    "共同的倍数在分子分母上都以平方出现。",
                ),
            ),
            Wrong(
                Words(
                    "An invertible matrix mixes the features",
                    "用一个可逆矩阵混合特征",
                ),
                Words(
                    "Only orthogonal ones, times a number, leave it at 1; others stretch directions.",
                    "只有正交矩阵乘一个数才保持为 1；其他矩阵会拉伸某些方向。",
                ),
            ),
        ),
        objective=Words("Know what a likeness of features means.", "知道特征相似度意味着什么。"),
        source=f"{KORNBLITH}, sections 2 and 3",
        answers=("B6",),
    ),
    Shape(
        id="cross_covariance",
        title=Words("Two layers of different width", "两层宽度不同"),
        stem=Words(
            "For {n} images one layer gives `x` of shape ({n}, {p}), another `y` of shape ({n}, "
            "{q}). Linear CKA compares them by `x.T @ y`. Which shape has that?",
            "对 {n} 张图像，一层给出形状为 ({n}, {p}) 的 `x`，另一层给出形状为 ({n}, {q}) 的 `y`。"
            "线性 CKA 通过 `x.T @ y` 比较它们。它是什么形状？",
        ),
        given={"n": (20, 50, 90), "p": (16, 32), "q": (3, 5, 10)},
        key=cross_shape,
        slips=(
            Slip(
                lambda n, p, q: (n, n),
                Words(
                    "That is the other way to compute it, by all pairs of examples. Both give the "
                    "same CKA.",
                    "那是另一种算法，用样本两两之间的内积。两种得到同样的 CKA。",
                ),
            ),
            Slip(
                lambda n, p, q: (q, p),
                Words("That is its transpose, `y.T @ x`.", "那是它的转置 `y.T @ x`。"),
            ),
            Slip(
                lambda n, p, q: (p, p),
                Words("That is `x.T @ x`, below the line.", "那是分母里的 `x.T @ x`。"),
            ),
        ),
        why=Words(
            "{key}: the covariance of every feature of one with every feature of the other (times "
            "n). The layers need not be equally wide.",
            "{key}：一层的每个特征与另一层的每个特征的协方差（乘以 n）。两层不必同宽。",
        ),
        objective=Words(
            "See why layers of different width can be compared.", "明白为何不同宽度的层可以比较。"
        ),
        source=KORNBLITH,
        answers=("B6",),
        points=1,
    ),
    Single(
        id="fair_budget",
        title=Words("A fair comparison", "公平的比较"),
        stem=Words(
            "MAML and Reptile got the same number of outer steps. MAML was two points more accurate, "
            "interval without 0, and took four times the computer time. What is the fair report?",
            "MAML 和 Reptile 的外循环步数相同。MAML 的准确率高两个百分点，区间不含 0，"
            "但用了四倍的计算时间。公平的报告应当怎么写？",
        ),
        options=(
            Wrong(
                Words(
                    "Reptile is better, because it is four times as fast as its rival",
                    "Reptile 更好，因为它比对手快四倍",
                ),
                Words(
                    "Nobody has measured what Reptile reaches with four times the steps.",
                    "谁也没有测量 Reptile 用四倍步数能达到多少。",
                ),
            ),
            Wrong(
                Words(
                    "MAML is better, since all methods had the same number of steps",
                    "MAML 更好，因为所有方法的步数相同",
                ),
                Words(
                    "Equal steps are one budget of several: images seen, gradients, seconds.",
                    "步数相同只是多种预算之一：还有见过的图像、梯度次数、秒数。",
                ),
            ),
            Right(
                Words(
                    "Both numbers and both costs, and a run at equal time beside it",
                    "两个结果和两种成本，并补一次等时间的比较",
                ),
                Words(
                    "Which budget binds depends on the reader: at a clinic it is often neither, but "
                    "the cost of adapting.",
                    "哪种预算起约束取决于读者：在诊所往往都不是，而是适应的成本。",
                ),
            ),
            Wrong(
                Words(
                    "They are equal: two points are less than what a seed can change",
                    "二者相当：两个百分点小于随机种子的影响",
                ),
                Words(
                    "That may be so, but it has to be measured with seeds, not supposed.",
                    "也许如此，但要用不同种子测量，而不是猜测。",
                ),
            ),
        ),
        objective=Words("Name the budget with the result.", "报告结果时说明预算。"),
        source=LESSON_FILE,
        answers=("B7",),
        points=1,
    ),
)

CARDS = (
    Card(
        id="three_shortcuts",
        prompt=Words(
            "FOMAML, Reptile and ANIL are all cheaper than MAML. Explain in two minutes what each "
            "of them leaves out, and what one may lose by it.",
            "FOMAML、Reptile 和 ANIL 都比 MAML 便宜。用两分钟说明它们各省掉了什么，可能失去什么。",
        ),
        rubric=(
            Words(
                "FOMAML: drops the factors I - αH; rests elsewhere when α times the curvature is "
                "not small",
                "FOMAML：省去因子 I - αH；当 α 乘曲率不小时停在别处",
            ),
            Words(
                "Reptile: no query set, no graph; needs several steps, or it is joint training",
                "Reptile：没有查询集，没有计算图；必须多步，否则就是联合训练",
            ),
            Words(
                "ANIL: the body does not adapt; still second order, through the head only",
                "ANIL：主体不适应；仍是二阶，但只穿过头部",
            ),
            Words(
                "whether anything is lost has to be measured on the same episodes",
                "是否有损失，要在相同任务上测量",
            ),
        ),
        model=Words(
            "MAML differentiates the query loss through all inner steps of all layers. FOMAML stops "
            "before the steps: it takes the query gradient where they end, so no second derivatives "
            "and no graph, but it is the solution of another problem once the rate times the "
            "curvature is not small. Reptile goes further: no query set and no outer loss, it just "
            "moves towards where training leads. It must take several steps on different "
            "minibatches, since one step is joint training. ANIL is another cut: it keeps second "
            "order but adapts the head only, so the body runs once per image. It loses if new tasks "
            "need new features. I would run all of them on the same episodes and report paired "
            "differences and cost.",
            "MAML 对查询集损失求导，穿过所有层的全部内循环。FOMAML 不再穿过内循环："
            "只取终点处的查询集梯度，没有二阶导数，也没有计算图；但当学习率乘曲率不小时，"
            "它解的是另一个问题。Reptile 更进一步：没有查询集，没有外层损失，"
            "只朝训练到达的位置移动。它必须在不同小批上走好几步，因为一步就是联合训练。"
            "ANIL 是另一种省法：保留二阶，但只适应头部，每张图像只通过主体一次。"
            "如果新任务需要新特征，它会吃亏。我会让它们都做相同的任务，报告配对差值和成本。",
        ),
        source=f"{NICHOL}; {RAGHU}",
        answers=("B6", "B7"),
    ),
    Card(
        id="same_features",
        prompt=Words(
            "A colleague shows you a CKA of 0.97 between a body before and after adaptation, and "
            "concludes that adaptation is useless. What do you say?",
            "同事给你看：主体适应前后的 CKA 为 0.97，并由此断定适应没有用。你怎么说？",
        ),
        rubric=(
            Words(
                "asks for a yardstick: the CKA of unrelated features on as many images",
                "要求对照：同样数量图像上无关特征的 CKA",
            ),
            Words(
                "a likeness is no accuracy: freeze the body and compare on the same episodes",
                "相似度不是准确率：冻结主体，在相同任务上比较",
            ),
            Words(
                "few small steps cannot change much; the head is part of adaptation",
                "少数小步改变不了多少；头部也属于适应",
            ),
            Words(
                "holds for these tasks: a far domain may need new features",
                "只对这些任务成立：领域差得远时可能需要新特征",
            ),
        ),
        model=Words(
            "First I ask what 0.97 is to be compared with. With more features than images even "
            "unrelated features are alike, so I want the same number against an untrained network. "
            "Then, likeness is not accuracy: the three hundredths may be just what separates two "
            "classes. The experiment that counts freezes the body at the test and takes paired "
            "differences of accuracy. If nothing is lost, the body's adaptation is not needed here; "
            "the head's may well be, so adaptation is not useless. And it was measured on classes "
            "like those of training; for another modality I would measure again.",
            "首先要问 0.97 该和什么比。特征数多于图像数时，连无关的特征也显得相似，"
            "所以我要看它与未训练网络的同样数字。其次，相似不等于准确："
            "剩下的百分之三也许正好区分两个类别。真正有用的实验是测试时冻结主体，取准确率的配对差值。"
            "如果没有损失，说明这里不需要主体的适应；但头部的适应可能仍然需要，所以不能说适应没有用。"
            "而且这是在与训练相近的类别上测的；换一种成像方式，我会重新测量。",
        ),
        source=f"{RAGHU}; {KORNBLITH}; {LESSON_FILE}",
        answers=("B6",),
    ),
    Card(
        id="clinics_send_weights",
        prompt=Words(
            "Five clinics want a common start without sharing images. Propose a method, and say "
            "what could go wrong.",
            "五家诊所想在不共享图像的前提下得到共同的起点。请提出方法，并说明可能的问题。",
        ),
        rubric=(
            Words(
                "send the start out, a few local steps, move towards the mean of what returns",
                "发出起点，各自训练几步，朝返回权重的平均移动",
            ),
            Words(
                "names the kin: Reptile, and federated averaging with a step of 1",
                "点明亲缘：Reptile，以及步长为 1 的联邦平均",
            ),
            Words(
                "weights are not anonymous: they can reveal training data",
                "权重并不匿名：可能泄露训练数据",
            ),
            Words(
                "sizes, label meanings and devices differ between clinics; judge on a clinic left "
                "out",
                "各诊所的规模、标签含义和设备不同；要在留出的诊所上评判",
            ),
        ),
        model=Words(
            "A centre sends parameters out, every clinic takes some steps on its own data and "
            "returns where it arrived, and the centre moves a part of the way to the mean. That is "
            "Reptile with clinics for tasks; with a step of 1 it is federated averaging. Afterwards "
            "each clinic adapts the start to itself. What can go wrong: weights leak information "
            "about images, so secure summation or noise may be needed. Clinics differ in size, "
            "devices and in what a label means, and a large one may dominate if steps depend on "
            "size. I would hold one clinic out entirely, adapt to it with few cases, and compare "
            "with its own training and with the plain average.",
            "中心发出参数，每家诊所在自己的数据上走几步，返回到达的位置，中心朝平均移动一部分。"
            "这就是以诊所为任务的 Reptile；步长为 1 时就是联邦平均。之后各诊所再把起点适应到自己。"
            "可能的问题：权重会泄露图像信息，可能需要安全求和或加噪声。"
            "各诊所的规模、设备和标签含义不同；如果步数取决于规模，大诊所会占主导。"
            "我会完整留出一家诊所，用少量病例适应，并与它自己训练的模型以及直接平均相比较。",
        ),
        source="McMahan et al. 2017, arXiv 1602.05629; exercises/07_reptile_and_anil",
        answers=("B6", "B7"),
    ),
)
