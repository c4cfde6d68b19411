"""Interview questions of unit 11: experience replay and continual learning."""

from typing import Any

import torch

from medmeta_ref.continual import backward_transfer
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
    Single,
    Slip,
    Step,
    Words,
    Wrong,
)

LESSON = ("B1",)
EXERCISES = {
    "reservoir_add": ("B1",),
    "balanced_slot": ("B1",),
    "replay_loss": ("B1",),
    "meta_replay_step": ("B1",),
    "continual_scores": ("B1",),
    "bug_lines": ("B1",),
    "memory_test": ("B1",),
}

RIEMER = "Riemer et al. 2019, arXiv 1810.11910"
VITTER = "Vitter 1985, Random Sampling with a Reservoir"
GEM = "Lopez-Paz and Ranzato 2017, arXiv 1706.08840"
SCENARIOS = "van de Ven and Tolias 2019, arXiv 1904.07734"
LESSON_FILE = "lessons/11_replay"


def survival(n_items: int, capacity: int) -> float:
    """Return the chance that the third item is stored at the end, survivor by survivor."""
    chance = 1.0
    for number in range(capacity + 1, n_items + 1):
        chance *= 1 - capacity / number / capacity
    return chance


def overwritten(n_items: int, capacity: int) -> float:
    """Return the chance of the first item if every newcomer takes a random slot."""
    chance = 1.0
    for _ in range(n_items - capacity):
        chance *= 1 - 1 / capacity
    return chance


def matrix_of(first: int, then: int, second: int, later: int) -> torch.Tensor:
    """Return the matrix of the question on backward transfer, from percentages."""
    rows = [[first, 11, 9], [60, second, 12], [then, later, 90]]
    return torch.tensor(rows, dtype=torch.float64) / 100


def keeps_all_alike(names: dict[str, Any]) -> bool:
    """Return whether two of five positions are stored, each in two fifths of 1500 streams."""
    generator = torch.Generator().manual_seed(0)
    counts = torch.zeros(5)
    for _ in range(1500):
        memory = names["keep"](5, 2, generator)
        if len(memory) != 2 or not set(memory) <= set(range(5)):
            return False
        for position in memory:
            counts[position] += 1
    z = (counts / 1500 - 0.4) / (0.4 * 0.6 / 1500) ** 0.5
    return bool(z.abs().max() < 5)


