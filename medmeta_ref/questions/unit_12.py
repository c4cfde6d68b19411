"""Interview questions of unit 12: wrong labels, damage, outliers."""

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
    Single,
    Slip,
    Step,
    Words,
    Wrong,
)

LESSON = ("B2",)
EXERCISES = {
    "flip_labels": ("B2",),
    "corrupt": ("B2",),
    "generalised_cross_entropy": ("B2",),
    "trimmed_centre": ("B2",),
    "geometric_median": ("B2",),
    "outlier_auroc": ("B2",),
    "bug_lines": ("B2",),
    "flip_test": ("B2",),
}

ZHANG = "Zhang and Sabuncu 2018, arXiv 1805.07836"
NEGATIVE = "Goldblum et al. 2020, NeurIPS; Guo et al. 2020, arXiv 1912.07200"


def largest_loss(q: float) -> float:
    """Return the loss of a label that the network gives probability 0."""
    return (1 - math.pow(0.0, q)) / q


def share_wrong(rate: float, n_classes: int) -> float:
    """Return the share of wrong labels, counted over all equally likely draws."""
    draws = [(old, new) for old in range(n_classes) for new in range(n_classes)]
    return rate * sum(old != new for old, new in draws) / len(draws)


def accuracy_seen(accuracy: float, rate: float, n_way: int) -> float:
    """Return the accuracy that is measured with wrong query labels."""
    hit_by_luck = (1 - accuracy) * rate / (n_way - 1)
    return accuracy * (1 - rate) + hit_by_luck


def slope_at_the_label(p: float, q: float) -> float:
    """Return the slope of (1 - p^q) / q in the label's own logit, by autograd."""
    logits = torch.tensor([math.log(p / (1 - p)), 0.0], dtype=torch.float64, requires_grad=True)
    loss = (1 - logits.softmax(0)[0] ** q) / q
    [slope] = torch.autograd.grad(loss, logits)
    return float(slope[0])


def judges_by_the_truth(names: dict[str, Any]) -> bool:
    """Return whether training sees wrong labels, and the test does not."""
    labels = [0, 1] * 20
    seen: list[int] = []

    def fit(images: list[int], given: list[int]) -> None:
        seen[:] = given

    def flip(given: list[int], rate: float) -> list[int]:
        return [1 - y if n % 10 < 10 * rate else y for n, y in enumerate(given)]

    def perfect(model: None, images: list[int], given: list[int]) -> float:
        # Right where it is to be asked, so that asking about training images shows.
        return _share_equal([labels[i] if i >= 20 else 0 for i in images], given)

    def always_0(model: None, images: list[int], given: list[int]) -> float:
        return _share_equal([0] * len(images), given)

    images = list(range(40))
    got = [names["measure"](fit, flip, each, images, labels, 0.3) for each in (perfect, always_0)]
    n_spoilt = sum(a != b for a, b in zip(seen, labels, strict=False))
    return got == [1.0, 0.5] and len(seen) == 20 and n_spoilt == 6


def _share_equal(answers: list[int], given: list[int]) -> float:
    return sum(a == y for a, y in zip(answers, given, strict=True)) / len(given)


