"""Interview questions of unit 08: MAML++."""

from fractions import Fraction
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
    Pair,
    Predict,
    Right,
    Shape,
    Single,
    Slip,
    Words,
    Wrong,
)

LESSON = ("B6", "B7")
EXERCISES = {
    "multi_step_weights": ("B7",),
    "multi_step_loss": ("A5", "B7"),
    "per_step_norm": ("B7",),
    "schedules": ("B7",),
    "bug_lines": ("B7",),
    "norm_test": ("B7",),
}

ANTONIOU = "Antoniou, Edwards and Storkey 2019, arXiv 1810.09502"
LESSON_FILE = "lessons/08_maml_pp"


def rates_learned(n_convs: int, inner_steps: int) -> int:
    """Return how many inner rates there are, by making them."""
    layers = [torch.nn.Conv2d(1, 1, 3) for _ in range(n_convs)] + [torch.nn.Linear(1, 1)]
    tensors = [p for layer in layers for p in layer.parameters()]
    return sum(len(torch.full((inner_steps,), 0.1)) for _ in tensors)


def last_weight(inner_steps: int, epoch: int, anneal_epochs: int) -> float:
    """Return the last step's weight by moving shares to it, epoch by epoch."""
    early, last = Fraction(1, inner_steps), Fraction(1, inner_steps)
    for _ in range(epoch):
        given = min(
            Fraction(1, inner_steps * anneal_epochs), early - Fraction(3, 100) / inner_steps
        )
        early, last = early - given, last + (inner_steps - 1) * given
    return float(last)


def stored_shape(n_tasks: int, inner_steps: int, channels: int) -> tuple[int, ...]:
    """Return the shape of a layer's stored means, by storing some."""
    stored = torch.zeros(inner_steps, channels)
    for _ in range(n_tasks):
        for step in range(inner_steps):
            features = torch.ones(6, channels, 2, 2)
            stored[step] = 0.9 * stored[step] + 0.1 * features.mean((0, 2, 3))
    return tuple(stored.shape)


def reads_its_store(names: dict[str, Any]) -> bool:
    """Return whether evaluation reads the step's row and training the batch."""
    norm, x = names["per_step"], torch.tensor([[1.0], [2.0], [6.0]])

    def run(mean: float, training: bool, x: torch.Tensor = x, step: int = 1) -> torch.Tensor:
        means, variances = torch.tensor([[9.0], [mean]]), torch.tensor([[9.0], [4.0]])
        out: torch.Tensor = norm(x, means, variances, step, training)
        return out

    evaluated = torch.allclose(run(2.0, False), (x - 2) / 2, atol=1e-4)
    alone = torch.allclose(run(2.0, False, x[:1]), run(2.0, False)[:1])
    beyond = torch.allclose(run(2.0, False, step=4), (x - 2) / 2, atol=1e-4)
    trained = run(2.0, True).mean().abs().item() < 1e-4
    return evaluated and alone and beyond and trained