QUESTIONS = (
    Single(
        id="is_it_meta",
        title=Words("Where replay belongs", "回放属于哪里"),
        stem=Words(
            'A summary says: "The first principle of meta-learning is experience replay: store past '
            'samples in a pool and draw from it at random." What is right?',
            "有一份总结说：“元学习的第一条原理是经验回放：把过去的样本存入池中，再从中随机抽取。”"
            "正确的说法是什么？",
        ),
        options=(
            Wrong(
                Words(
                    "It is right: the pool is the support set, and the draws are episodes",
                    "说得对：样本池就是支持集，抽取就是 episode",
                ),
                Words(
                    "A support set is what a learner *adapts to* before it is judged on queries. "
                    "Nothing adapts here; stored samples just join the minibatch.",
                    "支持集是学习器被查询集评判之前*用来适应*的数据。这里没有适应，"
                    "存下的样本只是加入小批量。",
                ),
            ),
            Right(
                Words(
                    "It fights forgetting; alone it has no outer objective about learning",
                    "它用来对抗遗忘；单独使用时没有关于“学习”的外层目标",
                ),
                Words(
                    "One model, one loss, more data in it. Meta-experience replay adds the outer "
                    "step, and there the two meet.",
                    "一个模型、一个损失，只是数据更多。元经验回放加上外层更新，二者才真正相遇。",
                ),
            ),
            Wrong(
                Words(
                    "It belongs to reinforcement learning only, never to classification",
                    "它只属于强化学习，与分类无关",
                ),
                Words(
                    "It became famous there, for breaking the correlation of successive samples. "
                    "Classifiers that learn from a stream use it just as well.",
                    "它在强化学习中因打破相邻样本的相关性而出名，但从数据流中学习的分类器同样使用它。",
                ),
            ),
            Wrong(
                Words(
                    "It is another name for the inner loop of gradient-based methods",
                    "它是基于梯度的方法中内循环的另一个名字",
                ),
                Words(
                    "The inner loop adapts to one task and its result is thrown away; replay trains "
                    "the only model there is.",
                    "内循环适应一个任务，结果用完即弃；回放训练的是唯一的那个模型。",
                ),
            ),
        ),
        objective=Words(
            "Say what experience replay is for, and what makes it meta-learning.",
            "说明经验回放的用途，以及怎样才成为元学习。",
        ),
        source=f"{RIEMER}; {LESSON_FILE}",
        answers=("B1",),
        points=1,
    ),
    Numeric(
        id="survives",
        title=Words("The third image", "第三张图像"),
        stem=Words(
            "A memory for {capacity} images is filled by reservoir sampling from a stream of "
            "{n_items}. With which probability is image number 3 of the stream stored at the end?",
            "一个容量为 {capacity} 张图像的记忆，用蓄水池抽样从 {n_items} 张图像的数据流中填充。"
            "数据流中第 3 张图像最后仍被存着的概率是多少？",
        ),
        given={"n_items": (120, 160, 200, 250), "capacity": (10, 15, 20)},
        key=survival,
        slips=(
            Slip(
                1,
                Words(
                    "It gets in for certain. But each of the images from number {capacity} + 1 on "
                    "may take its place.",
                    "它一定会被存入。但从第 {capacity} + 1 张起，每张图像都可能占据它的位置。",
                ),
            ),
            Slip(
                overwritten,
                Words(
                    "That is so if every newcomer overwrites a random slot. Here number i gets in "
                    "with probability {capacity}/i only.",
                    "那是每个新图像都覆盖一个随机位置的情形。这里第 i 张只以 {capacity}/i 的概率进入。",
                ),
            ),
            Slip(
                lambda n_items, capacity: 3 / n_items,
                Words(
                    "Its place in the stream does not matter: the capacity, {capacity}, does.",
                    "它在数据流中的位置无关紧要，重要的是容量 {capacity}。",
                ),
            ),
        ),
        why=Words(
            "{capacity}/{n_items} = {key}, for the third image as for any other.",
            "{capacity}/{n_items} = {key}，第三张图像与其他任何图像都一样。",
        ),
        objective=Words(
            "Know the inclusion probability of reservoir sampling.", "知道蓄水池抽样的入选概率。"
        ),
        source=VITTER,
        answers=("B1",),
        points=1,
    ),
    Numeric(
        id="overwritten",
        title=Words("Simply overwrite", "直接覆盖"),
        stem=Words(
            "Somebody finds reservoir sampling too complicated: each new image overwrites a random "
            "one of the {capacity} stored. With which probability is the very first image still "
            "there after {n_items} images?",
            "有人嫌蓄水池抽样太复杂：每张新图像都随机覆盖所存 {capacity} 张中的一张。"
            "经过 {n_items} 张图像后，最早的那张仍在的概率是多少？",
        ),
        given={"n_items": (30, 40, 50, 60), "capacity": (10, 12, 16)},
        key=overwritten,
        slips=(
            Slip(
                lambda n_items, capacity: capacity / n_items,
                Words(
                    "That is what it should be, and what reservoir sampling gives.",
                    "那是应有的值，也是蓄水池抽样给出的值。",
                ),
            ),
            Slip(
                lambda n_items, capacity: (1 - 1 / capacity) ** n_items,
                Words(
                    "The first {capacity} images fill empty places and overwrite nothing.",
                    "前 {capacity} 张图像填的是空位，什么也不覆盖。",
                ),
            ),
            Slip(
                0,
                Words(
                    "That is a queue. A random slot may spare the first image for long.",
                    "那是队列（先进先出）。随机位置可能长时间放过第一张图像。",
                ),
            ),
        ),
        why=Words(
            "It survives each of {n_items} - {capacity} overwritings with probability "
            "1 - 1/{capacity}: {key}. The past fades exponentially.",
            "它以 1 - 1/{capacity} 的概率躲过 {n_items} - {capacity} 次覆盖中的每一次：{key}。"
            "过去按指数规律消失。",
        ),
        objective=Words(
            "Compute how fast a careless memory loses the past.",
            "计算随意的记忆多快丢失过去。",
        ),
        source=f"{VITTER}; {LESSON_FILE}",
        answers=("B1",),
        points=1,
    ),
    Single(
        id="drift",
        title=Words("A queue under drift", "漂移之下的队列"),
        stem=Words(
            "Classes come in blocks: first only 1 and 2, then only 3 and 4, and so on, a thousand "
            "images each. The memory holds 100. What do a queue (first in, first out) and a "
            "reservoir hold at the end?",
            "类别成块到来：先只有 1 和 2，再只有 3 和 4，依此类推，每块一千张图像。记忆容量为 100。"
            "最后，队列（先进先出）和蓄水池各存着什么？",
        ),
        options=(
            Wrong(
                Words(
                    "Both the same mixture, since both store exactly 100 images",
                    "二者是同样的混合，因为都恰好存 100 张",
                ),
                Words(
                    "How many are stored is the same, which ones is not.",
                    "张数相同，存的是哪些则不同。",
                ),
            ),
            Wrong(
                Words(
                    "The reservoir the oldest images, the queue a sample of all of them",
                    "蓄水池存最早的图像，队列存全体的样本",
                ),
                Words(
                    "A reservoir forgets early and late items alike; a queue knows nothing old.",
                    "蓄水池对早晚的图像一视同仁；队列里没有旧的东西。",
                ),
            ),
            Wrong(
                Words(
                    "The queue all classes in equal shares, the reservoir the largest",
                    "队列中各类相等，蓄水池中只有最大的类",
                ),
                Words(
                    "Neither looks at labels. A balanced memory would.",
                    "二者都不看标签；平衡记忆才看。",
                ),
            ),
            Right(
                Words(
                    "The queue only the last block, the reservoir a share of each block",
                    "队列只有最后一块，蓄水池每块都有一份",
                ),
                Words(
                    "The last 100 images are all of the last block: replaying them repeats what is "
                    "learned anyway. The reservoir holds about as many of each block.",
                    "最后 100 张全来自最后一块：回放它们只是重复正在学的东西。"
                    "蓄水池中每块的数量大致相同。",
                ),
            ),
        ),
        objective=Words("Choose a memory for a stream that drifts.", "为会漂移的数据流选择记忆。"),
        source=f"{VITTER}; {LESSON_FILE}",
        answers=("B1",),
        points=1,
    ),
    Numeric(
        id="backward",
        title=Words("Backward transfer", "后向迁移"),
        stem=Words(
            "Accuracies in percent; a row after each of three tasks, a column for each task: "
            "row one {first}, 11, 9; row two 60, {second}, 12; row three {then}, {later}, 90. What "
            "is the backward transfer, in percentage points?",
            "准确率（百分数）；每学完三个任务之一为一行，每个任务为一列："
            "第一行 {first}、11、9；第二行 60、{second}、12；第三行 {then}、{later}、90。"
            "后向迁移是多少个百分点？",
        ),
        given={
            "first": (92, 96, 88),
            "then": (40, 50, 64),
            "second": (81, 85),
            "later": (61, 75, 83),
        },
        key=lambda **values: 100 * backward_transfer(matrix_of(**values)),
        unit=Words("percentage points", "百分点"),
        slips=(
            Slip(
                lambda **values: -100 * backward_transfer(matrix_of(**values)),
                Words(
                    "The sign: it is the end minus just after training, so forgetting is negative.",
                    "符号反了：是最后的值减去刚学完时的值，所以遗忘是负的。",
                ),
            ),
            Slip(
                lambda first, then, second, later: (then - first + later - second) / 3,
                Words(
                    "The last task has no later one that could harm it: two differences are "
                    "averaged, {then} - {first} and {later} - {second}.",
                    "最后一个任务之后没有别的任务：只对两个差取平均，"
                    "{then} - {first} 和 {later} - {second}。",
                ),
            ),
            Slip(
                lambda first, then, second, later: then - first + later - second,
                Words(
                    "That is the sum of both differences; the mean was asked for.",
                    "那是两个差之和，要求的是平均。",
                ),
            ),
            Slip(
                lambda first, then, second, later: (then + later + 90) / 3,
                Words(
                    "That is the accuracy at the end, the mean of the last row.",
                    "那是最后的准确率，即最后一行的平均。",
                ),
            ),
        ),
        why=Words(
            "({then} - {first} + {later} - {second}) / 2 = {key}: the last row minus the diagonal, "
            "without the last task.",
            "({then} - {first} + {later} - {second}) / 2 = {key}：最后一行减对角线，不含最后一个任务。",
        ),
        objective=Words("Read backward transfer off a matrix.", "从矩阵读出后向迁移。"),
        source=f"{GEM}, equation 3",
        answers=("B1",),
    ),
    Formula(
        id="meta_step",
        title=Words("Two examples, one outer step", "两个样本，一步外层更新"),
        stem=Words(
            "Meta-experience replay in one dimension: example 1 has the loss "
            "$\\tfrac12 h (t - c)^2$, example 2 $\\tfrac12 b (t - d)^2$. From `t`, one step of size "
            "`a` on each, 1 before 2; then `g` of the way. Write the new `t`.",
            "一维的元经验回放：样本 1 的损失是 $\\tfrac12 h (t - c)^2$，样本 2 是 "
            "$\\tfrac12 b (t - d)^2$。从 `t` 出发，以步长 `a` 先在 1 上、再在 2 上各走一步；"
            "然后只走这段路的 `g` 倍。写出新的 `t`。",
        ),
        variables={
            "t": (-2, 2),
            "h": (0.5, 3),
            "c": (-2, 2),
            "b": (0.5, 3),
            "d": (-2, 2),
            "a": (0.05, 0.3),
            "g": (0.2, 0.9),
        },
        key=lambda t, h, c, b, d, a, g: (
            t + g * ((t - a * h * (t - c)) - a * b * ((t - a * h * (t - c)) - d) - t)
        ),
        example="t + g*(d + (1 - a*b)*(c + (1 - a*h)*(t - c) - d) - t)",
        slips=(
            Slip(
                "d + (1 - a*b)*(c + (1 - a*h)*(t - c) - d)",
                Words(
                    "That is where the two steps end: plain replay. The outer step goes `g` of the "
                    "way only.",
                    "那是两步的终点，即普通回放。外层更新只走这段路的 `g` 倍。",
                ),
            ),
            Slip(
                "t - g*a*(h*(t - c) + b*(t - d))",
                Words(
                    "Both gradients are taken at t: gradient descent on both at once. The second "
                    "one belongs where the first step has led.",
                    "两个梯度都在 t 处取：等于同时对二者做梯度下降。第二个梯度应在第一步的终点处取。",
                ),
            ),
            Slip(
                "t + g*(c + (1 - a*h)*(d + (1 - a*b)*(t - d) - c) - t)",
                Words(
                    "That is the other order, 2 before 1. It makes a difference of second order "
                    "in `a`.",
                    "那是另一种顺序，先 2 后 1。二者相差 `a` 的二阶项。",
                ),
            ),
            Slip(
                "t - g*(d + (1 - a*b)*(c + (1 - a*h)*(t - c) - d) - t)",
                Words(
                    "The sign: the outer step goes towards the end, not away from it.",
                    "符号反了：外层更新朝终点走，而不是远离它。",
                ),
            ),
        ),
        why=Words(
            "After example 1: t - a h (t - c). After example 2 from there; then t plus `g` times the "
            "way.",
            "先走样本 1：t - a h (t - c)；再从那里走样本 2；最后 t 加上这段路的 `g` 倍。",
        ),
        objective=Words("Write a step of meta-experience replay.", "写出元经验回放的一步。"),
        source=f"{RIEMER}, algorithm 6",
        answers=("B1",),
    ),
    Order(
        id="algorithm",
        title=Words("One round", "一轮"),
        stem=Words(
            "Put one round of meta-experience replay in the order of the paper.",
            "按论文中的顺序排列元经验回放的一轮。",
        ),
        steps=(
            Step(
                Words(
                    "A new labelled image comes out of the stream", "数据流送来一张有标签的新图像"
                ),
                Words("Without something new there is no round.", "没有新图像就没有新的一轮。"),
            ),
            Step(
                Words(
                    "Draw stored examples, and put the new one among them",
                    "抽取存下的样本，把新样本放入其中",
                ),
                Words(
                    "What to walk through has to be known before the first step.",
                    "走第一步之前，要先确定走过哪些样本。",
                ),
            ),
            Step(
                Words(
                    "Take one SGD step on each of them, one after the other",
                    "对其中每个样本依次走一步 SGD",
                ),
                Words(
                    "The inner loop: each gradient where the step before has led.",
                    "内循环：每个梯度都在上一步的终点处取。",
                ),
            ),
            Step(
                Words(
                    "Move θ a part of the way to where the steps have ended",
                    "把 θ 朝这些步的终点移动一部分",
                ),
                Words("Reptile's outer step.", "Reptile 的外层更新。"),
            ),
            Step(
                Words(
                    "Offer the new image to the memory by reservoir sampling",
                    "用蓄水池抽样把新图像交给记忆",
                ),
                Words(
                    "At the end: else the new image might be drawn in its own round as an old one.",
                    "放在最后：否则新图像可能在自己这一轮就被当作旧样本抽到。",
                ),
            ),
        ),
        objective=Words("Write meta-experience replay from memory.", "默写元经验回放。"),
        source=f"{RIEMER}, algorithm 6",
        answers=("B1",),
    ),
    Bug(
        id="off_by_one",
        title=Words("One too few", "少了一个"),
        stem=Words(
            "`keep` should return the positions (from 0) of a uniform sample of a stream. Each "
            "should be in it equally often. With 100 of 10000 nobody notices anything; with 2 of 5 "
            "position 2 is stored too often. Which line, and what instead?",
            "`keep` 应返回数据流均匀样本的位置（从 0 数起），每个位置入选的次数应相等。"
            "10000 中取 100 时谁也看不出问题；5 中取 2 时位置 2 被存得太多。哪一行错了，应换成什么？",
        ),
        code="""
import torch

def keep(n_items, capacity, generator):
    memory = []
    for n_seen in range(n_items):
        if len(memory) < capacity:
            memory.append(n_seen)
            continue
        slot = torch.randint(n_seen, (1,), generator=generator).item()
        if slot < capacity:
            memory[slot] = n_seen
    return memory
""",
        fixes=(
            Fix(
                10,
                "if slot <= capacity:",
                Words(
                    "Slots go from 0 to capacity - 1; this one points past the end.",
                    "位置从 0 到 capacity - 1；这样会越界。",
                ),
            ),
            Fix(
                9,
                "slot = torch.randint(capacity, (1,), generator=generator).item()",
                Words(
                    "Then every newcomer gets in, and early items fade exponentially.",
                    "这样每个新来者都会进入，早来的按指数规律消失。",
                ),
            ),
            Fix(
                5,
                "for n_seen in range(1, n_items + 1):",
                Words(
                    "The draws would be right, but what is stored are now numbers from 1, and not "
                    "positions from 0.",
                    "抽取是对的，但存下的变成从 1 开始的编号，而不是从 0 开始的位置。",
                ),
            ),
            Fix(
                6,
                "if len(memory) <= capacity:",
                Words("Then one too many is stored.", "这样会多存一个。"),
            ),
            Fix(
                9,
                "slot = torch.randint(n_seen + 1, (1,), generator=generator).item()",
                Words(
                    "The newcomer is number n_seen + 1, and with 2 of 5 the third one now is "
                    "refused in a third of all cases.",
                    "新来者是第 n_seen + 1 个；5 中取 2 时，第三个现在有三分之一的机会被拒绝。",
                ),
            ),
        ),
        works=keeps_all_alike,
        objective=Words("Find the off-by-one of reservoir sampling.", "找出蓄水池抽样的差一错误。"),
        source=VITTER,
        answers=("B1",),
    ),
    Single(
        id="hidden_by_size",
        title=Words("A test that sees nothing", "什么也看不见的测试"),
        stem=Words(
            "To test a reservoir, somebody lets 4000 streams of 500 items pass a memory for 100 and "
            "compares how often the first item is stored with 1/5. An off-by-one slips through. Why?",
            "为了测试蓄水池，有人让 4000 条各 500 项的数据流经过容量 100 的记忆，"
            "并把第一项被存的频率与 1/5 比较。差一错误没有被发现。为什么？",
        ),
        options=(
            Right(
                Words(
                    "It shifts that chance by about a hundredth of it, less than the noise",
                    "它只使该概率相对改变约百分之一，小于噪声",
                ),
                Words(
                    "One of 100 is lost at the first draw and nearly nothing later: 0.2 becomes "
                    "0.198, and the noise is 0.006. With 2 of 6 it is 0.2 in place of 0.333.",
                    "第一次抽取时每 100 个中丢一个，之后几乎不变：0.2 变为 0.198，而噪声是 0.006。"
                    "若 6 中取 2，则是 0.2 而不是 0.333。",
                ),
            ),
            Wrong(
                Words(
                    "The first item is always stored, whatever the random numbers are",
                    "无论随机数如何，第一项总会被存着",
                ),
                Words(
                    "It always gets in, but four hundred newcomers may take its place.",
                    "它总会进入，但后面四百个新来者都可能占据它的位置。",
                ),
            ),
            Wrong(
                Words(
                    "Four thousand streams are too many, so that the errors average out",
                    "四千条数据流太多，误差被平均掉了",
                ),
                Words(
                    "Averaging takes away noise, never a bias. More streams would help.",
                    "平均消除的是噪声，不是偏差。数据流越多越有利。",
                ),
            ),
            Wrong(
                Words(
                    "The generator was seeded, and so the result was no longer random",
                    "生成器设了种子，所以结果不再随机",
                ),
                Words(
                    "A seed makes the run repeatable; the numbers look as random as before.",
                    "种子只使运行可以重复，数看起来照样随机。",
                ),
            ),
        ),
        objective=Words("Choose sizes for which a test can fail.", "选择能让测试失败的规模。"),
        source="exercises/11_replay",
        answers=("B1",),
        points=1,
    ),
    Predict(
        id="alias",
        title=Words("One array for all", "共用一个数组"),
        stem=Words(
            "A loader fills the same array for every image. What is the value of the last line?",
            "加载器为每张图像填充同一个数组。最后一行的值是什么？",
        ),
        code="""
import torch

array = torch.zeros(2)
stored, copied, viewed = [], [], []
for n in range(3):
    array.fill_(n)
    stored.append(array)
    copied.append(array.clone())
    viewed.append(array[:1])
[int(x[0]) for x in stored], [int(x[0]) for x in copied], [int(x[0]) for x in viewed]
""",
        slips=(
            Slip(
                ([0, 1, 2], [0, 1, 2], [0, 1, 2]),
                Words(
                    "`stored` holds the same tensor three times, and that now holds 2.",
                    "`stored` 里三次都是同一个张量，它现在的值是 2。",
                ),
            ),
            Slip(
                ([2, 2, 2], [0, 1, 2], [0, 1, 2]),
                Words(
                    "A slice is a view: it looks into the same numbers as `array`.",
                    "切片是视图：它看到的就是 `array` 的数。",
                ),
            ),
            Slip(
                ([2, 2, 2], [2, 2, 2], [2, 2, 2]),
                Words(
                    "`clone` copies the numbers as they are at that moment.",
                    "`clone` 复制的是那一刻的数。",
                ),
            ),
        ),
        why=Words(
            "Three times the same tensor, and three views of it: all show what was filled in last. "
            "Only the copies remember.",
            "三次都是同一个张量，以及它的三个视图：显示的都是最后填入的值。只有副本记得过去。",
        ),
        objective=Words("Know when a stored tensor is a copy.", "知道存下的张量何时是副本。"),
        source="PyTorch documentation, Tensor.clone; exercises/11_replay",
        answers=("B1",),
        points=1,
    ),
    Match(
        id="remedies",
        title=Words("Remedies for forgetting", "对抗遗忘的办法"),
        stem=Words(
            "What does each method keep of the past?",
            "下列每种方法保留了过去的什么？",
        ),
        pairs=(
            Pair(
                Words("Experience replay", "经验回放"),
                Words("Some of the old examples", "一部分旧样本"),
                Words(
                    "Replay stores examples themselves and mixes them into new minibatches.",
                    "回放存下样本本身，再混入新的小批量。",
                ),
            ),
            Pair(
                Words("Elastic weight consolidation (EWC)", "弹性权重巩固（EWC）"),
                Words(
                    "The old weights, and how much each of them matters",
                    "旧的权重，以及每个权重的重要性",
                ),
                Words(
                    "EWC pulls every weight back to its old value, by its Fisher information.",
                    "EWC 按 Fisher 信息把每个权重拉回旧值。",
                ),
            ),
            Pair(
                Words("Distillation (learning without forgetting)", "蒸馏（学习而不遗忘）"),
                Words(
                    "What the old network says about the new images",
                    "旧网络对新图像的回答",
                ),
                Words(
                    "The old network is the teacher on new images; no old image is needed.",
                    "旧网络在新图像上当教师，不需要旧图像。",
                ),
            ),
            Pair(
                Words("Generative replay", "生成式回放"),
                Words(
                    "A second network that draws examples like the old ones",
                    "另一个网络，能画出像旧样本的样本",
                ),
                Words(
                    "Generative replay stores a generator in place of examples. It can leak them, "
                    "too.",
                    "生成式回放存的是生成器而不是样本，但它也可能泄露样本。",
                ),
            ),
            Pair(
                Words("Training anew on everything", "用全部数据重新训练"),
                Words("All of the old examples", "全部旧样本"),
                Words(
                    "The upper bound to compare with, where the data may be kept.",
                    "在允许保留数据时，这是用来比较的上限。",
                ),
            ),
        ),
        objective=Words("Tell apart what the remedies store.", "分清各种办法存的是什么。"),
        source="Kirkpatrick et al. 2017, arXiv 1612.00796; Li and Hoiem 2016, arXiv 1606.09282; "
        "Shin et al. 2017, arXiv 1705.08690",
        answers=("B1",),
    ),
    Single(
        id="no_old_data",
        title=Words("Weights pulled back", "把权重拉回去"),
        stem=Words(
            "Classes come in groups, one output for each class, and nobody says at test time which "
            "group an image is from. With a penalty on moving important weights (EWC) alone, the "
            "network answers with classes of the last group nearly always. Why does the penalty "
            "not help?",
            "类别一组一组到来，每类一个输出，测试时没有人说明图像属于哪一组。"
            "只用“重要权重少移动”的惩罚（EWC），网络几乎总是回答最后一组的类别。为什么惩罚不起作用？",
        ),
        options=(
            Wrong(
                Words(
                    "The Fisher information cannot be computed for networks that classify",
                    "分类网络的 Fisher 信息无法计算",
                ),
                Words(
                    "It can: squares of the gradients of the log-likelihood, averaged.",
                    "可以：对数似然梯度的平方取平均即可。",
                ),
            ),
            Wrong(
                Words(
                    "A penalty acts on the old weights, and by then they have been deleted",
                    "惩罚作用于旧权重，而那时它们已被删除",
                ),
                Words(
                    "EWC stores the old weights; that is what it pulls towards.",
                    "EWC 存着旧权重，正是要拉向它们。",
                ),
            ),
            Right(
                Words(
                    "No training example asks to tell an old class from a new one",
                    "没有一个训练样本要求区分旧类与新类",
                ),
                Words(
                    "In the last group's data the old classes are never right, so their outputs "
                    "only fall. A few old images make the comparison.",
                    "在最后一组数据里，旧类从来不是正确答案，它们的输出只会下降。"
                    "几张旧图像就提供了这种比较。",
                ),
            ),
            Wrong(
                Words(
                    "Its weight is always too small; large enough, it equals joint training",
                    "它的系数总是太小；足够大时就等于联合训练",
                ),
                Words(
                    "Large enough, nothing moves, and the new classes are not learned.",
                    "足够大时权重不动，新类也学不会。",
                ),
            ),
        ),
        objective=Words("Say what class-incremental learning needs.", "说明类别增量学习需要什么。"),
        source=SCENARIOS,
        answers=("B1",),
        points=1,
    ),
    Multi(
        id="privacy",
        title=Words("Patients in the memory", "记忆里的患者"),
        stem=Words(
            "A hospital wants to replay 200 stored images. Which statements are right?",
            "一家医院想回放 200 张存下的图像。哪些说法正确？",
        ),
        options=(
            Wrong(
                Words(
                    "Images of 28 by 28 pixels are anonymous, as nobody can be recognised in them",
                    "28 乘 28 像素的图像是匿名的，因为认不出人",
                ),
                Words(
                    "They can be linked: who has the original finds the small one. And small is not "
                    "a legal category.",
                    "可以关联：有原图的人就能找到小图。而且“小”不是法律上的类别。",
                ),
            ),
            Right(
                Words(
                    "A memory of patients' images is a data set: access, purpose and deletion apply",
                    "患者图像的记忆就是数据集：访问、用途和删除的规定都适用",
                ),
                Words(
                    "What the training data needs, its copy needs.",
                    "训练数据要遵守的，副本也要遵守。",
                ),
            ),
            Right(
                Words(
                    "A patient's request for deletion has to reach the memory as well",
                    "患者的删除请求也必须落实到记忆中",
                ),
                Words(
                    "So each stored item has to be traceable to its patient. What the weights have "
                    "learned is a question of its own.",
                    "所以每个存下的样本都要能追溯到患者。权重学到了什么，则是另一个问题。",
                ),
            ),
            Wrong(
                Words(
                    "Random sampling protects, because it is not known whose images are stored",
                    "随机抽样就有保护作用，因为不知道存了谁的图像",
                ),
                Words(
                    "Whoever reads the memory sees whose they are.",
                    "读到记忆的人就看到是谁的了。",
                ),
            ),
            Wrong(
                Words(
                    "Without a memory nothing of single patients remains in the system",
                    "没有记忆，系统里就不会留下任何个别患者的信息",
                ),
                Words(
                    "Weights can memorise single examples, and attacks can find out who took part. "
                    "Less is stored, not nothing.",
                    "权重可能记住个别样本，攻击可以查出谁参与过。存得少了，不等于没有。",
                ),
            ),
            Right(
                Words(
                    "A balanced memory raises the chance that a patient with a rare disease is in it",
                    "平衡记忆会提高罕见病患者的图像被存下的可能",
                ),
                Words(
                    "The very patients who are easiest to tell apart are stored most surely.",
                    "恰恰是最容易辨认的患者，最有可能被存下。",
                ),
            ),
        ),
        objective=Words(
            "Name the duties that come with stored images.", "说出存储图像带来的责任。"
        ),
        source=LESSON_FILE,
        answers=("B1",),
    ),
    Single(
        id="what_may_be_said",
        title=Words("Five orders of classes", "五种类别顺序"),
        stem=Words(
            "Over 5 runs, each with its own order of classes, a balanced memory ends 2 points above "
            "a reservoir; the 95 % interval of the paired difference is ±5. What may be said?",
            "在 5 次运行中（每次类别顺序不同），平衡记忆最后比蓄水池高 2 个百分点；"
            "配对差值的 95 % 区间是 ±5。可以怎么说？",
        ),
        options=(
            Wrong(
                Words(
                    "A balanced memory is better, since its mean accuracy is higher",
                    "平衡记忆更好，因为平均准确率更高",
                ),
                Words(
                    "With other orders of classes it may be the other way round: 0 is inside.",
                    "换一些类别顺序，结论可能相反：0 在区间之内。",
                ),
            ),
            Wrong(
                Words(
                    "Both are equally good, as the interval of the difference holds 0",
                    "二者一样好，因为差值区间包含 0",
                ),
                Words(
                    "So it holds 6. Not being shown different is not being shown equal.",
                    "区间也包含 6。没有证明不同，不等于证明了相同。",
                ),
            ),
            Right(
                Words(
                    "No difference is shown; between -3 and 7 points all is possible",
                    "没有显示出差别；-3 到 7 个百分点都有可能",
                ),
                Words(
                    "That is what the interval says. More orders would narrow it.",
                    "这就是区间的含义。更多的顺序会使它变窄。",
                ),
            ),
            Wrong(
                Words(
                    "Nothing, because each of the single runs has thousands of images",
                    "什么也不能说，因为每次运行都有数千张图像",
                ),
                Words(
                    "The images are many, the orders of classes are five: these count here.",
                    "图像很多，类别顺序只有五种：这里起作用的是后者。",
                ),
            ),
        ),
        objective=Words("Read an interval over few runs.", "解读少数几次运行的区间。"),
        source=LESSON_FILE,
        answers=("B1",),
        points=1,
    ),
)