QUESTIONS = (
    Single(
        id="robust_by_default",
        title=Words("Robust by itself?", "天生就鲁棒吗？"),
        stem=Words(
            'A text says: "Meta-learning makes models more robust to noise, outliers and abnormal '
            'cases." What do measurements say?',
            "有文章说：“元学习使模型对噪声、离群点和异常情况更鲁棒。”实测结果怎么说？",
        ),
        options=(
            Wrong(
                Words(
                    "True: whoever has seen many tasks has seen many kinds of noise, too",
                    "对：见过许多任务，也就见过许多种噪声",
                ),
                Words(
                    "Base classes are usually clean and from one source. What training never showed "
                    "it, the network had no reason to learn.",
                    "基类数据通常干净且来源单一。训练中没出现过的东西，网络没有理由学会。",
                ),
            ),
            Wrong(
                Words(
                    "True for outliers, since a few support examples contain hardly any",
                    "对离群点成立，因为少量支持样本里几乎没有离群点",
                ),
                Words(
                    "On the contrary: with few examples a single wrong one is a large share of them.",
                    "恰恰相反：样本少时，一个错误样本就占很大比例。",
                ),
            ),
            Right(
                Words(
                    "Not by default: few-shot learners proved very vulnerable to attacks and shift",
                    "默认并不成立：少样本学习器对攻击和分布偏移很脆弱",
                ),
                Words(
                    "Goldblum et al. found them highly vulnerable to adversarial examples; in Guo "
                    "et al. all meta-learning methods fell behind simple fine-tuning under shift.",
                    "Goldblum 等发现它们对对抗样本非常脆弱；Guo 等发现在分布偏移下，"
                    "所有元学习方法都不如简单微调。",
                ),
            ),
            Wrong(
                Words(
                    "False: every few-shot learner is worse than random weights under any noise",
                    "错：在任何噪声下，少样本学习器都不如随机权重",
                ),
                Words(
                    "Too strong. Under a large shift *some* fell below random weights (Guo et al.). "
                    "It has to be measured, case by case.",
                    "说得太绝对。在大的偏移下*有些*低于随机权重（Guo 等）。必须逐例测量。",
                ),
            ),
        ),
        objective=Words("Judge a popular claim by evidence.", "用证据评判一个流行的说法。"),
        source=NEGATIVE,
        answers=("B2",),
        points=1,
    ),
    Single(
        id="memorises",
        title=Words("Learnt by heart", "死记硬背"),
        stem=Words(
            "Why does a network trained long enough with cross-entropy learn wrong labels by heart?",
            "为什么用交叉熵训练足够久的网络会把错误标签也背下来？",
        ),
        options=(
            Right(
                Words(
                    "An example that is still wrong has the largest loss, and pulls hardest",
                    "仍然判错的样本损失最大，拉力也最大",
                ),
                Words(
                    "The pull on the label's logit is 1 - p. Once the right labels are fitted, the "
                    "wrong ones are all that is left, and the network has room enough for them.",
                    "对标签 logit 的拉力是 1 - p。正确标签学会后，剩下的只有错误标签，"
                    "而网络有足够的容量记住它们。",
                ),
            ),
            Wrong(
                Words(
                    "Softmax can't tell two classes apart once their labels were exchanged",
                    "标签一旦互换，softmax 就分不清两个类别",
                ),
                Words(
                    "With a minority exchanged the majority still shows the rule. It is the "
                    "exceptions that are learnt by heart.",
                    "只有少数被互换时，多数样本仍体现规律。被背下来的是例外。",
                ),
            ),
            Wrong(
                Words(
                    "Minibatches contain wrong labels only, as soon as training has converged",
                    "训练一旦收敛，小批量里就只剩错误标签",
                ),
                Words(
                    "Batches are drawn as before. It is the *gradient* that only the wrong ones "
                    "contribute to.",
                    "批量的抽取方式没变；变的是*梯度*几乎只来自错误标签。",
                ),
            ),
            Wrong(
                Words(
                    "Wrong labels come with larger images and therefore with larger gradients",
                    "错误标签对应的图像更大，因此梯度更大",
                ),
                Words(
                    "Images do not know whether their label is right.",
                    "图像并不知道自己的标签对不对。",
                ),
            ),
        ),
        objective=Words("Explain memorisation by the gradient.", "用梯度解释记忆现象。"),
        source=f"Zhang et al. 2017, arXiv 1611.03530; {ZHANG}",
        answers=("B2",),
        points=1,
    ),
    Single(
        id="support_or_query",
        title=Words("One shot, one wrong label", "单样本遇上一个错标签"),
        stem=Words(
            "1-shot, 5 classes, 15 queries per class. One label of the episode is wrong: either of a "
            "support image, or of a query. Which hurts more?",
            "单样本（1-shot），5 个类别，每类 15 个查询。episode 中有一个标签错了："
            "要么是支持图像的，要么是查询的。哪个危害更大？",
        ),
        options=(
            Wrong(
                Words(
                    "The query's: the loss is taken on queries, and never on the support set",
                    "查询的：损失在查询上计算，从不在支持集上",
                ),
                Words(
                    "True of the loss, but the wrong query is one of 75 and the others outvote it.",
                    "损失确实如此，但错的查询只是 75 个之一，其余的会把它淹没。",
                ),
            ),
            Wrong(
                Words(
                    "Neither: a single label among eighty can't matter to either of them",
                    "都无所谓：八十个标签里错一个不会有影响",
                ),
                Words(
                    "The five support labels are not among eighty equals: each of them is a class.",
                    "五个支持标签与其余的并不平等：每一个就代表一个类别。",
                ),
            ),
            Wrong(
                Words(
                    "Both alike: whichever it is, exactly one label of eighty is wrong",
                    "一样：不管是哪个，八十个标签里都恰好错一个",
                ),
                Words(
                    "Alike in number. What counts is how many answers depend on the label.",
                    "数量相同，但要看有多少个回答依赖这个标签。",
                ),
            ),
            Right(
                Words(
                    "The support image's: it is the whole prototype that queries are held against",
                    "支持图像的：它就是整个原型，查询都要与它比较",
                ),
                Words(
                    "With one shot the example *is* the prototype, so all 15 queries of that class "
                    "lose their place, and others are drawn to it. A wrong query label costs 1 / 75 "
                    "of the score, and changes no answer at all at test time.",
                    "单样本时样本*就是*原型，该类的 15 个查询都失去参照，别的查询还会被吸过去。"
                    "错一个查询标签只影响得分的 1 / 75，测试时甚至不改变任何回答。",
                ),
            ),
        ),
        objective=Words(
            "Weigh wrong labels by what depends on them.", "按依赖关系衡量错误标签的危害。"
        ),
        source="lessons/12_robustness",
        answers=("B2",),
        points=1,
    ),
    Single(
        id="text_mined",
        title=Words("Labels out of reports", "从报告中挖出的标签"),
        stem=Words(
            "The labels of the NIH chest radiographs (ChestMNIST) were text-mined from reports. What "
            "follows for an evaluation on them?",
            "NIH 胸片（ChestMNIST）的标签是从报告文本中自动挖掘的。这对评估意味着什么？",
        ),
        options=(
            Wrong(
                Words(
                    "Nothing much: the errors of so many images average out to nothing",
                    "影响不大：图像这么多，误差会平均掉",
                ),
                Words(
                    "Random errors do not cancel in an accuracy, they lower it; and these are not "
                    "random: some findings are written about differently from others.",
                    "随机误差不会在准确率里抵消，而是使其降低；何况它们并不随机："
                    "不同病变在报告中的写法不同。",
                ),
            ),
            Right(
                Words(
                    "Test labels are wrong in part too, so a score measures agreement with reports",
                    "测试标签也有一部分是错的，得分衡量的是与报告的一致性",
                ),
                Words(
                    "A model may be right and be counted wrong, or learn the text miner's habits. A "
                    "test set read by several doctors is needed before one speaks of diagnosis.",
                    "模型可能判对却算错，也可能学到挖掘程序的习惯。"
                    "要谈诊断，先得有由多位医生判读的测试集。",
                ),
            ),
            Wrong(
                Words(
                    "Training on them is impossible, but testing on them is beyond doubt",
                    "不能用来训练，但用来测试毫无疑问",
                ),
                Words(
                    "Rather the other way round: training bears a good deal of noise, a yardstick "
                    "does not.",
                    "倒不如反过来说：训练能承受不少噪声，尺子却不能。",
                ),
            ),
            Wrong(
                Words(
                    "The bounded loss makes such labels as good as those of a panel of experts",
                    "用了有界损失，这些标签就和专家组的一样好",
                ),
                Words(
                    "It lowers the damage of wrong *training* labels. It can't tell what the truth "
                    "is, least of all in the test set.",
                    "它只减轻错误*训练*标签的危害，无法知道真相，更不能修正测试集。",
                ),
            ),
        ),
        objective=Words("Ask where labels come from.", "追问标签从何而来。"),
        source="Wang et al. 2017, arXiv 1705.02315",
        answers=("B2",),
        points=1,
    ),
    Numeric(
        id="bound",
        title=Words("The most that one label can cost", "一个标签最多能造成多大损失"),
        stem=Words(
            "Generalised cross-entropy with q = {q}. How large can the loss of a single example get?",
            "广义交叉熵取 q = {q}。单个样本的损失最大能到多少？",
        ),
        given={"q": (0.3, 0.4, 0.6, 0.7, 0.8, 0.9)},
        key=largest_loss,
        slips=(
            Slip(
                1,
                Words(
                    "1 is the bound of 1 - p^q; it is then divided by q = {q}.",
                    "1 是 1 - p^q 的上界；还要除以 q = {q}。",
                ),
            ),
            Slip(
                lambda q: q,
                Words("It is divided by {q}, not multiplied.", "是除以 {q}，不是乘。"),
            ),
            Slip(
                lambda q: -math.log(q),
                Words(
                    "That is the cross-entropy of a label with p = {q}; q is no probability.",
                    "那是 p = {q} 时的交叉熵；q 不是概率。",
                ),
            ),
        ),
        why=Words(
            "p = 0 gives (1 - 0) / q = 1 / {q} = {key}. Cross-entropy, the limit of q towards 0, has "
            "no bound.",
            "p = 0 时为 (1 - 0) / q = 1 / {q} = {key}。交叉熵是 q 趋于 0 的极限，没有上界。",
        ),
        objective=Words("Know the bound of the loss.", "知道该损失的上界。"),
        source=f"{ZHANG}, equation 6",
        answers=("B2",),
        points=1,
    ),
    Numeric(
        id="share_wrong",
        title=Words("Noise that is less than it says", "名不副实的噪声"),
        stem=Words(
            "Somebody hits a share {rate} of the labels and draws each new one from *all* "
            "{n_classes} classes alike. Which share of labels is wrong afterwards, on average?",
            "有人选中占比 {rate} 的标签，并从*全部* {n_classes} 个类别中等概率地重新抽取。"
            "平均有多大比例的标签变成错的？",
        ),
        given={"rate": (0.2, 0.3, 0.4, 0.6), "n_classes": (2, 3, 4, 8)},
        key=share_wrong,
        slips=(
            Slip(
                lambda rate, n_classes: rate,
                Words(
                    "One draw in {n_classes} gives the old label back.",
                    "每 {n_classes} 次抽取就有一次抽回原来的标签。",
                ),
            ),
            Slip(
                lambda rate, n_classes: rate / n_classes if n_classes > 2 else 1 - rate / 2,
                Words(
                    "That is the share that was hit and stayed right, or its complement.",
                    "那是被选中却仍然正确的比例，或其补。",
                ),
            ),
        ),
        why=Words(
            "{rate} x (1 - 1 / {n_classes}) = {key}. Two papers with the same rate may have used "
            "different noise.",
            "{rate} x (1 - 1 / {n_classes}) = {key}。两篇论文写着同样的比例，噪声却可能不同。",
        ),
        objective=Words("Say what a noise rate means.", "说清噪声率的含义。"),
        source="lessons/12_robustness",
        answers=("B2",),
        points=1,
    ),
    Numeric(
        id="accuracy_seen",
        title=Words("A better model than it seems", "比看上去更好的模型"),
        stem=Words(
            "A classifier of {n_way} classes is right on a share {accuracy} of the queries. A share "
            "{rate} of the query labels is wrong, each other class alike, whatever the classifier "
            "says. Which accuracy is measured, on average?",
            "一个 {n_way} 类分类器在占比 {accuracy} 的查询上是对的。"
            "有占比 {rate} 的查询标签是错的，其他类别等可能，且与分类器无关。平均会测得多大的准确率？",
        ),
        given={"accuracy": (0.6, 0.7, 0.8), "rate": (0.1, 0.2, 0.3), "n_way": (3, 4)},
        key=accuracy_seen,
        slips=(
            Slip(
                lambda accuracy, rate, n_way: accuracy * (1 - rate),
                Words(
                    "Nearly: a wrong answer may be the wrong label by luck, one time in {n_way} - 1.",
                    "差一点：错误回答有 1 / ({n_way} - 1) 的机会恰好等于错误标签。",
                ),
            ),
            Slip(
                lambda accuracy, rate, n_way: accuracy - rate,
                Words(
                    "Wrong labels fall on queries that were wrong before as well.",
                    "错误标签也会落在本来就判错的查询上。",
                ),
            ),
            Slip(
                lambda accuracy, rate, n_way: accuracy,
                Words(
                    "The model is as good as before. The yardstick is not.",
                    "模型没变，尺子变了。",
                ),
            ),
        ),
        why=Words(
            "{accuracy} x (1 - {rate}) + (1 - {accuracy}) x {rate} / ({n_way} - 1) = {key}. No "
            "answer has changed.",
            "{accuracy} x (1 - {rate}) + (1 - {accuracy}) x {rate} / ({n_way} - 1) = {key}。"
            "没有一个回答改变过。",
        ),
        objective=Words("Tell a worse model from a worse yardstick.", "区分模型变差与尺子变差。"),
        source="lessons/12_robustness",
        answers=("B2",),
    ),
    Formula(
        id="weight",
        title=Words("How hard does a label pull?", "一个标签的拉力有多大？"),
        stem=Words(
            "The loss of an example is $(1 - p^q) / q$, with `p` the softmax probability of its "
            "label. What is its slope in the label's own logit? (Look at small p afterwards.)",
            "一个样本的损失是 $(1 - p^q) / q$，`p` 是其标签的 softmax 概率。"
            "它对该标签自己的 logit 的斜率是多少？（算完后看看 p 很小时的情形。）",
        ),
        variables={"p": (0.05, 0.95), "q": (0.2, 1.0)},
        key=slope_at_the_label,
        example="-p ** q * (1 - p)",
        slips=(
            Slip(
                "-(1 - p)",
                Words(
                    "That is cross-entropy's. Each label's pull is p^q times as large here.",
                    "那是交叉熵的斜率。这里每个标签的拉力要再乘以 p^q。",
                ),
            ),
            Slip(
                "p ** q * (1 - p)",
                Words(
                    "The sign: a larger logit of the label makes the loss smaller.",
                    "符号：标签的 logit 越大，损失越小。",
                ),
            ),
            Slip(
                "-p ** (q - 1)",
                Words(
                    "That is the slope in p. By the chain rule, times p (1 - p).",
                    "那是对 p 的斜率。按链式法则还要乘 p (1 - p)。",
                ),
            ),
            Slip(
                "-p ** (q - 1) * (1 - p)",
                Words(
                    "The slope of p in its own logit is p (1 - p), not 1 - p.",
                    "p 对自己 logit 的斜率是 p (1 - p)，不是 1 - p。",
                ),
            ),
        ),
        why=Words(
            "-p^(q-1) times p (1 - p). For small p cross-entropy pulls with nearly 1; here it is "
            "p^q: labels that the network finds absurd are given up, rare right ones among them.",
            "-p^(q-1) 乘以 p (1 - p)。p 很小时交叉熵的拉力接近 1，这里是 p^q："
            "网络认为荒谬的标签会被放弃，其中也包括少见但正确的。",
        ),
        objective=Words("Derive why a bounded loss bears noise.", "推导有界损失为何能承受噪声。"),
        source=f"{ZHANG}, section 3",
        answers=("B2",),
    ),
    Match(
        id="breakdown",
        title=Words("When does a centre give way?", "中心何时失守？"),
        stem=Words(
            "A class has 11 examples. How many of them may be anywhere at all without carrying "
            "the centre away with them?",
            "一个类别有 11 个样本。其中最多有多少个可以位于任意远处，而不会把中心带走？",
        ),
        pairs=(
            Pair(
                Words("Mean", "均值"),
                Words("Not a single one", "一个也不行"),
                Words(
                    "The mean moves by an eleventh of whatever distance one example goes.",
                    "一个样本移动多远，均值就移动其十一分之一。",
                ),
            ),
            Pair(
                Words(
                    "Mean without the two lowest and highest values",
                    "去掉两个最低和两个最高值的均值",
                ),
                Words("Two, on whatever side they lie", "两个，在哪一侧都行"),
                Words(
                    "A trimmed mean bears as many as it cuts on one side; a third stays in.",
                    "截尾均值能承受一侧截掉的个数；第三个就会留在里面。",
                ),
            ),
            Pair(
                Words("Median of every feature", "逐特征中位数"),
                Words(
                    "Five, and another place if the features are turned",
                    "五个，但旋转特征后位置会变",
                ),
                Words(
                    "The median bears any minority, but feature by feature: it depends on the axes.",
                    "中位数能承受任何少数，但它逐特征计算，依赖坐标轴。",
                ),
            ),
            Pair(
                Words("Geometric median", "几何中位数"),
                Words(
                    "Five, and it turns along with the features",
                    "五个，而且随特征一起旋转",
                ),
                Words(
                    "The geometric median bears any minority as well, and knows distances only.",
                    "几何中位数同样能承受任何少数，而且只依赖距离。",
                ),
            ),
            Pair(
                Words("Example with the least sum of distances", "距离之和最小的样本"),
                Words(
                    "Five, and it always is one of the examples",
                    "五个，而且总是其中一个样本",
                ),
                Words(
                    "The medoid: as robust, and always a real image, but seldom the best centre.",
                    "中心样本（medoid）：同样稳健，总是真实图像，但很少是最佳中心。",
                ),
            ),
        ),
        objective=Words("Know the breakdown points of centres.", "掌握各种中心的崩溃点。"),
        source="medmeta_ref/prototypical.py; lessons/12_robustness",
        answers=("B2",),
    ),
    Order(
        id="honest_study",
        title=Words("An honest study", "一项诚实的研究"),
        stem=Words(
            "Put a study of how much image damage costs, and whether a remedy helps, in order.",
            "研究图像损坏造成多大代价、补救办法是否有效：请把步骤排好。",
        ),
        steps=(
            Step(
                Words(
                    "Split patients into training, validation and test",
                    "按患者划分训练、验证和测试",
                ),
                Words("Everything else has to respect the split.", "其余一切都要遵守这个划分。"),
            ),
            Step(
                Words(
                    "Train the plain model and the one with the remedy",
                    "训练普通模型和带补救办法的模型",
                ),
                Words("There is nothing to choose between before.", "此前没有什么可选的。"),
            ),
            Step(
                Words(
                    "Choose the remedy's setting on validation images",
                    "在验证图像上选定补救办法的设置",
                ),
                Words(
                    "Choices are made on validation images, never on the damaged test set.",
                    "选择在验证图像上做，绝不在损坏的测试集上做。",
                ),
            ),
            Step(
                Words("Write down what is fixed, and freeze it", "写下已确定的一切，并冻结"),
                Words("From here on nothing may be changed.", "从这里起什么都不能再改。"),
            ),
            Step(
                Words(
                    "Judge both on the same test images, before and after damage",
                    "在相同的测试图像上评估两者，损坏前和损坏后",
                ),
                Words(
                    "Once, and on the same images, so that differences are paired.",
                    "只评一次，并用相同的图像，使差值配对。",
                ),
            ),
            Step(
                Words(
                    "Report paired differences with intervals, all kinds of damage",
                    "报告所有损坏类型的配对差及其区间",
                ),
                Words(
                    "All kinds, also those where the remedy did harm.",
                    "要报告所有类型，包括补救反而有害的。",
                ),
            ),
        ),
        objective=Words(
            "Keep tuning and the damaged test set apart.", "把调参与损坏的测试集分开。"
        ),
        source="Hendrycks and Dietterich 2019, arXiv 1903.12261; lessons/12_robustness",
        answers=("B2",),
    ),
    Predict(
        id="middle",
        title=Words("Two middles", "两个“中间”"),
        stem=Words("What is the value of the last line?", "最后一行的值是什么？"),
        code="""
import torch

doses = torch.tensor([1.0, 4.0, 2.0, {stranger}.0])
low = doses.median().item()
halfway = doses.quantile(0.5).item()
low, halfway, doses.mean().item()
""",
        given={"stranger": (93, 113, 201, 401, 153)},
        slips=(
            Slip(
                lambda stranger: (3.0, 3.0, (7 + stranger) / 4),
                Words(
                    "torch.median of an even number of values gives the *lower* of the two middle "
                    "ones.",
                    "元素个数为偶数时，torch.median 返回中间两个中*较小*的那个。",
                ),
            ),
            Slip(
                lambda stranger: (2.0, 2.0, (7 + stranger) / 4),
                Words(
                    "quantile(0.5) goes halfway between the two middle values, 2 and 4.",
                    "quantile(0.5) 取中间两个值 2 和 4 的正中。",
                ),
            ),
            Slip(
                lambda stranger: (4.0, 3.0, (7 + stranger) / 4),
                Words(
                    "In order: 1, 2, 4 and the stranger. The lower of the middle two is 2.",
                    "排序为 1、2、4 和离群值。中间两个里较小的是 2。",
                ),
            ),
        ),
        why=Words(
            "Sorted: 1, 2, 4, and the stranger. torch.median takes the 2, quantile(0.5) the middle "
            "between 2 and 4. Neither asks how far the stranger is; the mean follows it.",
            "排序：1、2、4 和离群值。torch.median 取 2，quantile(0.5) 取 2 与 4 的中点。"
            "两者都不在乎离群值有多远；均值则跟着它走。",
        ),
        objective=Words("Know which median one gets.", "知道得到的是哪种中位数。"),
        source="PyTorch documentation of torch.median",
        answers=("B2",),
    ),
    Bug(
        id="wrong_yardstick",
        title=Words("A perfect model, 70 %", "完美的模型，70 %"),
        stem=Words(
            "This function should say what wrong *training* labels cost. With a model that is always "
            "right it returns 0.7 at a rate of 0.3.",
            "这个函数本应说明错误的*训练*标签造成多大代价。"
            "可是对一个永远正确的模型，当错误率为 0.3 时它返回 0.7。",
        ),
        code="""
def measure(fit, flip, accuracy, images, labels, rate):
    n = len(labels) // 2
    given = flip(labels, rate)
    model = fit(images[:n], given[:n])
    return accuracy(model, images[n:], given[n:])
""",
        fixes=(
            Fix(
                4,
                "model = fit(images[:n], labels[:n])",
                Words(
                    "Now nothing is learned from wrong labels, and the test is still judged by them.",
                    "这样训练里没有错误标签了，而测试仍用错误标签评判。",
                ),
            ),
            Fix(
                5,
                "return accuracy(model, images[:n], labels[:n])",
                Words(
                    "Right labels, but those of the training images.",
                    "标签对了，但用的是训练图像。",
                ),
            ),
            Fix(
                3,
                "given = flip(labels, 0)",
                Words(
                    "Without wrong labels there is nothing to measure.",
                    "没有错误标签就没什么可测的。",
                ),
            ),
            Fix(
                5,
                "return accuracy(model, images[n:], given[n:]) / (1 - rate)",
                Words(
                    "A correction by hope: it fits a perfect model in the long run, and no other.",
                    "一厢情愿的修正：只对完美模型在平均意义上成立。",
                ),
            ),
            Fix(
                5,
                "return accuracy(model, images[n:], labels[n:])",
                Words(
                    "Training sees the wrong labels, the test is judged by the right ones.",
                    "训练看到错误标签，测试用正确标签评判。",
                ),
            ),
        ),
        works=judges_by_the_truth,
        objective=Words("Keep the noise out of the yardstick.", "不让噪声混进尺子。"),
        source="lessons/12_robustness",
        answers=("B2",),
    ),
    Multi(
        id="strangers",
        title=Words("An image of no class", "不属于任何类别的图像"),
        stem=Words(
            "The distance to the nearest prototype is used to notice images of no known class. Which "
            "of these are true?",
            "用到最近原型的距离来发现不属于任何已知类别的图像。下列哪些说法正确？",
        ),
        options=(
            Right(
                Words(
                    "The softmax may be nearly 1 for an image that is far from all prototypes",
                    "离所有原型都很远的图像，softmax 也可能接近 1",
                ),
                Words(
                    "The softmax only compares prototypes. Far away the squared distances differ a "
                    "lot, and it becomes sure.",
                    "softmax 只比较原型之间的差。离得越远，距离平方相差越大，它反而越确信。",
                ),
            ),
            Wrong(
                Words(
                    "An AUROC of 0.5 means that half of the strangers are found",
                    "AUROC 为 0.5 表示能发现一半的异常图像",
                ),
                Words(
                    "It means that the score knows nothing: strangers and others come in any order.",
                    "它表示分数毫无信息：异常与正常的次序完全随机。",
                ),
            ),
            Right(
                Words(
                    "A high AUROC against images of another organ says little about rare diseases",
                    "区分另一器官图像的 AUROC 高，并不说明能发现罕见病",
                ),
                Words(
                    "What looks altogether different is easy. A rare disease looks like its "
                    "neighbours, and that is the case that counts.",
                    "完全不同的图像容易发现；罕见病和常见类别相似，而那才是要紧的情形。",
                ),
            ),
            Wrong(
                Words(
                    "The threshold should be set on the test images on which it is reported",
                    "阈值应在报告结果所用的测试图像上确定",
                ),
                Words(
                    "Then the false alarms that are reported have been tuned away. Set it on "
                    "validation images.",
                    "那样报告的误报率是调出来的。应在验证图像上确定。",
                ),
            ),
            Right(
                Words(
                    "Doubling all features doubles the scores and leaves the AUROC as it was",
                    "所有特征加倍会使分数加倍，但 AUROC 不变",
                ),
                Words(
                    "Only the order of the scores counts, and it stays.",
                    "AUROC 只看分数的次序，而次序不变。",
                ),
            ),
        ),
        objective=Words("Read an outlier score.", "读懂离群分数。"),
        source="lessons/12_robustness",
        answers=("B2",),
    ),
)

