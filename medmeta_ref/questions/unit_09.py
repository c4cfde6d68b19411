"""Interview questions of unit 09: ensembles, stacking, and networks that read slices."""

import math
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

LESSON = ("A2", "B5")
EXERCISES = {
    "average_probabilities": ("B5",),
    "log_opinion_pool": ("B5",),
    "ambiguity": ("B5",),
    "out_of_fold": ("B5",),
    "read_slices": ("B5",),
    "bug_lines": ("B5",),
    "reader_test": ("B5",),
}

POOLS = "Genest and Zidek 1986, Statistical Science 1"
KROGH = "Krogh and Vedelsby 1995, NIPS 7"
WOLPERT = "Wolpert 1992, Neural Networks 5"
LESSON_09 = "lessons/09_fusion_ensembles"


def geometric(first: float, second: float) -> float:
    """Return the pooled probability of class A, of two classes, by the mean of log-odds."""
    log_odds = [math.log(p / (1 - p)) for p in (first, second)]
    return 1 / (1 + math.exp(-sum(log_odds) / 2))


def error_of_the_mean(variance: float, correlation: float, n_models: int) -> float:
    """Return the variance of a mean of equally correlated errors, from their covariance matrix."""
    covariance = torch.full((n_models, n_models), variance * correlation, dtype=torch.float64)
    covariance.fill_diagonal_(variance)
    return float(covariance.mean())


def slices_shape(n_volumes: int, depth: int, height: int) -> tuple[int, ...]:
    """Return the shape that the CNN gets when all slices go through it at once."""
    volume = torch.zeros(n_volumes, 1, depth, height, height)
    return volume[:, 0].reshape(n_volumes * depth, 1, height, height).shape


def loss_is_that_of_the_pool(names: dict[str, Any]) -> bool:
    """Return whether the loss is minus the mean log of the averaged probabilities."""
    logits = torch.tensor(
        [[[2.0, 0.0, -1.0], [0.0, 1.0, 0.5]], [[-1.0, 1.0, 0.0], [3.0, 0.0, 1.0]]]
    )
    labels = torch.tensor([0, 2])
    members = [lambda _, each=each: each for each in logits]
    shares = [[math.exp(v) for v in row] for each in logits.tolist() for row in each]
    rows = [[v / sum(row) for v in row] for row in shares]
    at_label = [(rows[0][0] + rows[2][0]) / 2, (rows[1][2] + rows[3][2]) / 2]
    wanted = -sum(math.log(p) for p in at_label) / 2
    got = names["ensemble_loss"](members, torch.zeros(2), labels)
    return got.shape == () and math.isclose(float(got), wanted, rel_tol=1e-5)