QUESTIONS = (
    Match(
        id="six_fixes",
        title=Words("Six problems, six repairs", "六个问题与六项改进"),
        stem=Words(
            "Which repair of MAML++ belongs to which problem of MAML?",
            "MAML++ 的哪项改进对应 MAML 的哪个问题？",
        ),
        pairs=(
            Pair(
                Words(
                    "The query loss is seen only through all inner steps; training is unstable",
                    "查询集损失只能透过全部内循环步才看得见，训练不稳定",
                ),
                Words(
                    "Query losses after every step, added with weights",
                    "每步之后都计算查询集损失，加权求和",
                ),
                Words(
                    "The early steps get a gradient of their own: the multi-step loss.",
                    "前面的步也有了自己的梯度：多步损失。",
                ),
            ),
            Pair(
                Words(
                    "Second derivatives make every outer step dear", "二阶导数使外循环每一步都很贵"
                ),
                Words(
                    "First order in the first epochs, second order later",
                    "前若干轮用一阶，之后用二阶",
                ),
                Words(
                    "Derivative-order annealing: the dear gradient comes when it pays.",
                    "导数阶退火：昂贵的梯度留到值得的时候。",
                ),
            ),
            Pair(
                Words(
                    "Nothing is stored of the features' mean and variance",
                    "特征的均值和方差没有任何累积",
                ),
                Words("Running statistics for each step", "每一步各有一套运行统计量"),
                Words(
                    "The network after step 3 is another one than before step 1: a row for each.",
                    "第 3 步之后的网络与第 1 步之前的不同：每步一行。",
                ),
            ),
            Pair(
                Words(
                    "One scale and shift of batch norm, while features change from step to step",
                    "批归一化只有一组缩放和平移，而特征逐步在变",
                ),
                Words("Scale and shift of batch norm for each step", "每一步各有一组缩放和平移"),
                Words(
                    "Per-step batch-norm weights and biases, learned by the outer loop.",
                    "逐步的批归一化权重和偏置，由外循环学习。",
                ),
            ),
            Pair(
                Words(
                    "One inner rate, found by search, for all layers and steps",
                    "所有层、所有步共用一个靠搜索得到的内循环学习率",
                ),
                Words("Rates per layer and step, learned", "逐层逐步学习的内循环学习率"),
                Words(
                    "The rates are meta-parameters, trained with the start.",
                    "学习率也是元参数，与起点一起训练。",
                ),
            ),
            Pair(
                Words("The outer rate is the same to the very end", "外层学习率自始至终不变"),
                Words("Cosine annealing of the outer rate", "外层学习率按余弦下降"),
                Words("Large updates first, small ones at the end.", "先大步更新，最后小步更新。"),
            ),
        ),
        objective=Words(
            "Name MAML++'s six repairs and what each is for.", "说出六项改进及其用途。"
        ),
        source=f"{ANTONIOU}, sections 3 and 4",
        answers=("B7",),
    ),
    Predict(
        id="training_true",
        title=Words("What training=True reads", "training=True 读的是什么"),
        stem=Words(
            "As in the official MAML++ code, `training=True` is written into the call. What is the "
            "last line's value?",
            "与 MAML++ 官方代码一样，调用里写死了 `training=True`。最后一行的值是什么？",
        ),
        code="""
import torch
import torch.nn.functional as F

x = torch.tensor([[{low}.0], [{high}.0]])
mean, variance = torch.tensor([{stored}.0]), torch.tensor([1.0])
y = F.batch_norm(x, mean, variance, training=True, momentum=0.1)
[round(v, 1) for v in (*y.flatten().tolist(), mean.item())]
""",
        given={"low": (1, 2, 3), "high": (5, 7, 9), "stored": (20, 50, 100, 200)},
        slips=(
            Slip(
                lambda low, high, stored: [float(low - stored), float(high - stored), stored * 1.0],
                Words(
                    "That would be `training=False`: normalised by what is stored, and nothing "
                    "stored anew.",
                    "那是 `training=False`：按存储的统计量归一化，也不更新。",
                ),
            ),
            Slip(
                lambda low, high, stored: [-1.0, 1.0, stored * 1.0],
                Words(
                    "The batch does normalise. But the store is written, in place: a tenth of the "
                    "way to the batch's mean.",
                    "确实按批归一化。但存储被原地改写：向批均值移动十分之一。",
                ),
            ),
            Slip(
                lambda low, high, stored: [-1.0, 1.0, round(0.1 * stored + 0.45 * (low + high), 1)],
                Words(
                    "`momentum` is the share of the *new* value in PyTorch.",
                    "在 PyTorch 中，`momentum` 是*新*值的份额。",
                ),
            ),
        ),
        why=Words(
            "{key}: the batch's own mean and variance normalise, whatever is stored; the store "
            "moves a tenth of the way. So it is written and never read.",
            "{key}：无论存了什么，都用该批自己的均值和方差；存储只移动十分之一。所以只写不读。",
        ),
        objective=Words(
            "Foresee which statistics batch norm uses.", "预见批归一化用的是哪一套统计量。"
        ),
        source="PyTorch documentation, torch.nn.functional.batch_norm; "
        "medmeta_ref/per_step_norm.py",
        answers=("B7",),
    ),
    Numeric(
        id="n_rates",
        title=Words("How many inner rates", "有多少个内循环学习率"),
        stem=Words(
            "A network has {n_convs} convolutions and a linear head, each with a weight and a bias. "
            "MAML++ takes {inner_steps} inner steps; as in the authors' code weight and bias have "
            "rates of their own. How many inner rates are learned?",
            "网络有 {n_convs} 个卷积层和一个线性头，每层都有权重和偏置。"
            "MAML++ 走 {inner_steps} 步内循环；与作者代码一样，权重和偏置各有自己的学习率。"
            "一共要学多少个内循环学习率？",
        ),
        given={"n_convs": (3, 4, 6), "inner_steps": (3, 5, 10)},
        key=rates_learned,
        slips=(
            Slip(
                lambda n_convs, inner_steps: (n_convs + 1) * inner_steps,
                Words(
                    "That is one per layer and step; here weight and bias count as two.",
                    "那是每层每步一个；这里权重和偏置算两个。",
                ),
            ),
            Slip(
                lambda n_convs, inner_steps: 2 * (n_convs + 1),
                Words("Each of the steps has its own.", "每一步都有自己的学习率。"),
            ),
            Slip(
                lambda n_convs, inner_steps: 2 * n_convs * inner_steps,
                Words("The head adapts, too.", "线性头也要适应。"),
            ),
        ),
        why=Words(
            "{key}: tensors times steps. A few dozen numbers beside a hundred thousand weights.",
            "{key}：张量个数乘以步数。与十几万个权重相比，只是几十个数。",
        ),
        objective=Words("Count what MAML++ adds.", "数清楚 MAML++ 增加了什么。"),
        source=f"{ANTONIOU}, section 4; medmeta_ref/maml_pp.py",
        answers=("B7",),
        points=1,
    ),
    Numeric(
        id="last_weight",
        title=Words("The weight of the last step", "最后一步的权重"),
        stem=Words(
            "Multi-step loss with {inner_steps} inner steps, annealed over {anneal_epochs} epochs "
            "as in the authors' code. What does the last step weigh in epoch {epoch}, counted "
            "from 0?",
            "多步损失，{inner_steps} 步内循环，按作者代码在 {anneal_epochs} 轮内退火。"
            "从 0 数起的第 {epoch} 轮，最后一步的权重是多少？",
        ),
        given={"inner_steps": (3, 4, 5), "epoch": (2, 4, 5, 7), "anneal_epochs": (10, 20)},
        key=last_weight,
        slips=(
            Slip(
                lambda inner_steps, epoch, anneal_epochs: (1 - epoch / anneal_epochs) / inner_steps,
                Words(
                    "That is what an early step weighs. The last one has the rest of 1.",
                    "那是前面一步的权重。最后一步得到 1 的剩余部分。",
                ),
            ),
            Slip(
                lambda inner_steps, epoch, anneal_epochs: (1 + epoch / anneal_epochs) / inner_steps,
                Words(
                    "It gets what *each* of the early steps loses, not one of them only.",
                    "它得到前面*每一步*失去的部分，而不只是一步的。",
                ),
            ),
            Slip(
                lambda inner_steps, epoch, anneal_epochs: epoch / anneal_epochs,
                Words(
                    "In epoch 0 that would be 0; all steps begin alike, at 1/K.",
                    "那样第 0 轮就是 0；所有步一开始权重相同，为 1/K。",
                ),
            ),
        ),
        why=Words(
            "Each early step has lost $e/(KE)$, and the last one has won all of that: {key}.",
            "前面每步失去 $e/(KE)$，全归最后一步：{key}。",
        ),
        objective=Words("Work out the annealed weights.", "算出退火后的权重。"),
        source=f"{ANTONIOU}, section 4; medmeta_ref/maml_pp.py",
        answers=("B7",),
    ),
    Formula(
        id="floor_share",
        title=Words("What annealing leaves", "退火之后剩下什么"),
        stem=Words(
            "After annealing a floor remains under the early steps. How much do they weigh *all "
            "together*, for `K` inner steps (`K` at least 2)?",
            "退火之后，前面的步仍有一个下限。`K` 步内循环（`K` 至少为 2）时，它们*合计*权重是多少？",
        ),
        variables={"K": (2, 10)},
        key=lambda K: 0.03 * (K - 1) / K,
        example="0.03 * (K - 1) / K",
        slips=(
            Slip(
                "0.03 / K",
                Words("That is one of them; there are K - 1.", "那是其中一步；一共 K - 1 步。"),
            ),
            Slip(
                "0.03 * (K - 1)",
                Words("The floor is 0.03 / K, not 0.03.", "下限是 0.03 / K，不是 0.03。"),
            ),
            Slip(
                "0.03",
                Words("The last step is no early one.", "最后一步不算在内。"),
            ),
            Slip(
                "0",
                Words(
                    "That is the last-step loss. The weights stop short of it: less than 3 % stay.",
                    "那是只看最后一步的损失。权重到不了那里：还剩不到 3 %。",
                ),
            ),
        ),
        why=Words(
            "K - 1 early steps with 0.03 / K each: below 0.03 in all. Small, but the schedule never "
            "quite becomes MAML; the authors' training code then goes on with the last step alone.",
            "K - 1 步，每步 0.03 / K，合计不到 0.03。虽小，但权重表永远不会完全变成 MAML；"
            "作者的训练代码之后只用最后一步。",
        ),
        objective=Words("Know the limit of a schedule.", "知道权重表的极限。"),
        source="medmeta_ref/maml_pp.py",
        answers=("B7",),
        points=1,
    ),
    Formula(
        id="rate_slope",
        title=Words("The gradient of a rate", "学习率的梯度"),
        stem=Words(
            "Support loss $\\tfrac12 h (t - c)^2$, query loss $\\tfrac12 b (t - d)^2$, one inner step "
            "of size `a` from `t`. Write the derivative of the query loss after it in `a`.",
            "支持集损失 $\\tfrac12 h (t - c)^2$，查询集损失 $\\tfrac12 b (t - d)^2$，从 `t` 出发以步长 "
            "`a` 走一步。写出之后的查询集损失对 `a` 的导数。",
        ),
        variables={
            "t": (-2, 2),
            "h": (0.5, 3),
            "c": (-2, 2),
            "b": (0.5, 3),
            "d": (-2, 2),
            "a": (0.05, 0.3),
        },
        key=lambda t, h, c, b, d, a: -b * (t - a * h * (t - c) - d) * h * (t - c),
        example="-b * (t - a*h*(t - c) - d) * h * (t - c)",
        slips=(
            Slip(
                "b * (t - a*h*(t - c) - d) * h * (t - c)",
                Words(
                    "The sign: the step *subtracts* `a` times the support slope.",
                    "符号：内循环是*减去* `a` 乘支持集斜率。",
                ),
            ),
            Slip(
                "-b * (t - d) * h * (t - c)",
                Words(
                    "The query slope is taken where the step ends, not where it begins.",
                    "查询集斜率要在步的终点取，而不是起点。",
                ),
            ),
            Slip(
                "b * (t - a*h*(t - c) - d) * (1 - a*h)",
                Words(
                    "That is the derivative in the start `t`, MAML's own.",
                    "那是对起点 `t` 的导数，即 MAML 本身的梯度。",
                ),
            ),
        ),
        why=Words(
            "Minus the product of query slope (at the end) and support slope (at the start): where "
            "they agree the rate grows, where they disagree it shrinks.",
            "负的（终点处查询集斜率）乘（起点处支持集斜率）：两者同向，学习率增大；反向则减小。",
        ),
        objective=Words("Say when a learned rate grows.", "说出学到的学习率何时增大。"),
        source=f"{ANTONIOU}, section 4; {LESSON_FILE}",
        answers=("B7",),
    ),
    Bug(
        id="unread_store",
        title=Words("Statistics that nobody reads", "没人读的统计量"),
        stem=Words(
            "In training the batch should normalise; in evaluation the stored row of this step, or "
            "the last row for later steps. But in evaluation a patient's result depends on who is "
            "in the same batch.",
            "训练时应按批归一化；评测时应按该步存储的那一行，更后的步用最后一行。"
            "但评测时，一个患者的结果取决于同一批里还有谁。",
        ),
        code="""
import torch.nn.functional as F

def per_step(x, means, variances, step, training):
    row = min(step, len(means) - 1)
    mean, variance = means[row], variances[row]
    return F.batch_norm(x, mean, variance, training=True, momentum=0.1)
""",
        fixes=(
            Fix(
                5,
                "mean, variance = means[row].clone(), variances[row].clone()",
                Words(
                    "This keeps the store from being written, and it is still not read.",
                    "这样存储不再被改写，但仍然没有被读。",
                ),
            ),
            Fix(
                6,
                "return F.batch_norm(x, mean, variance, training=False, momentum=0.1)",
                Words(
                    "Evaluation would be right. But training, too, would then read the store, which "
                    "nothing fills.",
                    "评测对了。但训练时也会去读存储，而存储却没有谁来填。",
                ),
            ),
            Fix(
                4,
                "row = step % len(means)",
                Words(
                    "That picks another row, of a table that nobody reads.",
                    "那只是换了一行，而这张表没人读。",
                ),
            ),
            Fix(
                6,
                "return F.batch_norm(x, mean, variance, training=training, momentum=0.1)",
                Words(
                    "Now the flag decides: the batch in training, the step's row in evaluation.",
                    "现在由标志决定：训练时用批，评测时用该步的那一行。",
                ),
            ),
            Fix(
                6,
                "return F.batch_norm(x, mean, variance, training=True, momentum=0.0)",
                Words(
                    "With momentum 0 the store stands still. The batch normalises all the same.",
                    "动量为 0，存储不变；归一化用的仍然是批。",
                ),
            ),
        ),
        works=reads_its_store,
        objective=Words("Find statistics that are not used.", "找出没有被使用的统计量。"),
        source="HowToTrainYourMAMLPytorch, issues 3 and 24; exercises/08_maml_pp",
        answers=("B7",),
    ),
    Shape(
        id="store_shape",
        title=Words("The shape of the store", "存储的形状"),
        stem=Words(
            "A batch-norm layer has {channels} channels. MAML++ takes {inner_steps} inner steps, "
            "{n_tasks} tasks per outer step. What is the shape of the means that the layer stores?",
            "某批归一化层有 {channels} 个通道。MAML++ 走 {inner_steps} 步内循环，"
            "外循环每步 {n_tasks} 个任务。该层存储的均值是什么形状？",
        ),
        given={"n_tasks": (2, 4), "inner_steps": (3, 5), "channels": (16, 32, 48)},
        key=stored_shape,
        slips=(
            Slip(
                lambda n_tasks, inner_steps, channels: (channels,),
                Words(
                    "That is ordinary batch norm: one row for all steps.",
                    "那是普通批归一化：所有步共用一行。",
                ),
            ),
            Slip(
                lambda n_tasks, inner_steps, channels: (n_tasks, inner_steps, channels),
                Words(
                    "Tasks share the store: it is an average over them, and a test task is new.",
                    "各任务共用存储：它是对任务的平均，而测试任务是新的。",
                ),
            ),
            Slip(
                lambda n_tasks, inner_steps, channels: (channels, inner_steps),
                Words("Steps first: a row for each.", "先是步：每步一行。"),
            ),
        ),
        why=Words(
            "{key}: a row per step. That it is an average over tasks is its weakness.",
            "{key}：每步一行。它是对任务的平均，这正是弱点。",
        ),
        objective=Words("Say what per-step statistics average.", "说清逐步统计量对什么取平均。"),
        source=f"{ANTONIOU}, section 4; medmeta_ref/per_step_norm.py",
        answers=("B7",),
        points=1,
    ),
    Multi(
        id="inductive_norms",
        title=Words("Alone in the batch", "批中只有自己"),
        stem=Words(
            "With which ways of normalising does the answer to one query image *not* depend on the "
            "other queries?",
            "采用哪些归一化方式时，一张查询图像的答案*不*依赖其他查询图像？",
        ),
        options=(
            Wrong(
                Words(
                    "`training=True`, with a stored table beside it",
                    "`training=True`，旁边另存一张表",
                ),
                Words(
                    "The table is written, not read: the batch normalises.",
                    "表只写不读：归一化用的是批。",
                ),
            ),
            Right(
                Words("The stored averages of this step", "该步存储的平均值"),
                Words(
                    "Independent of other queries. Whether they fit the network adapted to this "
                    "episode is another question, and has to be measured.",
                    "不依赖其他查询。是否适合为该任务适应后的网络，则要另行测量。",
                ),
            ),
            Wrong(
                Words("The queries of one class at a time", "每次只放一个类别的查询图像"),
                Words(
                    "They depend on each other, and the normalisation removes what they share.",
                    "它们相互依赖，归一化还会抹去它们的共同点。",
                ),
            ),
            Right(
                Words("The moments of this episode's support set", "该任务支持集的均值和方差"),
                Words(
                    "The support set is given anyway, and it comes from the very episode.",
                    "支持集本来就有，而且正来自这个任务。",
                ),
            ),
            Wrong(
                Words("The moments of all queries together", "全部查询图像合在一起的均值和方差"),
                Words(
                    "That is the transductive mode, the default of most public code.",
                    "那是直推式，多数公开代码的默认做法。",
                ),
            ),
            Right(
                Words("Group norm, over channels of one image", "组归一化，在单张图像的通道上"),
                Words(
                    "It looks at one image at a time and stores nothing.",
                    "它每次只看一张图像，也不存任何东西。",
                ),
            ),
        ),
        objective=Words("Tell inductive from transductive.", "分清归纳式与直推式。"),
        source="Bronskill et al. 2020, arXiv 2003.03284; lessons/08_maml_pp",
        answers=("B7",),
    ),
    Single(
        id="more_steps",
        title=Words("More steps than trained", "测试步数多于训练步数"),
        stem=Words(
            "A MAML++ model was trained with five inner steps. For a new task somebody wants ten. "
            "What holds for the steps six to ten?",
            "MAML++ 模型训练时走五步内循环。有人想对新任务走十步。第六到第十步的情况如何？",
        ),
        options=(
            Wrong(
                Words(
                    "They are safe: more gradient steps only lower the loss further",
                    "没有风险：多走几步梯度下降只会让损失更低",
                ),
                Words(
                    "A learned last rate may be far too large to be used twice; in the lesson the "
                    "error then rises with every further step.",
                    "学到的最后一个学习率可能大到不能用两次；课中误差随之逐步上升。",
                ),
            ),
            Wrong(
                Words(
                    "They begin again with the rates and statistics of step one",
                    "从第一步的学习率和统计量重新开始",
                ),
                Words(
                    "Those belong to a network that has not adapted yet.",
                    "那些属于尚未适应的网络。",
                ),
            ),
            Right(
                Words(
                    "No rates or statistics were learned for them: choose some, and measure",
                    "没有为它们学过学习率和统计量：只能选定，再测量",
                ),
                Words(
                    "Repeating the last row is one choice. Or train with as many steps as will be "
                    "taken.",
                    "重复最后一行是一种选择。或者训练时就走那么多步。",
                ),
            ),
            Wrong(
                Words(
                    "Nothing special: a learned rate is one number for all the steps",
                    "没什么特别：学到的学习率对所有步是同一个数",
                ),
                Words(
                    "In MAML++ each step has rates and norms of its own.",
                    "在 MAML++ 中，每步有自己的学习率和归一化。",
                ),
            ),
        ),
        objective=Words("See what per-step parameters cost.", "看到逐步参数的代价。"),
        source="HowToTrainYourMAMLPytorch, issue 28; lessons/08_maml_pp",
        answers=("B7",),
        points=1,
    ),
    Single(
        id="saves_compute",
        title=Words("Which repair saves time", "哪项改进省时间"),
        stem=Words(
            "Which of the six repairs makes training cheaper?",
            "六项改进中，哪一项使训练更省计算？",
        ),
        options=(
            Right(
                Words("Derivative-order annealing", "导数阶退火"),
                Words(
                    "First-order epochs keep no graph of the inner steps. All the others cost "
                    "nothing or a little more.",
                    "一阶的那些轮不保留内循环的计算图。其他改进不省，或略多一点。",
                ),
            ),
            Wrong(
                Words("The multi-step loss", "多步损失"),
                Words(
                    "It adds a query pass after each step: more work, not less.",
                    "每步之后多一次查询集前向：更多计算，而不是更少。",
                ),
            ),
            Wrong(
                Words("Learned inner rates", "学习内循环学习率"),
                Words(
                    "They save a search for the rate, not time in a training run.",
                    "省的是搜索学习率，不是一次训练的时间。",
                ),
            ),
            Wrong(
                Words("Statistics for each step", "逐步统计量"),
                Words(
                    "They are a table more to keep. A forward pass costs what it did.",
                    "只是多存一张表。一次前向的开销不变。",
                ),
            ),
        ),
        objective=Words("Know what each repair costs.", "知道每项改进的代价。"),
        source=f"{ANTONIOU}, section 4; {LESSON_FILE}",
        answers=("B7",),
        points=1,
    ),
    Single(
        id="what_it_is",
        title=Words("What MAML++ is", "MAML++ 是什么"),
        stem=Words(
            '"MAML++ has a more complex objective and so can do classification, regression and '
            'reinforcement learning." What is right?',
            "“MAML++ 的优化目标更复杂，因此可用于分类、回归和强化学习。”怎样说才对？",
        ),
        options=(
            Wrong(
                Words(
                    "It holds: the objective gained regression and reinforcement terms",
                    "说得对：目标里增加了回归和强化学习的项",
                ),
                Words(
                    "There are no such terms. MAML itself was shown on all three kinds of problem.",
                    "没有这样的项。三类问题都是 MAML 本身展示过的。",
                ),
            ),
            Wrong(
                Words(
                    "It is a larger network, found by searching over architectures",
                    "它是通过结构搜索得到的更大的网络",
                ),
                Words(
                    "The network is the same few conv blocks; norms and rates are kept per step.",
                    "网络仍是那几个卷积块；只是归一化和学习率按步保存。",
                ),
            ),
            Wrong(
                Words(
                    "It is MAML without any inner loop, and therefore so much faster",
                    "它是去掉内循环的 MAML，因此快得多",
                ),
                Words(
                    "The inner loop is what it repairs.",
                    "它要改进的正是内循环。",
                ),
            ),
            Right(
                Words(
                    "It is MAML made more stable, and was tested on few-shot image classes",
                    "它是更稳定的 MAML，在小样本图像分类上验证",
                ),
                Words(
                    "Six changes of training, evaluated on Omniglot and Mini-ImageNet.",
                    "六处训练上的改动，在 Omniglot 和 Mini-ImageNet 上评测。",
                ),
            ),
        ),
        objective=Words(
            "Say what MAML++ claims, and what not.", "说清 MAML++ 主张什么、不主张什么。"
        ),
        source=ANTONIOU,
        answers=("B7",),
        points=1,
    ),
    Single(
        id="ablation",
        title=Words("Reading an ablation", "怎样读消融实验"),
        stem=Words(
            "One split, one seed, 100 shared test episodes. Learned rates gain 0.045 ± 0.028; the "
            "multi-step loss 0.012 ± 0.029 (95 %, paired). What may be written?",
            "一种划分、一个种子、100 个共同的测试任务。学习率可学：提高 0.045 ± 0.028；"
            "多步损失：提高 0.012 ± 0.029（95 %，配对）。可以怎么写？",
        ),
        options=(
            Wrong(
                Words(
                    "Both help, the rates nearly four times as much as the loss",
                    "两者都有效，学习率的作用接近四倍",
                ),
                Words(
                    "For the loss 0 is inside the interval; a ratio of the two means nothing.",
                    "多步损失的区间含 0；两者之比没有意义。",
                ),
            ),
            Right(
                Words(
                    "In this run the rates helped; for the loss no effect is shown",
                    "这次运行中学习率有效；多步损失未见效果",
                ),
                Words(
                    "And other seeds and splits may say otherwise: the interval covers episodes "
                    "only.",
                    "换种子、换划分可能不同：区间只涵盖任务的抽取。",
                ),
            ),
            Wrong(
                Words(
                    "The multi-step loss is useless and should be left out always",
                    "多步损失没有用，以后都不必采用",
                ),
                Words(
                    "No effect shown is not no effect. It was made for stability, which one seed "
                    "cannot show.",
                    "未见效果不等于没有效果。它为稳定性而设，一个种子看不出来。",
                ),
            ),
            Wrong(
                Words(
                    "Nothing, as long as the paper's own data sets are not used",
                    "什么也不能写，除非使用论文的数据集",
                ),
                Words(
                    "Own data are what matters to you. Say what was run, and how far it reaches.",
                    "对你来说自己的数据才重要。写明做了什么、能说明到哪一步。",
                ),
            ),
        ),
        objective=Words("Read paired intervals of an ablation.", "读懂消融实验的配对区间。"),
        source=LESSON_FILE,
        answers=("B6", "B7"),
        points=1,
    ),
    Single(
        id="large_rate",
        title=Words("A rate above the limit", "超过上限的学习率"),
        stem=Words(
            "Bowls have curvatures 1 and 9, so a fixed rate above 2/9 diverges. Two learned rates "
            "end at 1 and 1/9. What is to be made of the rate 1?",
            "抛物线的曲率为 1 和 9，固定学习率超过 2/9 就发散。"
            "学到的两个学习率是 1 和 1/9。怎样看待 1 这个学习率？",
        ),
        options=(
            Wrong(
                Words(
                    "It is a bug: the outer loop climbs in place of descending",
                    "是程序错误：外循环在上升而不是下降",
                ),
                Words(
                    "The loss after both steps is 0. Better is not possible.",
                    "两步之后损失为 0，不可能更好。",
                ),
            ),
            Wrong(
                Words(
                    "It must be cut to 2/9, else the two steps diverge here",
                    "必须截到 2/9，否则这两步会发散",
                ),
                Words(
                    "Two steps cannot diverge; cutting would leave the flat direction unfinished.",
                    "两步谈不上发散；截断反而使平缓方向走不完。",
                ),
            ),
            Right(
                Words(
                    "It is right, once: the other step clears the steep direction",
                    "用一次是对的：陡的方向由另一步负责",
                ),
                Words(
                    "A rate 1/h finishes curvature h. Used again and again, a rate of 1 would "
                    "multiply the steep direction by -8 each time.",
                    "学习率 1/h 恰好走完曲率 h 的方向。反复使用时，1 会使陡的方向每次乘以 -8。",
                ),
            ),
            Wrong(
                Words(
                    "It shows that the curvature 9 was estimated too high",
                    "说明曲率 9 被估计得过高",
                ),
                Words(
                    "Nothing estimates curvatures; the outer gradient moves the rates.",
                    "没有谁在估计曲率；移动学习率的是外层梯度。",
                ),
            ),
        ),
        objective=Words("Understand what rates per step can do.", "理解逐步学习率能做什么。"),
        source=LESSON_FILE,
        answers=("B7",),
        points=1,
    ),
)