CARDS = (
    Card(
        id="the_claim",
        prompt=Words(
            "A vendor says that the product is robust because it uses meta-learning. What do you "
            "ask?",
            "厂商说产品因为用了元学习所以鲁棒。你会问什么？",
        ),
        rubric=(
            Words(
                "robust to what: wrong labels, damage, shift, strangers, attacks",
                "对什么鲁棒：错误标签、图像损坏、分布偏移、异常图像、攻击",
            ),
            Words(
                "published negative results: Goldblum 2020, Guo 2020",
                "已发表的负面结果：Goldblum 2020、Guo 2020",
            ),
            Words(
                "before and after on the same images, with paired intervals",
                "在相同图像上比较前后，并给出配对区间",
            ),
            Words(
                "a simple rival: fine-tuning, raw pixels, random weights",
                "简单对手：微调、原始像素、随机权重",
            ),
            Words("where its settings were chosen", "各项设置是在哪里选定的"),
        ),
        model=Words(
            "First: robust to what? Wrong labels, damaged images, another hospital, images of no "
            "class and attacks are five questions with five answers. By default the literature says "
            "the opposite: few-shot learners were found highly vulnerable to adversarial examples "
            "(Goldblum et al. 2020), and under domain shift all meta-learning methods fell behind "
            "simple fine-tuning (Guo et al. 2020). So I want to see accuracy before and after, on "
            "the same images, as paired differences with intervals, beside fine-tuning and beside "
            "raw pixels. And I ask on which images the settings were chosen: if on the damaged test "
            "set, the table is worth nothing.",
            "首先：对什么鲁棒？错误标签、图像损坏、换一家医院、不属于任何类别的图像、对抗攻击，"
            "是五个问题，有五个答案。文献默认的结论恰恰相反：少样本学习器对对抗样本非常脆弱"
            "（Goldblum 等，2020），在领域偏移下所有元学习方法都不如简单微调（Guo 等，2020）。"
            "所以我要看相同图像上前后的准确率、带区间的配对差，并与微调和原始像素比较。"
            "我还会问设置是在哪些图像上选的：如果是在损坏的测试集上，这张表就毫无价值。",
        ),
        source=NEGATIVE,
        answers=("B2",),
    ),
    Card(
        id="noisy_archive",
        prompt=Words(
            "Your archive's labels were read out of reports by a program. What do you do before you "
            "train?",
            "档案的标签由程序从报告中读出。训练之前你会做什么？",
        ),
        rubric=(
            Words(
                "have a random sample read by doctors: how many are wrong, which classes",
                "随机抽样请医生判读：错多少，哪些类别",
            ),
            Words(
                "a test set that was read by several people",
                "由多人判读的测试集",
            ),
            Words(
                "simulate noise of that size on clean labels: what would it cost?",
                "在干净标签上模拟同样大小的噪声：代价多大？",
            ),
            Words(
                "remedies: bounded loss, early stopping, robust centres; chosen on validation data",
                "补救：有界损失、早停、稳健中心；在验证数据上选定",
            ),
            Words(
                "real errors are not uniform; uniform noise is a lower hurdle",
                "真实错误并不均匀；均匀噪声要容易些",
            ),
        ),
        model=Words(
            "I have a few hundred images, drawn at random, read by two doctors. That tells how many "
            "labels are wrong and for which classes, and gives a test set I can trust: training may "
            "bear noise, a yardstick can't. Then I spoil clean labels to the same degree and see "
            "what it costs, with and without a bounded loss, with early stopping, with robust "
            "prototypes where shots are few. Settings are chosen on validation data. I keep in mind "
            "that real errors are not spread evenly: a program misses the same phrase every time, "
            "and a model can learn exactly that.",
            "我随机抽几百张图像，请两位医生判读。由此知道错了多少、错在哪些类别，"
            "还得到可信的测试集：训练可以容忍噪声，尺子不行。"
            "然后把干净标签破坏到同样程度，看代价多大：有无有界损失、是否早停、样本少时是否用稳健原型。"
            "设置在验证数据上选定。还要记住真实错误并不均匀：程序每次都会漏掉同一种说法，"
            "而模型恰好能学会这一点。",
        ),
        source=f"{ZHANG}; Wang et al. 2017, arXiv 1705.02315",
        answers=("B2",),
    ),
    Card(
        id="new_scanner",
        prompt=Words(
            "A hospital gets a new scanner and the few-shot classifier gets worse. How do you find "
            "out why, and what helps?",
            "医院换了新扫描仪，少样本分类器变差了。怎样找原因？什么办法有用？",
        ),
        rubric=(
            Words(
                "separate the causes: images, labels, case mix",
                "分开原因：图像、标签、病例构成",
            ),
            Words(
                "reproduce it: known damage on old images, kind by kind",
                "复现：在旧图像上施加已知损坏，逐种比较",
            ),
            Words(
                "new support images from the new scanner",
                "用新扫描仪的图像作新的支持集",
            ),
            Words(
                "distance to prototypes as an alarm, threshold from validation",
                "以到原型的距离作警报，阈值由验证集确定",
            ),
            Words("test again, on patients of the new scanner", "用新扫描仪的患者重新测试"),
        ),
        model=Words(
            "I separate three causes. Images: are they noisier, brighter, flatter? I damage old "
            "images in known ways and see which kind gives the same drop. Labels: has whoever reads "
            "them changed? Case mix: are there more of the hard cases now? If it is the images, the "
            "cheapest remedy of a few-shot method is new support images from the new scanner, so "
            "that support and query are alike again. An alarm on the distance to the nearest "
            "prototype would have told earlier; its threshold comes from validation images. And "
            "nothing goes back to work before it was tested on patients of the new scanner.",
            "我区分三种原因。图像：是噪声更大、更亮，还是对比度更低？"
            "我在旧图像上施加已知的损坏，看哪一种造成同样的下降。标签：判读的人换了吗？"
            "病例构成：疑难病例变多了吗？若是图像问题，少样本方法最便宜的补救是用新扫描仪的图像作支持集，"
            "使支持和查询重新一致。以到最近原型的距离作警报本可更早发现；阈值由验证图像确定。"
            "在新扫描仪的患者上测试之前，不能恢复使用。",
        ),
        source="Hendrycks and Dietterich 2019, arXiv 1903.12261; lessons/12_robustness",
        answers=("B2",),
    ),
)