QUESTIONS = (
    Single(
        id="guarantee",
        title=Words("What is guaranteed?", "保证了什么？"),
        stem=Words(
            'A text says: "A weighted average of several models gives a better prediction." What '
            "does a theorem really promise of the plain average of probabilities?",
            "有文章说：“对多个模型加权平均可以得到更好的预测。”"
            "对概率的简单平均，定理真正保证的是什么？",
        ),
        options=(
            Wrong(
                Words(
                    "Its accuracy is at least that of the best of its members",
                    "它的准确率不低于最好的成员",
                ),
                Words(
                    "Often true, never promised: two bad members outvote a good one.",
                    "常常如此，但没有保证：两个差的成员可以压倒一个好的。",
                ),
            ),
            Wrong(
                Words(
                    "Its accuracy is at least the mean accuracy of its members",
                    "它的准确率不低于各成员的平均准确率",
                ),
                Words(
                    "Accuracy is not convex in the probabilities. Take three scans of class A, on "
                    "each of which another member of three is right by a hair and two are just "
                    "wrong: members get 1/3 each, their mean gets 0.",
                    "准确率不是概率的凸函数。取三张 A 类图像，每张都只有一个成员（各不相同）勉强答对、"
                    "另两个略错：成员各得 1/3，平均却得 0。",
                ),
            ),
            Right(
                Words(
                    "Its negative log-likelihood is at most the mean over its members",
                    "它的负对数似然不高于各成员的平均值",
                ),
                Words(
                    "Minus the logarithm is convex, so Jensen's inequality holds on every example. "
                    "It compares with the mean member, not with the best.",
                    "负对数是凸函数，所以每个样本上都成立 Jensen 不等式。"
                    "它与平均成员比较，而不是与最好的成员比较。",
                ),
            ),
            Wrong(
                Words(
                    "Its calibration error is below that of every single member",
                    "它的校准误差低于每一个成员",
                ),
                Words(
                    "No such theorem: averaging makes probabilities softer, which hurts members "
                    "that were not too sure.",
                    "没有这样的定理：平均使概率更平缓，对本来就不过度自信的成员反而有害。",
                ),
            ),
        ),
        objective=Words("State Jensen's bound and its limits.", "说出 Jensen 界及其限度。"),
        source=f"{LESSON_09}; {POOLS}",
        answers=("A2", "B5"),
        points=1,
    ),
    Single(
        id="cnn_and_rnn",
        title=Words("CNN, RNN, modality", "CNN、RNN 与模态"),
        stem=Words(
            'A question bank says: "In multi-modal fusion, the outputs of a CNN and an RNN are '
            'combined." What is the matter with that?',
            "某题库说：“多模态融合就是把 CNN 和 RNN 的输出组合起来。”问题出在哪里？",
        ),
        options=(
            Right(
                Words(
                    "It takes kinds of networks for kinds of images",
                    "把网络的种类当成了图像的种类",
                ),
                Words(
                    "A modality is where data come from: CT, MRI, ECG, text. A CNN with a GRU that "
                    "reads the slices of one CT volume has two networks and one modality.",
                    "模态指数据的来源：CT、MRI、心电、文本。"
                    "CNN 加 GRU 读同一个 CT 体数据的切片，是两种网络、一种模态。",
                ),
            ),
            Wrong(
                Words(
                    "Nothing: two networks make it multi-modal",
                    "没有问题：两个网络就是多模态",
                ),
                Words(
                    "Then every ensemble would be multi-modal. Both networks may look at the very "
                    "same pixels.",
                    "那样的话任何集成都是多模态了。两个网络看的可能是同样的像素。",
                ),
            ),
            Wrong(
                Words(
                    "An RNN cannot be combined with a CNN at all",
                    "RNN 根本不能与 CNN 组合",
                ),
                Words(
                    "It can: slice features in, state out, and the gradient flows through both.",
                    "可以：输入切片特征，输出状态，梯度贯穿两者。",
                ),
            ),
            Wrong(
                Words(
                    "Outputs may not be fused, only inputs may",
                    "不能融合输出，只能融合输入",
                ),
                Words(
                    "Inputs, features and outputs can all be fused: early, intermediate and late "
                    "fusion.",
                    "输入、特征和输出都可以融合：早期、中期和晚期融合。",
                ),
            ),
        ),
        objective=Words(
            "Keep kinds of networks and kinds of data apart.", "区分网络种类与数据种类。"
        ),
        source=LESSON_09,
        answers=("B5",),
        points=1,
    ),
    Single(
        id="few_labels",
        title=Words("Sixteen validation images", "十六张验证图像"),
        stem=Words(
            "Five networks of one architecture differ in their seed only. You have 16 validation "
            "images. How do you weight them?",
            "五个网络结构相同，只是随机种子不同。你有 16 张验证图像。怎样给它们加权？",
        ),
        options=(
            Wrong(
                Words(
                    "By the weights with the lowest loss on the 16 images",
                    "取在这 16 张图像上损失最低的权重",
                ),
                Words(
                    "Among members that are nearly equal, 16 images mostly measure luck. The fitted "
                    "weights leave several members out, and with them their diversity.",
                    "成员相差无几时，16 张图像测到的主要是运气。"
                    "拟合的权重会丢掉好几个成员，也就丢掉了多样性。",
                ),
            ),
            Right(
                Words(
                    "All alike, and keep the 16 images for another decision",
                    "全部相等，把这 16 张图像留给别的决定",
                ),
                Words(
                    "There is little to learn and much to lose. Weights pay when members are "
                    "clearly unequal, or validation images many.",
                    "可学的很少，可失的很多。成员明显不等，或验证图像很多时，权重才值得学。",
                ),
            ),
            Wrong(
                Words(
                    "All to the one that is best on the 16 images",
                    "全部给在这 16 张图像上最好的那个",
                ),
                Words(
                    "That is the extreme case of fitted weights: the winner is lucky, and the "
                    "others could have corrected it.",
                    "这是拟合权重的极端情形：胜者靠运气，而其他成员本可以纠正它。",
                ),
            ),
            Wrong(
                Words(
                    "By the accuracy that each had on its training images",
                    "按各自在训练图像上的准确率",
                ),
                Words(
                    "That favours whoever learned by heart, and here it is 1 for all.",
                    "那会偏向死记硬背者，而且这里可能全都是 1。",
                ),
            ),
        ),
        objective=Words("Know when not to learn weights.", "知道何时不该学习权重。"),
        source=LESSON_09,
        answers=("B5",),
        points=1,
    ),
    Single(
        id="is_it_meta",
        title=Words("Is fusion meta-learning?", "融合是元学习吗？"),
        stem=Words(
            "Model fusion is often listed among the methods of meta-learning. What would you answer?",
            "模型融合常被列为元学习的方法之一。你会怎么回答？",
        ),
        options=(
            Wrong(
                Words(
                    "Yes: several models, so it learns about models",
                    "是：有多个模型，所以是在学习模型",
                ),
                Words(
                    "An average learns nothing, and no task is adapted to.",
                    "平均什么也没有学，也没有适应任何任务。",
                ),
            ),
            Wrong(
                Words(
                    "Yes: its weights are the initial parameters that MAML learns",
                    "是：它的权重就是 MAML 学到的初始参数",
                ),
                Words(
                    "Fusion weights say how much each model counts. MAML's start is a point in "
                    "parameter space.",
                    "融合权重表示每个模型占多少分量。MAML 的起点是参数空间里的一个点。",
                ),
            ),
            Wrong(
                Words(
                    "No: and stacking has never been called meta-learning either",
                    "不是：堆叠也从来没有被称为元学习",
                ),
                Words(
                    "It has: a learner on the outputs of learners is the classical use of the word "
                    "meta-learner.",
                    "其实有：在学习器输出之上再学习，正是“元学习器”一词的经典用法。",
                ),
            ),
            Right(
                Words(
                    "No: it is ensembling; stacking is meta in an older sense",
                    "不是：它是集成；堆叠是较早意义上的“元”",
                ),
                Words(
                    "The three usual families are metric-, model- and optimisation-based. Averages "
                    "are a tool beside them; a stacked combiner learns from learners, not across "
                    "tasks.",
                    "通常的三类是基于度量、基于模型、基于优化。"
                    "平均是它们旁边的工具；堆叠的组合器向学习器学习，而不是跨任务学习。",
                ),
            ),
        ),
        objective=Words("Place fusion beside meta-learning.", "说清融合与元学习的关系。"),
        source="Hospedales et al. 2022, arXiv 2004.05439; Wolpert 1992",
        answers=("A2", "B5"),
        points=1,
    ),
    Single(
        id="combiner_leak",
        title=Words("A combiner goes wrong", "组合器出了错"),
        stem=Words(
            "A nearest-neighbour classifier and a CNN are stacked. The combiner is fitted on what "
            "both answer to their own training images. What does it learn?",
            "把最近邻分类器和 CNN 堆叠起来，组合器用两者对自己训练图像的回答来拟合。它会学到什么？",
        ),
        options=(
            Wrong(
                Words(
                    "To trust both alike, since both were trained",
                    "同样信任两者，因为都训练过",
                ),
                Words(
                    "It sees one that is always right and one that is not.",
                    "它看到的是：一个永远正确，另一个不是。",
                ),
            ),
            Wrong(
                Words(
                    "To trust the CNN, since it generalises better",
                    "信任 CNN，因为它泛化更好",
                ),
                Words(
                    "Generalisation cannot be seen on training images. That is what folds are for.",
                    "在训练图像上看不到泛化能力。折的作用正在于此。",
                ),
            ),
            Right(
                Words(
                    "To trust the neighbour, which is its own image here",
                    "信任最近邻，而它在这里就是图像自己",
                ),
                Words(
                    "On its own training images the nearest neighbour is never wrong. Out of fold "
                    "it is as wrong as on new patients.",
                    "在自己的训练图像上，最近邻从不出错。换成折外预测，它的错误就与新患者上一样多。",
                ),
            ),
            Wrong(
                Words(
                    "Nothing, because its loss can have no gradient",
                    "什么也学不到，因为损失没有梯度",
                ),
                Words(
                    "The combiner trains very well: that is what makes the leak so quiet.",
                    "组合器训练得非常顺利：所以这种泄漏才不易察觉。",
                ),
            ),
        ),
        objective=Words("Explain why stacking needs folds.", "解释堆叠为什么需要折。"),
        source=f"{WOLPERT}; {LESSON_09}",
        answers=("B5",),
        points=1,
    ),
    Numeric(
        id="two_pools",
        title=Words("The geometric pool by hand", "手算几何平均池"),
        stem=Words(
            "Two classes. One network gives class A the probability {first}, the other {second}. "
            "What does the logarithmic pool with equal weights give class A?",
            "两个类别。一个网络给 A 类的概率是 {first}，另一个是 {second}。"
            "等权重的对数意见池给 A 类多少？",
        ),
        given={"first": (0.9, 0.95, 0.98, 0.99), "second": (0.2, 0.3, 0.4)},
        key=geometric,
        slips=(
            Slip(
                lambda first, second: (first + second) / 2,
                Words(
                    "That is the arithmetic pool, the mean of {first} and {second}.",
                    "那是算术平均池，即 {first} 与 {second} 的均值。",
                ),
            ),
            Slip(
                lambda first, second: math.sqrt(first * second),
                Words(
                    "Not normalised: class B gets the root of its product, too, and both must sum "
                    "to 1.",
                    "没有归一化：B 类也要取乘积的平方根，两者之和必须为 1。",
                ),
            ),
            Slip(
                lambda first, second: (
                    first * second / (first * second + (1 - first) * (1 - second))
                ),
                Words(
                    "That multiplies without the root, as if the networks were independent "
                    "witnesses: surer than either should make you.",
                    "那是不开方的乘积，等于把两个网络当成独立的证人：过于自信。",
                ),
            ),
        ),
        why=Words(
            "Average the log-odds of {first} and {second} and turn them back: {key}.",
            "把 {first} 与 {second} 的对数几率取平均，再变回概率：{key}。",
        ),
        objective=Words("Tell the two pools apart by a number.", "用一个数区分两种池。"),
        source=POOLS,
        answers=("B5",),
    ),
    Numeric(
        id="correlated_errors",
        title=Words("Errors that resemble each other", "彼此相似的误差"),
        stem=Words(
            "{n_models} networks estimate a volume. Each error has mean 0 and variance {variance}; "
            "any two errors have the correlation {correlation}. What is the variance of the error "
            "of the networks' plain mean?",
            "{n_models} 个网络估计一个体积。每个误差均值为 0、方差为 {variance}；"
            "任意两个误差的相关系数是 {correlation}。它们简单平均的误差方差是多少？",
        ),
        given={"n_models": (4, 5, 8, 10), "variance": (2, 3, 6), "correlation": (0.25, 0.4, 0.6)},
        key=error_of_the_mean,
        slips=(
            Slip(
                lambda n_models, variance, correlation: variance / n_models,
                Words(
                    "That would hold for independent errors. Networks trained on the same images "
                    "make the same mistakes, here with correlation {correlation}.",
                    "那是误差独立时的结果。用同样图像训练的网络会犯同样的错，"
                    "这里相关系数为 {correlation}。",
                ),
            ),
            Slip(
                lambda n_models, variance, correlation: variance * correlation,
                Words(
                    "That is the limit for endlessly many networks; there are {n_models}.",
                    "那是网络无穷多时的极限；这里只有 {n_models} 个。",
                ),
            ),
            Slip(
                lambda n_models, variance, correlation: variance,
                Words(
                    "That is one network's; the mean has less unless all errors are the same.",
                    "那是单个网络的方差；除非误差完全相同，平均后的方差更小。",
                ),
            ),
        ),
        why=Words(
            "What is shared stays, the rest is divided: {variance} · ({correlation} + (1 - "
            "{correlation}) / {n_models}) = {key}.",
            "共有的部分不变，其余的除以个数：{variance} ·（{correlation} +（1 - {correlation}）"
            "/ {n_models}）= {key}。",
        ),
        objective=Words(
            "Say why the tenth network hardly helps.", "说明第十个网络为什么帮助不大。"
        ),
        source=f"{KROGH}; solutions/09_fusion_ensembles",
        answers=("B5",),
    ),
    Formula(
        id="two_members",
        title=Words("What two members gain", "两个成员的收益"),
        stem=Words(
            "Two members predict `f` and `g`, with the weights `w` and 1 - `w`. By how much is the "
            "squared error of their weighted mean below the weighted mean of their squared errors?",
            "两个成员分别预测 `f` 和 `g`，权重为 `w` 和 1 - `w`。"
            "加权平均的平方误差比平方误差的加权平均低多少？",
        ),
        variables={"f": (-3, 3), "g": (-3, 3), "w": (0, 1)},
        # With the target at 0: the answer is the same for all targets.
        key=lambda f, g, w: w * f**2 + (1 - w) * g**2 - (w * f + (1 - w) * g) ** 2,
        example="w * (1 - w) * (f - g) ** 2",
        slips=(
            Slip(
                "(f - g) ** 2",
                Words(
                    "The weights are missing: with w = 0 there is only one member and no gain.",
                    "漏了权重：w = 0 时只剩一个成员，没有收益。",
                ),
            ),
            Slip(
                "(f - g) ** 2 / 4",
                Words(
                    "Right for w = 1/2 only; in general 1/4 becomes w (1 - w).",
                    "只在 w = 1/2 时对；一般情况下 1/4 变成 w (1 - w)。",
                ),
            ),
            Slip(
                "w * (1 - w) * (f - g)",
                Words(
                    "Squared errors gain a square: a difference of either sign helps.",
                    "平方误差的收益是平方：差的正负无关。",
                ),
            ),
        ),
        why=Words(
            "The members stand (1 - w)(f - g) and -w (f - g) from their mean; the weighted mean of "
            "the squares is w (1 - w) (f - g)². No target in it.",
            "成员与均值相差 (1 - w)(f - g) 和 -w (f - g)；平方的加权平均为 w (1 - w) (f - g)²，"
            "其中没有目标值。",
        ),
        objective=Words("Derive the ambiguity of two members.", "推导两个成员的歧义度。"),
        source=f"{KROGH}, equation 6",
        answers=("B5",),
        points=1,
    ),
    Shape(
        id="slices",
        title=Words("What the CNN gets", "CNN 得到的形状"),
        stem=Words(
            "{n_volumes} CT volumes of {depth} slices, each {height} x {height}, one channel, go "
            "through a 2-D CNN slice by slice, all at once; a GRU reads the features afterwards. "
            "What is the shape of the CNN's input?",
            "{n_volumes} 个 CT 体数据，各有 {depth} 张切片，每张 {height} x {height}，单通道，"
            "一次性逐切片通过 2-D CNN，之后由 GRU 读取特征。CNN 输入的形状是什么？",
        ),
        given={"n_volumes": (4, 8, 16), "depth": (12, 20, 28), "height": (28, 32, 64)},
        key=slices_shape,
        slips=(
            Slip(
                lambda n_volumes, depth, height: (n_volumes, depth, height, height),
                Words(
                    "There the slices are channels: one convolution would mix all of them, and the "
                    "GRU would have no sequence to read.",
                    "那样切片成了通道：一次卷积就把它们混在一起，GRU 没有序列可读。",
                ),
            ),
            Slip(
                lambda n_volumes, depth, height: (n_volumes, 1, depth, height, height),
                Words(
                    "That is what a 3-D CNN takes. A 2-D CNN takes `[n, channels, height, width]`.",
                    "那是 3-D CNN 的输入。2-D CNN 要 `[n, channels, height, width]`。",
                ),
            ),
            Slip(
                lambda n_volumes, depth, height: (depth, n_volumes, height, height),
                Words(
                    "Volumes are no channels either; every slice is an image of its own.",
                    "体数据也不是通道；每张切片都是单独的图像。",
                ),
            ),
        ),
        why=Words(
            "Every slice is an image with one channel: {key}. Reshape the features back to volumes "
            "before the GRU.",
            "每张切片都是单通道图像：{key}。进入 GRU 之前再把特征变回按体数据排列。",
        ),
        objective=Words("Follow shapes through CNN and GRU.", "跟踪 CNN 与 GRU 中的形状。"),
        source="medmeta_ref/views.py",
        answers=("B5",),
        points=1,
    ),
    Predict(
        id="vote_or_mean",
        title=Words("Majority or mean", "多数还是平均"),
        stem=Words("What is the value of the last line?", "最后一行的值是什么？"),
        code="""
import torch

members = torch.tensor([[0.6, 0.4], [0.6, 0.4], [0.0, 1.0]])  # one scan, two classes
votes = members.argmax(1)
mean = members.mean(0)
geometric = members.log().mean(0).softmax(0)
votes.mode().values.item(), mean.argmax().item(), geometric[1].item()
""",
        slips=(
            Slip(
                (0, 0, 1.0),
                Words(
                    "The mean of class 1 is 1.8 / 3 = 0.6: one sure member outweighs two that "
                    "hardly care.",
                    "类别 1 的均值是 1.8 / 3 = 0.6：一个很确定的成员压过了两个不太在意的成员。",
                ),
            ),
            Slip(
                (0, 1, 0.6),
                Words(
                    "0.6 is the arithmetic mean. In the geometric one the 0 is a veto.",
                    "0.6 是算术平均。在几何平均里，0 就是否决。",
                ),
            ),
            Slip(
                (1, 1, 1.0),
                Words(
                    "Two of three members prefer class 0, if only just: that is the majority.",
                    "三个成员里有两个（尽管只是勉强）倾向类别 0：这就是多数。",
                ),
            ),
        ),
        why=Words(
            "Two of three vote 0. The mean is (0.4, 0.6), so 1. And log 0 is minus infinity: the "
            "third member alone rules class 0 out, which leaves 1.0 for class 1.",
            "三票中两票投 0。均值是 (0.4, 0.6)，所以是 1。而 log 0 是负无穷："
            "第三个成员单独就否决了类别 0，类别 1 得到 1.0。",
        ),
        objective=Words("Foresee where fusion rules part.", "预见不同融合规则何时分道扬镳。"),
        source=LESSON_09,
        answers=("B5",),
    ),
    Bug(
        id="softmax_again",
        title=Words("A loss that never falls", "降不下去的损失"),
        stem=Words(
            "An ensemble is trained end to end. Its loss should be the negative log-likelihood of "
            "the averaged probabilities. With eight classes it never falls below 1.27, however sure "
            "and right the members are.",
            "端到端训练一个集成。损失应是平均概率的负对数似然。"
            "有八个类别时，无论成员多么确定、多么正确，损失都不会低于 1.27。",
        ),
        code="""
import torch
import torch.nn.functional as F

def ensemble_loss(members, x, labels):
    logits = torch.stack([member(x) for member in members])
    probabilities = logits.softmax(2)
    fused = probabilities.mean(0)
    return F.cross_entropy(fused, labels)
""",
        fixes=(
            Fix(
                6,
                "probabilities = logits.log_softmax(2)",
                Words(
                    "Then the logarithms are averaged: the loss of the geometric pool, not of the "
                    "mean of the probabilities.",
                    "那样平均的是对数：得到几何平均池的损失，而不是概率均值的损失。",
                ),
            ),
            Fix(
                6,
                "probabilities = logits",
                Words(
                    "One softmax at last, but that averages logits: the geometric pool.",
                    "这下只剩一次 softmax，但平均的是 logits：几何平均池。",
                ),
            ),
            Fix(
                8,
                "return F.nll_loss(fused.log(), labels)",
                Words(
                    "The fused rows are probabilities already: only their logarithm is missing. "
                    "F.cross_entropy would take a softmax once more.",
                    "融合后的行已经是概率，只差取对数。F.cross_entropy 会再做一次 softmax。",
                ),
            ),
            Fix(
                8,
                "return F.nll_loss(fused, labels)",
                Words(
                    "Without the logarithm that is minus the mean probability, and negative.",
                    "没有取对数，就成了平均概率的相反数，是负的。",
                ),
            ),
            Fix(
                7,
                "fused = probabilities.sum(0)",
                Words(
                    "Sharper, but still a softmax of probabilities.",
                    "更尖锐一些，但仍是对概率做 softmax。",
                ),
            ),
        ),
        works=loss_is_that_of_the_pool,
        objective=Words("Find a softmax that is taken twice.", "找出多做了一次的 softmax。"),
        source=LESSON_09,
        answers=("B5",),
    ),
    Order(
        id="stacking_steps",
        title=Words("Stacking, step by step", "堆叠的步骤"),
        stem=Words(
            "Put the steps of honest stacking in order.",
            "把正确的堆叠步骤按先后排好。",
        ),
        steps=(
            Step(
                Words(
                    "Cut the training patients into folds",
                    "把训练患者分成若干折",
                ),
                Words(
                    "Patients, not images: two images of one patient in two folds are a leak.",
                    "按患者而不是按图像分：同一患者的图像落在两折里就是泄漏。",
                ),
            ),
            Step(
                Words(
                    "Train every member on all folds but one",
                    "每个成员在除一折外的所有折上训练",
                ),
                Words("Each fold is left out once.", "每一折都要被留出一次。"),
            ),
            Step(
                Words(
                    "Let these members answer the fold that they did not see",
                    "让这些成员回答自己没见过的那一折",
                ),
                Words(
                    "So every training image gets an answer by somebody who does not know it.",
                    "这样每张训练图像都得到“没见过它的成员”的回答。",
                ),
            ),
            Step(
                Words(
                    "Fit the combiner on these answers",
                    "用这些回答拟合组合器",
                ),
                Words(
                    "Now the combiner sees the members as they are on new images.",
                    "此时组合器看到的成员表现与面对新图像时一样。",
                ),
            ),
            Step(
                Words(
                    "Train the members once more, on all folds",
                    "用全部折重新训练各成员",
                ),
                Words(
                    "The members that are used may know all of the training data.",
                    "实际使用的成员可以用上全部训练数据。",
                ),
            ),
            Step(
                Words(
                    "Judge members and combiner together on test patients",
                    "在测试患者上一起评估成员与组合器",
                ),
                Words("The test set is opened once, last.", "测试集最后打开，而且只打开一次。"),
            ),
        ),
        objective=Words("Tell stacking without a leak.", "讲清没有泄漏的堆叠。"),
        source=WOLPERT,
        answers=("B5",),
    ),
    Match(
        id="where_fused",
        title=Words("Where is it fused?", "在哪里融合？"),
        stem=Words(
            "What is each of these kinds of fusion called?",
            "下面各种融合分别叫什么？",
        ),
        pairs=(
            Pair(
                Words(
                    "CT and MRI, registered, become the channels of one image",
                    "配准后的 CT 与 MRI 作为同一图像的通道",
                ),
                Words("Early fusion", "早期融合"),
                Words("Inputs are joined before any network.", "在任何网络之前就合并输入。"),
            ),
            Pair(
                Words(
                    "The features of two encoders meet in a common head",
                    "两个编码器的特征汇入共同的分类头",
                ),
                Words("Intermediate fusion", "中期融合"),
                Words(
                    "Features are joined; one head is trained on both.", "合并特征；一个分类头。"
                ),
            ),
            Pair(
                Words(
                    "The probabilities of two finished models are averaged",
                    "对两个训练好的模型的概率取平均",
                ),
                Words("Late fusion", "晚期融合"),
                Words(
                    "Only outputs meet; a missing one can be left out.", "只合并输出；缺一个也行。"
                ),
            ),
            Pair(
                Words(
                    "A regression is fitted on the models' outputs out of fold",
                    "用折外输出拟合一个回归",
                ),
                Words("Stacking", "堆叠"),
                Words(
                    "The combiner is learned, on answers to unseen images.", "组合器是学出来的。"
                ),
            ),
            Pair(
                Words(
                    "The parameters of two fine-tuned models with one start are averaged",
                    "对起点相同的两个微调模型的参数取平均",
                ),
                Words("Weight averaging", "权重平均"),
                Words(
                    "One network remains. It works for models that began at the same point; those "
                    "of other seeds have their units in another order.",
                    "只剩一个网络。起点相同的模型才行；种子不同的模型，其单元次序也不同。",
                ),
            ),
        ),
        objective=Words("Name the places where one can fuse.", "说出可以融合的位置。"),
        source="Wortsman et al. 2022, arXiv 2203.05482 (weight averaging); medmeta_ref/fusion.py",
        answers=("A2", "B5"),
    ),
    Multi(
        id="cheaper",
        title=Words("Five times the price", "五倍的代价"),
        stem=Words(
            "An ensemble of five equal networks is too slow for the clinic's computer. Which of "
            "these lower the mean number of operations per scan?",
            "五个同样网络的集成在诊所的电脑上太慢。下列哪些做法会减少每张图像的平均运算量？",
        ),
        options=(
            Right(
                Words(
                    "One network is distilled from the ensemble's averages",
                    "用集成的平均输出蒸馏出一个网络",
                ),
                Words(
                    "One network runs where five did; how much of the gain it keeps has to be "
                    "measured.",
                    "原来跑五个，现在跑一个；能保留多少收益需要测量。",
                ),
            ),
            Wrong(
                Words(
                    "Logits are averaged in place of probabilities",
                    "改为平均 logits 而不是概率",
                ),
                Words("All five still run.", "五个仍然都要运行。"),
            ),
            Right(
                Words(
                    "The other four are asked only if the first is unsure",
                    "只有第一个不确定时才问另外四个",
                ),
                Words(
                    "Sure scans cost one network. The threshold is set on validation data.",
                    "有把握的图像只花一个网络的代价。阈值在验证数据上确定。",
                ),
            ),
            Right(
                Words(
                    "The five share their first layers, which are run once",
                    "五个网络共用前几层，前几层只算一次",
                ),
                Words(
                    "What is shared is paid for once. It also makes the members more alike.",
                    "共用的部分只付一次代价。但成员也会因此更相似。",
                ),
            ),
            Wrong(
                Words(
                    "The weights of the five are learned with softmax shares",
                    "用 softmax 份额学习五个网络的权重",
                ),
                Words(
                    "Shares of a softmax are never 0: every member still runs.",
                    "softmax 份额从不为 0：每个成员仍要运行。",
                ),
            ),
            Wrong(
                Words(
                    "A majority vote replaces the average of the five",
                    "用多数投票代替五个的平均",
                ),
                Words(
                    "All five are asked before their votes are counted.",
                    "五个都要先回答，然后才计票。",
                ),
            ),
        ),
        objective=Words("Know what an ensemble costs in use.", "知道集成在使用时的代价。"),
        source=f"{LESSON_09}; lessons/03_distillation",
        answers=("B5",),
        points=1,
    ),
)