CARDS = (
    Card(
        id="is_replay_meta_learning",
        prompt=Words(
            "Is experience replay meta-learning? Where do the two meet?",
            "经验回放是元学习吗？二者在哪里相遇？",
        ),
        rubric=(
            Words(
                "what replay does: stored examples mixed in, against forgetting or correlation",
                "回放做什么：混入存下的样本，对抗遗忘或相关性",
            ),
            Words(
                "why it is no meta-learning: one model, one loss, no outer objective",
                "为什么它不是元学习：一个模型、一个损失，没有外层目标",
            ),
            Words(
                "meta-experience replay: Reptile over a sequence of old and new examples",
                "元经验回放：在新旧样本序列上做 Reptile",
            ),
            Words(
                "why that helps in principle: gradients of different examples are aligned",
                "原理上为何有用：使不同样本的梯度方向一致",
            ),
            Words(
                "whether it does is measured, against plain replay",
                "是否有用要测量，与普通回放比较",
            ),
        ),
        model=Words(
            "No. Experience replay stores past examples and mixes some of them into each minibatch. "
            "In reinforcement learning that breaks the correlation of successive samples, in "
            "continual learning it fights forgetting. There is one model and one loss, and nothing "
            "is learned about learning. Meta-learning has an outer objective: how good is the "
            "learner after it has learned something more? Meta-experience replay joins the two. It "
            "takes SGD steps on old and new examples one by one and then moves the parameters a "
            "part of the way, as Reptile does. To second order this raises the scalar product of "
            "the gradients of different examples, so that learning one helps the others or at least "
            "does not harm them. Whether it pays is an empirical question: the comparison is plain "
            "replay with the same memory, and a learning rate tuned as well.",
            "不是。经验回放存下过去的样本，再把其中一些混入每个小批量。"
            "在强化学习中它打破相邻样本的相关性，在持续学习中它对抗遗忘。"
            "只有一个模型、一个损失，没有学到任何关于“学习”的东西。"
            "元学习有外层目标：学习器再学一点之后有多好？元经验回放把二者结合起来："
            "对新旧样本逐个走 SGD，再像 Reptile 那样把参数移动这段路的一部分。"
            "到二阶为止，这会增大不同样本梯度的内积，使学一个样本有助于其他样本，至少不损害它们。"
            "是否值得要靠实验：与之比较的是用同样记忆、学习率同样调好的普通回放。",
        ),
        source=RIEMER,
        answers=("B1",),
    ),
    Card(
        id="a_model_that_learns_on",
        prompt=Words(
            "A hospital wants its classifier to learn on, night after night. What do you propose?",
            "一家医院希望分类器每晚继续学习。你会怎么建议？",
        ),
        rubric=(
            Words(
                "asks why not train anew on everything now and then",
                "先问：为什么不定期用全部数据重新训练",
            ),
            Words(
                "a memory chosen for the drift: reservoir or balanced, not a queue",
                "按漂移选记忆：蓄水池或平衡记忆，不用队列",
            ),
            Words(
                "a fixed test set for every old class, looked at after each update",
                "为每个旧类固定测试集，每次更新后都看",
            ),
            Words("limits below which an update is not released", "设定界限，低于它就不发布更新"),
            Words(
                "patients' images in the memory: permission, deletion, no test patient",
                "记忆中的患者图像：许可、删除，且不含测试患者",
            ),
        ),
        model=Words(
            "First I ask whether it has to. If the data may be kept, training anew every few months "
            "is simple and is the upper bound. If not, I keep a memory: a reservoir if the stream "
            "is roughly balanced, a class-balanced one if rare diseases matter, never the last "
            "images only, because they are what is being learned anyway. Each update is tested on "
            "fixed test sets for all classes, old ones too, with no patient in both; the matrix of "
            "accuracies shows what was forgotten. An update that falls below agreed limits is not "
            "released, and the version before stays. The memory holds patients' images, so I need "
            "permission, a way to delete a patient, and I write down who is in it. And a model that "
            "changes is a changed medical device: the clinic has to agree how updates are approved.",
            "先问是否必须如此。如果数据可以保留，每隔几个月重新训练最简单，而且是上限。"
            "如果不行，就保留一个记忆：数据流大致平衡时用蓄水池，罕见病重要时用类别平衡的记忆，"
            "绝不能只存最近的图像，因为那正是在学的内容。"
            "每次更新都在所有类别（包括旧类）的固定测试集上检验，患者不得重叠；"
            "准确率矩阵显示忘记了什么。低于约定界限的更新不发布，保留上一版本。"
            "记忆里是患者的图像，所以需要许可，需要能删除某位患者，并记录存了谁。"
            "而且模型改变了就是医疗器械改变了：如何批准更新，要与临床约定。",
        ),
        source=LESSON_FILE,
        answers=("B1",),
    ),
    Card(
        id="prove_the_sampler",
        prompt=Words(
            "Explain reservoir sampling, and how you would test an implementation.",
            "解释蓄水池抽样，并说明你会怎样测试一个实现。",
        ),
        rubric=(
            Words(
                "fill first; then number i enters with probability k/i",
                "先填满；之后第 i 个以 k/i 的概率进入",
            ),
            Words(
                "a random stored item leaves; proof by induction",
                "随机一个被存的离开；用归纳法证明",
            ),
            Words(
                "test: inclusion frequencies against k/n, with a z bound of about 5",
                "测试：入选频率与 k/n 比较，z 的界约为 5",
            ),
            Words(
                "small capacity and short streams, where an off-by-one shows",
                "小容量、短数据流，差一错误才显现",
            ),
        ),
        model=Words(
            "The first k items are stored. From then on item number i draws a number below i; if it "
            "is one of the k slots, the item takes that slot. By induction each of i items is stored "
            "with probability k/i: the newcomer by its draw, an older one because it was in with "
            "k/(i-1) and leaves with 1/i. To test it I run some thousand short streams, say 6 items "
            "and room for 2, and compare how often each item is stored with 1/3. The standard "
            "deviation is sqrt(p(1-p)/runs), and I allow five of them. With a large memory an "
            "off-by-one moves the shares by less than the noise. And I check that it never "
            "overflows, that copies are stored, and that the generator alone decides.",
            "前 k 个直接存入。之后第 i 个抽一个小于 i 的数；如果是 k 个位置之一，就占据那个位置。"
            "用归纳法，i 个中的每一个都以 k/i 的概率被存：新来者由抽取决定；"
            "旧的以 k/(i-1) 的概率在内，又以 1/i 的概率离开。"
            "测试时我跑几千条短数据流，比如 6 项取 2，把每项被存的频率与 1/3 比较。"
            "标准差是 sqrt(p(1-p)/次数)，允许五倍。"
            "记忆很大时，差一错误引起的变化小于噪声。"
            "还要检查：从不溢出，存的是副本，结果只由生成器决定。",
        ),
        source=VITTER,
        answers=("B1",),
    ),
)