CARDS = (
    Card(
        id="six_in_two_minutes",
        prompt=Words(
            "What does MAML++ change, and why? Two minutes.",
            "MAML++ 改了什么，为什么？两分钟。",
        ),
        rubric=(
            Words(
                "multi-step loss: gradient for early steps, annealed to the last",
                "多步损失：前面的步也有梯度，逐渐退火到最后一步",
            ),
            Words(
                "derivative order: first order first, to save time",
                "导数阶：先一阶，省时间",
            ),
            Words(
                "batch norm per step: statistics, and scale and shift",
                "逐步批归一化：统计量，以及缩放和平移",
            ),
            Words("learned rates per layer and step", "逐层逐步学习的学习率"),
            Words("cosine outer rate", "外层学习率按余弦下降"),
            Words(
                "claims stability and accuracy at lower cost, not another objective",
                "主张的是稳定、准确、更省，而不是另一种目标",
            ),
        ),
        model=Words(
            "MAML trains a start through several gradient steps, and that is unstable. MAML++ makes "
            "six changes. The query loss counts after every step, with weights that move to the "
            "last one. The first epochs are first-order, which is cheap. Batch norm gets running "
            "statistics for each step, and, the fourth, a scale and a shift for each step. Inner "
            "rates are learned for each layer and step. The outer rate falls along a cosine. The "
            "claim is a more stable and accurate MAML for few-shot images, at lower cost. It is "
            "no other objective: with weights 0, ..., 0, 1 and equal rates it is MAML.",
            "MAML 穿过若干梯度步训练起点，这并不稳定。MAML++ 做了六处改动。"
            "每步之后都计算查询集损失，权重逐渐移到最后一步。前若干轮用一阶，省计算。"
            "批归一化按步保存运行统计量；第四，缩放和平移也按步设置。"
            "内循环学习率逐层逐步学习。外层学习率按余弦下降。"
            "主张是在小样本图像分类上更稳定、更准确，也更省。"
            "它不是另一种目标：权重取 0, ..., 0, 1、学习率相等时就是 MAML。",
        ),
        source=ANTONIOU,
        answers=("B7",),
    ),
    Card(
        id="which_statistics",
        prompt=Words(
            "Your MAML++ scores well in the paper's code. The clinic sends one image at a time. "
            "Which batch-norm statistics do you use, and what do you check?",
            "你的 MAML++ 在论文代码里得分很好。诊所逐张送来图像。你用哪套批归一化统计量，检查什么？",
        ),
        rubric=(
            Words(
                "the code normalises by the query batch: the score is transductive",
                "代码按查询批归一化：得分是直推式的",
            ),
            Words(
                "its stored statistics are never read, so they were never tested",
                "存储的统计量从未被读，也就从未被检验",
            ),
            Words(
                "stored averages are averages over episodes and may not fit this one",
                "存储的是对任务的平均，未必适合这个任务",
            ),
            Words(
                "the support set's own moments are inductive; or group norm",
                "支持集自己的统计量是归纳式的；或用组归一化",
            ),
            Words(
                "test: one image alone gives the same answer as in company",
                "检验：单张图像的答案与放在批里时相同",
            ),
        ),
        model=Words(
            "First I say that the score is transductive: that code calls batch norm with training "
            "true always, so other queries help, and the stored statistics are written and never "
            "read. I do not simply switch them on: they average over episodes, and the adapted "
            "network of this episode may have other moments; in our lesson accuracy fell towards "
            "chance. I take the moments of the support set, which is there anyway, or train with "
            "group norm. Then I test it: an image alone must get the answer that it gets in "
            "company, and the accuracy that I report is the one measured so.",
            "首先说明得分是直推式的：代码里批归一化始终是训练模式，其他查询图像在帮忙，"
            "存储的统计量只写不读。我不会直接改用它们：它们是对任务的平均，"
            "而为这个任务适应后的网络，特征的均值和方差可能不同；我们课上准确率几乎跌到随机水平。"
            "我用支持集自己的统计量，支持集本来就有；或者用组归一化训练。"
            "然后检验：一张图像单独送入与放在批里，答案必须相同；报告的准确率就在这种条件下测得。",
        ),
        source="lessons/08_maml_pp; Bronskill et al. 2020, arXiv 2003.03284",
        answers=("B7",),
    ),
    Card(
        id="is_it_worth_it",
        prompt=Words(
            "A colleague wants all six repairs in your project. How do you decide which stay?",
            "同事想在项目里加上全部六项改进。你怎样决定保留哪些？",
        ),
        rubric=(
            Words("one repair at a time, all else alike", "一次只加一项，其余相同"),
            Words(
                "several seeds: stability is about seeds, not episodes",
                "多个种子：稳定性说的是种子之间，而不是任务之间",
            ),
            Words("the same episodes for all, paired differences", "相同的任务，配对差值"),
            Words(
                "validation classes for choices, test classes once",
                "选择用验证类别，测试类别只用一次",
            ),
            Words(
                "counts what each costs, and what it binds: the number of steps",
                "计入代价，以及它固定了什么：步数",
            ),
        ),
        model=Words(
            "I add one at a time to the same MAML, on the same data and budget, with several seeds, "
            "and test on the same episodes of validation classes. For accuracy I look at paired "
            "differences over episodes, for stability at the spread over seeds, above all the worst "
            "one. I expect learned rates to help where the fixed rate was badly chosen, and little "
            "where it was well chosen. I note what each costs: a query pass per step, a table per "
            "norm, and that rates and norms per step bind me to the number of steps. What does not "
            "show a gain is left out, with the numbers kept. The test classes are used once.",
            "我在同一个 MAML 上一次只加一项，数据和预算相同，多个种子，"
            "在验证类别的相同任务上测试。准确率看任务间的配对差值，稳定性看种子间的差异，尤其是最差的那个。"
            "我预期固定学习率选得不好时，可学的学习率有帮助；选得好时作用不大。"
            "我记下每项的代价：每步一次查询集前向、每层一张表，而且逐步的学习率和归一化把步数固定了。"
            "看不到好处的就不加，但保留数字。测试类别只用一次。",
        ),
        source=LESSON_FILE,
        answers=("B6", "B7"),
    ),
)