CARDS = (
    Card(
        id="ct_stack",
        prompt=Words(
            "How would you combine a CNN and an RNN for CT stacks of unequal length, and what would "
            "you check before you believe it?",
            "对张数不等的 CT 切片，你怎样把 CNN 和 RNN 结合起来？在相信它之前要检查什么？",
        ),
        rubric=(
            Words(
                "one 2-D CNN for every slice, a GRU over the features in order",
                "同一个 2-D CNN 处理每张切片，GRU 按顺序读取特征",
            ),
            Words(
                "padding masked before the network, the state of the real last slice",
                "在网络之前屏蔽填充，取真正最后一张切片的状态",
            ),
            Words(
                "tests: padding, company and order of slices",
                "测试：填充、同批样本和切片顺序的影响",
            ),
            Words(
                "rivals: mean over slices, a 3-D CNN; split by patient, intervals",
                "对照：切片平均、3-D CNN；按患者划分，给出区间",
            ),
        ),
        model=Words(
            "A small 2-D CNN turns every slice into features, the same CNN for all; a GRU reads them "
            "from one end to the other, and the state after the last real slice is classified. "
            "Padding is filled with zeros before the CNN and passed over by the GRU. I test that "
            "padding and neighbours in the batch change nothing, and that the order does. Then I "
            "compare with the mean over slices, which cannot see order, and with a 3-D CNN, on the "
            "same patients, with an interval of the difference. If the mean does as well, the order "
            "carried nothing that the data could show.",
            "一个小的 2-D CNN 把每张切片变成特征，所有切片共用；GRU 从一端读到另一端，"
            "对最后一张真实切片之后的状态做分类。填充在进入 CNN 之前置零，GRU 跳过它。"
            "我会测试：填充和同批的其他样本不影响结果，而切片顺序会影响。"
            "然后与看不到顺序的切片平均以及 3-D CNN 在同样的患者上比较，并给出差值的区间。"
            "如果平均同样好，说明顺序没有带来数据能证明的好处。",
        ),
        source="medmeta_ref/views.py; lessons/09_fusion_ensembles",
        answers=("B5",),
    ),
    Card(
        id="too_good",
        prompt=Words(
            "A stacked ensemble has 99 % in validation and 85 % at the next hospital. Where do you "
            "look?",
            "堆叠集成在验证中有 99 %，到了下一家医院只有 85 %。你从哪里查起？",
        ),
        rubric=(
            Words("was the combiner fitted on out-of-fold answers?", "组合器是否用折外预测拟合？"),
            Words("are folds made of patients?", "折是否按患者划分？"),
            Words("control: shuffled labels must give chance", "对照：打乱标签后必须是随机水平"),
            Words(
                "was the validation set used to choose members or weights?",
                "验证集是否被用来挑选成员或权重？",
            ),
            Words(
                "and the other hospital really differs: members, too, against theirs",
                "另一家医院确实不同：也要逐个看成员的表现",
            ),
        ),
        model=Words(
            "First the leak: a combiner fitted on the members' answers to their own training images "
            "trusts whoever learned by heart. I fit it out of fold and look whether the 99 % stay. "
            "Then the folds: with images of one patient on both sides they are no folds. As a "
            "control I shuffle the labels; anything above chance is a leak. Then I ask what the "
            "validation set has decided, for members chosen on it look too good on it. Last, the new "
            "hospital may differ: I look at each member there, and at weights that are all equal.",
            "先查泄漏：用成员对自己训练图像的回答拟合的组合器，会信任死记硬背者。"
            "我改用折外预测，看 99 % 是否还在。再查折：同一患者的图像分在两边就不算折。"
            "作为对照打乱标签，高于随机水平就是泄漏。然后问验证集决定过什么："
            "在它上面挑选出的成员在它上面必然显得太好。最后，新医院可能确实不同："
            "我逐个看成员在那里的表现，并与等权重比较。",
        ),
        source=f"{WOLPERT}; {LESSON_09}",
        answers=("B5",),
    ),
    Card(
        id="worth_it",
        prompt=Words(
            "When is an ensemble worth five times the computing, and when is it not?",
            "什么时候集成值得付出五倍的计算量？什么时候不值得？",
        ),
        rubric=(
            Words(
                "gain is bounded by disagreement: the ambiguity",
                "收益以分歧（歧义度）为限",
            ),
            Words(
                "errors that are shared stay, however many members",
                "共同的误差不会消失，成员再多也一样",
            ),
            Words(
                "the gain with its interval, on the metric that matters",
                "在关心的指标上给出收益及其区间",
            ),
            Words(
                "distil, or ask the others only in doubt",
                "可以蒸馏，或只在不确定时再问其他成员",
            ),
        ),
        model=Words(
            "It pays where members disagree for reasons of their own, small data or different "
            "architectures, and where probabilities are used, because loss and calibration gain "
            "more than accuracy. What all members get wrong stays wrong: the second five networks "
            "bring less than the first. I measure the gain, paired and with an interval, against the "
            "best member chosen on validation data, and against one larger network of the same "
            "price. If the clinic's computer is the limit, I distil the ensemble, or ask its other "
            "members only when the first is unsure.",
            "当成员因各自的原因（数据少、结构不同）而有分歧，并且要用到概率时，集成才划算，"
            "因为损失和校准的收益大于准确率。所有成员都错的地方仍然错：后五个网络的收益小于前五个。"
            "我用配对差及其区间衡量收益，对照是验证集上选出的最佳成员，以及同样代价的一个更大网络。"
            "如果受限于诊所的电脑，就蒸馏，或只在第一个成员不确定时再问其他成员。",
        ),
        source=f"{KROGH}; {LESSON_09}",
        answers=("A2", "B5"),
    ),
)
