"""Interview questions of unit 03: knowledge distillation."""

import math
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

LESSON = ("A2", "A4", "B4")
EXERCISES = {
    "soft_targets": ("A4", "B4"),
    "distillation_loss": ("A4", "B4"),
    "distillation_gradient": ("A4",),
    "feature_distillation_loss": ("A4",),
    "bug_lines": ("A4",),
    "label_weight": ("A4",),
    "loss_test": ("A4",),
}

HINTON = "Hinton, Vinyals and Dean 2015, arXiv 1503.02531"


def batchmean_over_mean(n_images: int, n_classes: int) -> float:
    """Return reduction="batchmean" over reduction="mean", by running both."""
    generator = torch.Generator().manual_seed(0)
    z, v = torch.randn(2, n_images, n_classes, generator=generator, dtype=torch.float64)
    each = F.kl_div(z.log_softmax(1), v.softmax(1), reduction="none")
    return float(each.sum() / n_images / each.mean())


def second_probability(gap: float, temperature: float) -> float:
    """Return the smaller of two probabilities whose logits differ by `gap`."""
    return 1 / (1 + math.exp(gap / temperature))


def ensemble_shape(n_members: int, n_images: int, n_classes: int) -> tuple[int, ...]:
    """Return the shape of the averaged soft targets of an ensemble."""
    logits = torch.zeros(n_members, n_images, n_classes)
    return (logits / 4.0).softmax(dim=2).mean(dim=0).shape


def batches_stay_paired(names: dict[str, Any]) -> bool:
    """Return whether every image comes with its own logits, and every image comes once."""
    images = torch.arange(10.0)
    pairs = list(names["batches"](images, 2 * images, 4, torch.Generator().manual_seed(0)))
    paired = all(torch.equal(2 * x, logits) for x, logits in pairs)
    return paired and torch.equal(torch.cat([x for x, _ in pairs]).sort().values, images)


QUESTIONS = (
    Single(
        id="t_squared",
        title=Words("Why T squared", "为什么要乘 T²"),
        stem=Words(
            "Why is the soft term of the distillation loss multiplied by $T^2$?",
            "知识蒸馏的软损失项为什么要乘以 $T^2$？",
        ),
        options=(
            Wrong(
                Words(
                    "So that the soft term stays a true KL divergence at every temperature",
                    "为了让软损失项在任何温度下都仍是真正的 KL 散度",
                ),
                Words(
                    "It already is one: both arguments are probability distributions at any T. "
                    "The factor changes its size, not what it is.",
                    "它本来就是：在任何温度下两个参数都是概率分布。这个系数只改变大小，不改变性质。",
                ),
            ),
            Right(
                Words(
                    "Its gradient falls as $1/T^2$; the factor keeps its balance with the hard term",
                    "它的梯度按 $1/T^2$ 衰减，乘上系数才能与硬损失项保持平衡",
                ),
                Words(
                    "The chain rule gives $(q - p)/T$, and for large T the difference itself is of "
                    "order $1/T$. With the factor one alpha serves all temperatures.",
                    "链式法则给出 $(q - p)/T$，温度高时这个差本身也是 $1/T$ 的量级。"
                    "乘上系数后，同一个 alpha 适用于所有温度。",
                ),
            ),
            Wrong(
                Words(
                    "It makes the gradient exactly the same at every temperature, low or high",
                    "它使梯度在任何温度下都完全相同，不论高低",
                ),
                Words(
                    "Often said, and true in the limit of high T only. At low T the teacher is "
                    "nearly one-hot and the gradient does depend on T.",
                    "常有人这么说，但只在高温极限下成立。低温时教师的输出接近独热，"
                    "梯度仍然与 T 有关。",
                ),
            ),
            Wrong(
                Words(
                    "It makes up for the teacher, whose logits are larger than the student's",
                    "为了弥补教师模型的 logits 比学生模型大这一差别",
                ),
                Words(
                    "Both are divided by the same T. Nothing in the factor knows how large the "
                    "teacher's logits are.",
                    "两者除以的是同一个 T。这个系数并不知道教师的 logits 有多大。",
                ),
            ),
        ),
        objective=Words(
            "Explain the factor by one derivative.", "用一次求导说清楚这个系数的来历。"
        ),
        source=f"{HINTON}, section 2",
        answers=("A4",),
        points=1,
    ),
    Formula(
        id="hot_gradient",
        title=Words("The gradient at high temperature", "高温极限下的梯度"),
        stem=Words(
            "For very high temperature, what does the gradient of the soft term (with its $T^2$, a "
            "mean over `n` images) become? Write its derivative in one logit of the student, whose "
            "centred value (minus the mean over the `C` classes) is `z`; the teacher's centred "
            "logit for that image and class is `v`.",
            "温度非常高时，软损失项（已乘 $T^2$，并对 `n` 张图像取平均）的梯度趋于什么？"
            "请写出它对学生某一个 logit 的导数：该 logit 减去 `C` 个类别的均值后为 `z`，"
            "教师在同一图像、同一类别上中心化后的 logit 为 `v`。",
        ),
        variables={"z": (-3, 3), "v": (-3, 3), "C": (2, 20), "n": (1, 64)},
        key=lambda z, v, C, n: (z - v) / (C * n),
        example="(z - v) / (C * n)",
        slips=(
            Slip(
                "(v - z) / (C * n)",
                Words(
                    "The sign is reversed: a student above its teacher has to come down, so there "
                    "the derivative is positive.",
                    "符号反了：学生高于教师时应当下降，所以此处导数为正。",
                ),
            ),
            Slip(
                "(z - v) / n",
                Words(
                    "The softmax is nearly uniform, 1/C for each class; that factor is missing.",
                    "此时 softmax 几乎是均匀分布，每类 1/C；漏了这个系数。",
                ),
            ),
            Slip(
                "(z - v) / C",
                Words(
                    "The loss is a mean over the images; divide by n as well.",
                    "损失对图像取了平均，还要除以 n。",
                ),
            ),
            Slip(
                "z - v",
                Words(
                    "The direction is right: logits are matched. Where are the mean over n images "
                    "and the nearly uniform softmax?",
                    "方向是对的：就是在匹配 logits。但对 n 张图像的平均、接近均匀的 softmax 去哪了？",
                ),
            ),
        ),
        why=Words(
            "$T (q - p)/n$ with $q \\approx (1 + z/T)/C$ and $p \\approx (1 + v/T)/C$: at high T "
            "distillation is the matching of centred logits, and T is gone.",
            "$T (q - p)/n$，其中 $q \\approx (1 + z/T)/C$，$p \\approx (1 + v/T)/C$："
            "高温下蒸馏就是匹配中心化的 logits，T 消失了。",
        ),
        objective=Words(
            "Derive what distillation does at high temperature.", "推导高温下蒸馏在做什么。"
        ),
        source=f"{HINTON}, section 2.1",
        answers=("A4",),
    ),
    Numeric(
        id="batchmean",
        title=Words("mean or batchmean", "mean 还是 batchmean"),
        stem=Words(
            "`F.kl_div` gets a batch of {n_images} images with {n_classes} classes. By which factor "
            'is the result of `reduction="batchmean"` larger than that of `reduction="mean"`?',
            "给 `F.kl_div` 一批 {n_images} 张图像，共 {n_classes} 个类别。"
            '`reduction="batchmean"` 的结果是 `reduction="mean"` 的多少倍？',
        ),
        given={"n_images": (16, 24, 32, 48, 64), "n_classes": (4, 5, 7, 8, 9, 11, 14)},
        key=batchmean_over_mean,
        slips=(
            Slip(
                lambda n_images, n_classes: n_images,
                Words(
                    "Both divide by the {n_images} images. What does `mean` divide by as well?",
                    "两者都除以 {n_images} 张图像。`mean` 还多除了什么？",
                ),
            ),
            Slip(
                lambda n_images, n_classes: n_images * n_classes,
                Words(
                    "That is what `mean` divides by; `batchmean` divides by something, too.",
                    "这是 `mean` 的除数；但 `batchmean` 也要除以一个数。",
                ),
            ),
            Slip(
                lambda n_images, n_classes: 1 / n_classes,
                Words("The other way round: `mean` is the smaller one.", "反了：`mean` 更小。"),
            ),
            Slip(
                1,
                Words(
                    "They differ: the sum over the classes belongs to one image's divergence, and "
                    "`mean` averages over it.",
                    "二者不同：对类别求和是单张图像散度的一部分，而 `mean` 连它也平均掉了。",
                ),
            ),
        ),
        why=Words(
            "`mean` divides by images and classes, `batchmean` by images only: a factor {key}. With "
            "`mean` the teacher counts {key} times less than the formula says.",
            "`mean` 除以图像数和类别数，`batchmean` 只除以图像数，差 {key} 倍。"
            "用 `mean` 时，教师的分量只有公式的 {key} 分之一。",
        ),
        objective=Words(
            "Say what a reduction divides by before trusting a loss.",
            "在相信一个损失之前，说清楚它除以了什么。",
        ),
        source="PyTorch documentation, torch.nn.KLDivLoss",
        answers=("A4",),
    ),
    Single(
        id="bug_report",
        title=Words("Is this bug report right?", "这份错误报告对吗？"),
        stem=Words(
            'A report says: "`F.kl_div(student.log_softmax(1), teacher.softmax(1))` computes '
            "KL(student || teacher), because the student comes first. The arguments have to be "
            'swapped." What do you answer?',
            "有人报告：“`F.kl_div(student.log_softmax(1), teacher.softmax(1))` 把学生放在前面，"
            "所以算的是 KL(student || teacher)，两个参数应当交换。”你怎么回复？",
        ),
        options=(
            Wrong(
                Words(
                    "It is right: the first argument of a KL divergence comes first in the call",
                    "报告正确：KL 散度的第一个分布就是函数的第一个参数",
                ),
                Words(
                    "That is how one writes it on paper. `F.kl_div(input, target)` is KL(target || "
                    "input): the teacher is the target.",
                    "纸上确实这么写。但 `F.kl_div(input, target)` 是 KL(target || input)，"
                    "教师是 target。",
                ),
            ),
            Wrong(
                Words(
                    "It makes no difference: between two distributions the divergence is symmetric",
                    "没有区别：两个分布之间的散度是对称的",
                ),
                Words(
                    "KL is not symmetric. For (0.9, 0.1) and (0.5, 0.5) it is 0.37 one way and "
                    "0.51 the other.",
                    "KL 不对称。对 (0.9, 0.1) 和 (0.5, 0.5)，一个方向是 0.37，另一个方向是 0.51。",
                ),
            ),
            Right(
                Words(
                    "It is wrong: `kl_div(input, target)` is KL(target || input), as wanted here",
                    "报告有误：这里算的是 KL(target || input)，正是所需",
                ),
                Words(
                    "Input is the student's log-probabilities, target the teacher's probabilities. "
                    'What is worth reporting is the missing `reduction="batchmean"`.',
                    "input 是学生的对数概率，target 是教师的概率。"
                    '真正值得报告的是缺了 `reduction="batchmean"`。',
                ),
            ),
            Wrong(
                Words(
                    "It is right, and both arguments have to be passed as logarithms as well",
                    "报告正确，而且两个参数都必须取对数",
                ),
                Words(
                    "Only with `log_target=True`. By default the target is given as probabilities.",
                    "只有 `log_target=True` 时才需要。默认情况下 target 以概率给出。",
                ),
            ),
        ),
        objective=Words(
            "Read a library's convention before calling it a bug.",
            "先读懂库的约定，再判断是不是错误。",
        ),
        source="PyTorch documentation, torch.nn.functional.kl_div",
        answers=("A4",),
        points=1,
    ),
    Multi(
        id="dark_knowledge",
        title=Words("What labels lack", "标签里没有的信息"),
        stem=Words(
            "What can a teacher's probabilities give a student that class labels alone cannot?",
            "教师的概率能给学生哪些仅靠类别标签得不到的东西？",
        ),
        options=(
            Right(
                Words(
                    "Which wrong classes look most like the image",
                    "哪些错误的类别与这张图像最像",
                ),
                Words(
                    "The order among the wrong classes is what Hinton called dark knowledge; a "
                    "one-hot label has none.",
                    "错误类别之间的次序就是 Hinton 所说的“暗知识”；独热标签里没有。",
                ),
            ),
            Wrong(
                Words(
                    "Which of the teacher's predictions are mistakes",
                    "教师的哪些预测是错的",
                ),
                Words(
                    "Tempting, but only the labels can tell that. Without them the student takes "
                    "the mistakes for truth.",
                    "很诱人，但这只有标签才知道。没有标签，学生会把错误当成真相。",
                ),
            ),
            Right(
                Words(
                    "How sure the teacher is about this very image",
                    "教师对这一张图像有多大把握",
                ),
                Words(
                    "A clear image and a doubtful one get the same label, but not the same "
                    "probabilities.",
                    "清楚的图像和模糊的图像标签相同，概率却不同。",
                ),
            ),
            Wrong(
                Words(
                    "How the classes are distributed in another hospital",
                    "另一家医院里各类别的分布",
                ),
                Words(
                    "The teacher knows what it was trained on. Its probabilities carry that "
                    "hospital's frequencies, not the new one's.",
                    "教师只知道它的训练数据。它的概率带着原医院的频率，而不是新医院的。",
                ),
            ),
            Right(
                Words(
                    "An answer for images that nobody has labelled",
                    "没有人标注过的图像的答案",
                ),
                Words(
                    "The soft term needs no label: in the lesson the teacher alone brings the "
                    "student as far as labels for every image.",
                    "软损失项不需要标签：课中仅凭教师，学生就达到了与全部标注相当的水平。",
                ),
            ),
        ),
        objective=Words(
            "Tell what is handed over in distillation, and what is not.",
            "说清楚蒸馏传递了什么，没有传递什么。",
        ),
        source=f"{HINTON}; lessons/03_distillation",
        answers=("B4",),
    ),
    Predict(
        id="kl_facts",
        title=Words("Three facts in one snippet", "一段代码里的三个事实"),
        stem=Words("What is the value of the last line?", "最后一行的值是什么？"),
        code="""
import torch
import torch.nn.functional as F

teacher = torch.tensor([[3.0, 1.0, 0.0]], requires_grad=True)
student = torch.tensor([[1.0, 2.0, 0.0]], requires_grad=True)
q = student.softmax(1).detach()
odd = F.kl_div(q, q, reduction="sum")
with torch.no_grad():
    p = teacher.softmax(1)
F.kl_div(student.log_softmax(1), p, reduction="sum").backward()
bool(odd >= 0), teacher.grad is None, round(student.grad.sum().item(), 3)
""",
        slips=(
            Slip(
                (True, True, 0),
                Words(
                    "Look at `odd` again: `kl_div` takes its first argument for log-probabilities. "
                    "Given probabilities, the result for equal outputs is not 0.",
                    "再看 `odd`：`kl_div` 把第一个参数当作对数概率。"
                    "传入概率时，两个输出相同结果也不是 0。",
                ),
            ),
            Slip(
                (False, False, 0),
                Words(
                    "`p` was made under `no_grad`: no path leads back to the teacher.",
                    "`p` 是在 `no_grad` 下算出的，没有路径通回教师。",
                ),
            ),
        ),
        why=Words(
            'Probabilities in place of log-probabilities give a negative "divergence"; nothing '
            "made under `no_grad` has a gradient; and the gradient q - p sums to 0 over the "
            "classes, because both sum to 1.",
            "用概率代替对数概率会得到负的“散度”；在 `no_grad` 下得到的量没有梯度；"
            "梯度 q - p 对类别求和为 0，因为两者的和都是 1。",
        ),
        objective=Words(
            "Foresee value and gradient of a KL term without running it.",
            "不运行也能预见 KL 项的值和梯度。",
        ),
        source="PyTorch documentation, torch.nn.functional.kl_div",
        answers=("A4",),
    ),
    Shape(
        id="ensemble_targets",
        title=Words("An ensemble as the teacher", "用模型融合作教师"),
        stem=Words(
            "{n_members} adapted networks are the teacher. Their logits for {n_images} images and "
            "{n_classes} classes are stacked in that order into one tensor, `logits`. What is the "
            "shape of `(logits / 4.0).softmax(dim=2).mean(dim=0)`?",
            "教师由 {n_members} 个适应后的网络组成。它们对 {n_images} 张图像、{n_classes} 个类别的 "
            "logits 按此顺序堆叠成一个张量 `logits`。"
            "`(logits / 4.0).softmax(dim=2).mean(dim=0)` 的形状是什么？",
        ),
        given={"n_members": (3, 4, 5), "n_images": (16, 24, 32), "n_classes": (7, 8, 9, 11)},
        key=ensemble_shape,
        slips=(
            Slip(
                lambda n_members, n_images, n_classes: (n_members, n_images, n_classes),
                Words("The mean takes the members' axis away.", "取平均会消去成员这一维。"),
            ),
            Slip(
                lambda n_members, n_images, n_classes: (1, n_images, n_classes),
                Words(
                    "Only `keepdim=True` would keep an axis of length 1.",
                    "只有 `keepdim=True` 才会保留长度为 1 的维。",
                ),
            ),
            Slip(
                lambda n_members, n_images, n_classes: (n_members, n_classes),
                Words(
                    "That averages over the images; the first axis is the members'.",
                    "那是对图像取平均；第一维是成员。",
                ),
            ),
        ),
        why=Words(
            "One distribution over the classes per image: {key}. The student never sees how many "
            "members there were, which is why it is cheap.",
            "每张图像一个类别分布：{key}。学生看不到有几个成员，所以它才便宜。",
        ),
        objective=Words(
            "Average the members of a teacher over the right axis.",
            "在正确的维度上对教师成员取平均。",
        ),
        source=f"{HINTON}, section 1",
        answers=("A4",),
        points=1,
    ),
    Order(
        id="protocol",
        title=Words("A protocol that one can believe", "可信的实验步骤"),
        stem=Words(
            "Put the steps of a distillation study in order, from first to last.",
            "把一次蒸馏实验的步骤从先到后排好。",
        ),
        steps=(
            Step(
                Words(
                    "Split the patients into training, validation and test",
                    "按患者划分训练集、验证集和测试集",
                ),
                Words(
                    "The split comes before anything is trained, and by patient, or the teacher "
                    "has already seen the test patients.",
                    "划分在任何训练之前，而且按患者，否则教师已经见过测试患者。",
                ),
            ),
            Step(
                Words("Train the teacher on the training images", "在训练集上训练教师模型"),
                Words(
                    "The teacher has to be finished before its outputs mean anything.",
                    "教师训练完成，它的输出才有意义。",
                ),
            ),
            Step(
                Words(
                    "Store the teacher's logits, in evaluation mode and without gradient",
                    "在评估模式、不计梯度的情况下保存教师的 logits",
                ),
                Words(
                    "Students need fixed targets: they are computed once, from the finished "
                    "teacher.",
                    "学生需要固定的目标：由训练好的教师一次算出。",
                ),
            ),
            Step(
                Words(
                    "Train students with several temperatures, several seeds each",
                    "用多个温度训练学生，每个温度多个随机种子",
                ),
                Words(
                    "A choice of temperature needs students to choose among.",
                    "要选温度，先得有可供选择的学生。",
                ),
            ),
            Step(
                Words(
                    "Choose the temperature by the validation images",
                    "用验证集选定温度",
                ),
                Words(
                    "The choice uses validation data; made on the test set, it would make the "
                    "result too good.",
                    "选择要用验证集；若用测试集，结果会过于乐观。",
                ),
            ),
            Step(
                Words(
                    "Report the test result beside a student of labels alone, with intervals",
                    "报告测试结果及区间，并与只用标签的学生对比",
                ),
                Words(
                    "The test set is looked at once, at the end, beside the honest rival.",
                    "测试集只在最后看一次，并与诚实的对手放在一起。",
                ),
            ),
        ),
        objective=Words(
            "Plan a distillation experiment whose result can be believed.",
            "设计一个结果可信的蒸馏实验。",
        ),
        source="lessons/03_distillation",
        answers=("B4",),
    ),
    Match(
        id="smaller_models",
        title=Words("Roads to a small model", "通往小模型的几条路"),
        stem=Words(
            "Which description belongs to which way of getting by with less at test time, or of "
            "using several networks?",
            "下面这些让模型变小或合用多个网络的办法，各对应哪种描述？",
        ),
        pairs=(
            Pair(
                Words("Distillation of outputs", "输出蒸馏"),
                Words(
                    "A new, smaller network imitates softened probabilities",
                    "一个新的小网络模仿软化后的概率",
                ),
                Words(
                    "Distilling outputs trains a student on the teacher's soft targets; what the "
                    "student looks like inside is free.",
                    "输出蒸馏让学生学习教师的软目标，学生的内部结构不受限制。",
                ),
            ),
            Pair(
                Words("Hints (FitNets)", "中间层提示（FitNets）"),
                Words(
                    "A learned projection brings inner features together",
                    "用学到的投影让中间特征彼此接近",
                ),
                Words(
                    "Hints compare features, whose widths differ, through a projection that is "
                    "trained along.",
                    "FitNets 通过一同训练的投影比较宽度不同的特征。",
                ),
            ),
            Pair(
                Words("Quantisation", "量化"),
                Words(
                    "The same weights are kept in fewer bits",
                    "同样的权重用更少的比特存储",
                ),
                Words(
                    "Quantisation leaves the network's layout alone and rounds its numbers.",
                    "量化不改变网络结构，只把数值取整。",
                ),
            ),
            Pair(
                Words("Pruning", "剪枝"),
                Words(
                    "Weights or channels of the same network are removed",
                    "从同一个网络中去掉一部分权重或通道",
                ),
                Words(
                    "Pruning takes parts of a trained network away.",
                    "剪枝从训练好的网络中去掉一部分。",
                ),
            ),
            Pair(
                Words("Ensembling", "模型融合"),
                Words(
                    "Every network is asked for every image, and averaged",
                    "每张图像都问遍所有网络，再取平均",
                ),
                Words(
                    "An ensemble makes testing dearer, not cheaper; it is often the teacher.",
                    "模型融合让测试更贵而不是更便宜；它常被用作教师。",
                ),
            ),
        ),
        objective=Words("Keep distillation apart from its neighbours.", "分清蒸馏与相近的方法。"),
        source=f"{HINTON}; Romero et al. 2015, arXiv 1412.6550",
        answers=("A2", "B4"),
    ),
    Bug(
        id="stored_logits",
        title=Words("A student that learns nothing", "什么也学不到的学生"),
        stem=Words(
            "The teacher's logits were computed once and stored beside the images. This function "
            "hands out shuffled minibatches of both, yet the student learns hardly anything from "
            "the teacher. Every image should come once, with its own logits.",
            "教师的 logits 一次算好，与图像一起保存。这个函数打乱后按小批次给出二者，"
            "但学生几乎没有从教师那里学到东西。每张图像应当只出现一次，并配上它自己的 logits。",
        ),
        code="""
def batches(images, teacher_logits, batch_size, generator):
    order = torch.randperm(len(images), generator=generator)
    images = images[order]
    for start in range(0, len(images), batch_size):
        stop = start + batch_size
        yield images[start:stop], teacher_logits[start:stop]
""".replace("\ndef", "\nimport torch\n\ndef"),
        fixes=(
            Fix(
                4,
                "order = torch.randperm(len(images))",
                Words(
                    "Without the generator the order is another one, and not even repeatable. The "
                    "logits still stand in the old order.",
                    "去掉生成器只是换了一种顺序，而且无法重现。logits 仍按原来的顺序。",
                ),
            ),
            Fix(
                8,
                "yield images[order[start:stop]], teacher_logits[order[start:stop]]",
                Words(
                    "Nearly: the logits are shuffled now, but the images a second time, so the "
                    "pairs are broken again.",
                    "差一点：logits 打乱了，但图像又被打乱了一次，配对还是错的。",
                ),
            ),
            Fix(
                7,
                "stop = min(start + batch_size, len(images))",
                Words(
                    "Slices stop at the end by themselves; this changes nothing.",
                    "切片到末尾会自动停止；这样改没有任何变化。",
                ),
            ),
            Fix(
                8,
                "yield images[start:stop], teacher_logits[order[start:stop]]",
                Words(
                    "The images were shuffled before the loop; the logits of the same positions "
                    "are found through `order`.",
                    "图像在循环之前已打乱；同样位置的 logits 要通过 `order` 去取。",
                ),
            ),
            Fix(
                5,
                "images = images[order].detach()",
                Words(
                    "`detach` is for gradients. Which logits belong to which image is not its "
                    "business.",
                    "`detach` 管的是梯度，管不了哪个 logits 属于哪张图像。",
                ),
            ),
        ),
        works=batches_stay_paired,
        objective=Words(
            "Find a broken pairing, the quietest of bugs.", "找出配对错误这种最安静的毛病。"
        ),
        source="lessons/03_distillation (the student is trained on stored logits)",
        answers=("A4",),
    ),
    Numeric(
        id="second_guess",
        title=Words("How loud is the second guess?", "第二个猜测有多响？"),
        stem=Words(
            "A teacher's logits for two classes are {gap} apart. Which probability does the less "
            "likely class get at temperature {temperature}?",
            "教师对两个类别的 logits 相差 {gap}。温度为 {temperature} 时，"
            "可能性较小的那一类得到多大的概率？",
        ),
        given={"gap": (3, 5, 6, 7), "temperature": (2, 4, 5, 8)},
        key=second_probability,
        slips=(
            Slip(
                lambda gap, temperature: 1 / (1 + math.exp(gap)),
                Words(
                    "That is at temperature 1: divide {gap} by {temperature} first.",
                    "那是温度为 1 的结果：先用 {gap} 除以 {temperature}。",
                ),
            ),
            Slip(
                lambda gap, temperature: 1 / (1 + math.exp(-gap / temperature)),
                Words(
                    "That is the likelier class; the other one gets the rest.",
                    "那是可能性较大的一类；另一类得到剩下的部分。",
                ),
            ),
            Slip(
                lambda gap, temperature: math.exp(-gap / temperature),
                Words(
                    "That is the ratio of the two probabilities; they have to sum to 1.",
                    "那是两个概率之比；它们的和应当为 1。",
                ),
            ),
            Slip(
                lambda gap, temperature: 1 / (1 + math.exp(gap)) / temperature,
                Words(
                    "The temperature divides the logits, not the probability.",
                    "温度除的是 logits，不是概率。",
                ),
            ),
        ),
        why=Words(
            "$1 / (1 + e^{\\text{gap}/T})$ = {key}. At temperature 1 it would be hardly visible to "
            "the student.",
            "$1 / (1 + e^{\\text{差}/T})$ = {key}。温度为 1 时，学生几乎看不到它。",
        ),
        objective=Words("Work a softened probability out by hand.", "手算软化后的概率。"),
        source=f"{HINTON}, section 2",
        answers=("A4",),
        points=1,
    ),
    Single(
        id="interval",
        title=Words("What may you say?", "可以下什么结论？"),
        stem=Words(
            "With all labels, over 5 seeds, students with a teacher are 0.027 ± 0.032 more accurate "
            "than those without (paired, 95 % interval). What may the report say?",
            "标签齐全，5 个随机种子：有教师的学生比没有教师的准确率高 0.027 ± 0.032"
            "（配对，95 % 区间）。报告可以怎么写？",
        ),
        options=(
            Wrong(
                Words(
                    "The teacher helps a little: the mean gain is positive in the experiment",
                    "教师略有帮助：实验中的平均增益为正",
                ),
                Words(
                    "The mean of five seeds is positive, but so small a mean comes about by chance "
                    "as well: the interval holds 0.",
                    "五个种子的均值为正，但这么小的均值也可能是偶然：区间包含 0。",
                ),
            ),
            Wrong(
                Words(
                    "The teacher does not help: the interval holds 0, so there is no effect",
                    "教师没有帮助：区间包含 0，所以没有效果",
                ),
                Words(
                    "No proof of an effect is no proof of none: a gain of 0.05 is inside the "
                    "interval as well.",
                    "没有证明有效，不等于证明无效：0.05 的增益同样在区间之内。",
                ),
            ),
            Wrong(
                Words(
                    "The teacher helps in 95 % of all cases, and hurts in the other ones",
                    "教师在 95 % 的情况下有帮助，其余情况有害",
                ),
                Words(
                    "The 95 % is about how intervals like this one cover the true mean, not about "
                    "how often a teacher helps.",
                    "95 % 说的是这类区间覆盖真实均值的比例，不是教师有帮助的频率。",
                ),
            ),
            Right(
                Words(
                    "Five seeds do not settle whether it helps; a range of gains fits the data",
                    "五个种子无法断定教师是否有帮助，只能给出可能的范围",
                ),
                Words(
                    "From -0.005 to 0.059 all is compatible with the data. Say so, and show the "
                    "interval.",
                    "从 -0.005 到 0.059 都与数据相容。如实说明，并给出区间。",
                ),
            ),
        ),
        objective=Words(
            "Say as much as an interval allows, and no more.", "区间允许说多少，就说多少。"
        ),
        source="lessons/03_distillation; Stanton et al. 2021, arXiv 2106.05945",
        answers=("B4",),
        points=1,
    ),
    Single(
        id="is_it_meta",
        title=Words("Is distillation meta-learning?", "知识蒸馏是元学习吗？"),
        stem=Words(
            'An interviewer says: "The three families of meta-learning are distillation, model '
            'fusion and gradient-based methods." What is the best reply?',
            "面试官说：“元学习的三大类方法是知识蒸馏、模型融合和基于梯度的方法。”怎样回答最好？",
        ),
        options=(
            Right(
                Words(
                    "The usual three are metric-, model- and optimisation-based; distillation and "
                    "fusion can join them",
                    "通常的三类是基于度量、基于模型和基于优化；蒸馏和融合可与之配合",
                ),
                Words(
                    "Distillation is transfer, fusion is ensembling. Neither measures a loss after "
                    "adaptation to a new task, but both combine well with methods that do.",
                    "蒸馏是迁移，融合是集成。二者都不衡量适应新任务之后的损失，"
                    "但都能与这样做的方法很好地结合。",
                ),
            ),
            Wrong(
                Words(
                    "Correct: in each of the three a model learns from the outputs of other models",
                    "说得对：这三类都是模型从其他模型的输出中学习",
                ),
                Words(
                    "Gradient-based meta-learning has no other model to learn from, and learning "
                    "from another model is not learning to learn.",
                    "基于梯度的元学习并没有可学的其他模型；向别的模型学习也不等于学会学习。",
                ),
            ),
            Wrong(
                Words(
                    "Only fusion is meta-learning, because stacking trains a so-called meta-learner",
                    "只有融合才算，因为 stacking 训练的正是所谓元学习器",
                ),
                Words(
                    "The word is the same: a stacked combiner is called a meta-learner. It is "
                    "trained for one task and adapts to none.",
                    "只是用词相同：stacking 的组合器叫元学习器，但它只为一个任务训练，不适应新任务。",
                ),
            ),
            Wrong(
                Words(
                    "Distillation is, since the student is the inner and the teacher the outer loop",
                    "蒸馏是元学习，因为学生是内循环，教师是外循环",
                ),
                Words(
                    "An outer loop changes how the inner one learns, by its result. A fixed teacher "
                    "learns nothing from its student.",
                    "外循环根据内循环的结果改变它的学习方式。固定的教师从学生那里什么也没学到。",
                ),
            ),
        ),
        objective=Words(
            "Place distillation on the map of meta-learning.", "在元学习的版图上给蒸馏找到位置。"
        ),
        source="Hospedales et al. 2022, arXiv 2004.05439",
        answers=("A2",),
        points=1,
    ),
)

CARDS = (
    Card(
        id="clinic_laptop",
        prompt=Words(
            "Five adapted networks agree best with the pathologists, but the clinic has one laptop. "
            "What do you do, and what do you report?",
            "五个适应后的网络合起来与病理医生最一致，但诊所只有一台笔记本电脑。你怎么做，报告什么？",
        ),
        rubric=(
            Words(
                "averages the members' probabilities and distils the average",
                "对各成员的概率取平均，再蒸馏这个平均",
            ),
            Words(
                "chooses temperature and alpha on validation patients",
                "用验证集的患者选温度和 alpha",
            ),
            Words(
                "compares with a student of labels alone and with one member",
                "与只用标签的学生、与单个成员作比较",
            ),
            Words(
                "reports balanced accuracy and calibration with intervals, and latency on that "
                "laptop",
                "报告带区间的平衡准确率和校准，以及在那台电脑上的延迟",
            ),
            Words("tests on another scanner's images", "在另一台扫描仪的图像上测试"),
        ),
        model=Words(
            "I average the five networks' probabilities and train one small network on that "
            "average, on all images we may use, labelled or not. Temperature and weight are chosen "
            "on patients outside training and test. Its rivals are the same network trained on "
            "labels alone, and the best single member: without them a good number means nothing. I "
            "report balanced accuracy and calibration with intervals over patients and seeds, "
            "parameters, and the median time per image on that very laptop. And I test on another "
            "scanner, because the student inherits what the teacher overlooks.",
            "我对五个网络的概率取平均，用这个平均在所有可用的图像上（不论是否标注）训练一个小网络。"
            "温度和权重在训练集、测试集之外的患者上选定。对照是只用标签训练的同一网络，以及最好的单个成员："
            "没有对照，再好的数字也没有意义。我报告按患者和随机种子计算的平衡准确率与校准及其区间、"
            "参数量，以及在那台电脑上每张图像的中位耗时。最后在另一台扫描仪的图像上测试，"
            "因为教师忽略的，学生也会忽略。",
        ),
        source=HINTON,
        answers=("A4", "B4"),
    ),
    Card(
        id="no_gain",
        prompt=Words(
            "Your distilled student scores exactly like one trained on labels. What do you check?",
            "你蒸馏出的学生与只用标签训练的一模一样。你会检查什么？",
        ),
        rubric=(
            Words(
                "the loss itself: a value by hand, unequal logits, more than two classes",
                "损失本身：手算一个值，用不相等的 logits，类别多于两个",
            ),
            Words(
                "the teacher: evaluation mode, no gradient, logits paired with their images",
                "教师：评估模式、无梯度、logits 与图像配对",
            ),
            Words(
                "agreement with the teacher and likelihood, not accuracy alone",
                "与教师的一致率和似然，而不只是准确率",
            ),
            Words(
                "several seeds and a paired interval; whether labels were scarce at all",
                "多个随机种子和配对区间；标签是否真的稀缺",
            ),
        ),
        model=Words(
            "First whether the teacher reaches the student: I compute the loss for one image by "
            "hand, with three classes and unequal logits, and look whether the soft term's gradient "
            "is of the size of the hard one's. Then the teacher: evaluation mode, no gradient, and "
            "each image's own logits after shuffling. If all that is right, I look at agreement "
            "with the teacher and at the likelihood, over several seeds with a paired interval. "
            "Perhaps there is simply nothing to gain: with plentiful labels a teacher adds little.",
            "先看教师的信息是否到达学生：用三个类别、不相等的 logits，为一张图像手算损失，"
            "并看软损失项的梯度是否与硬损失项相当。再看教师：评估模式、无梯度，打乱之后每张图像仍配自己的 "
            "logits。如果都没问题，就看与教师的一致率和似然，用多个随机种子和配对区间。"
            "也许本来就没有什么可提高：标签充足时，教师能增加的很少。",
        ),
        source="Stanton et al. 2021, arXiv 2106.05945",
        answers=("A4",),
    ),
    Card(
        id="edge_device",
        prompt=Words(
            "Why distil for an embedded device, if quantising the large network is less work?",
            "要部署到嵌入式设备，直接量化大模型更省事，为什么还要蒸馏？",
        ),
        rubric=(
            Words(
                "quantising shrinks bits, distilling shrinks layers and multiplications",
                "量化减少比特，蒸馏减少层数和乘法次数",
            ),
            Words("the two combine: distil first, then quantise", "二者可以结合：先蒸馏，再量化"),
            Words(
                "a gain has to be measured on the device, and accuracy after it again",
                "收益要在设备上测量，准确率也要重新测量",
            ),
        ),
        model=Words(
            "Quantising keeps the network and stores it in fewer bits: float32 to int8 is a factor "
            "of four in memory, and the number of multiplications stays. Distilling changes the "
            "network, so it can also cut multiplications, by as much as accuracy allows. They "
            "combine: distil, then quantise the student. What decides is the device: I measure "
            "memory and median latency there, and accuracy with its interval after every step.",
            "量化保留网络，只用更少的比特存储：float32 到 int8 内存减为四分之一，乘法次数不变。"
            "蒸馏换了一个网络，所以还能减少乘法次数，只要准确率允许。两者可以结合：先蒸馏，再量化学生。"
            "最终由设备决定：我在设备上测内存和中位延迟，并在每一步之后重新测准确率及其区间。",
        ),
        source="lessons/03_distillation; medmeta_ref/devices.py",
        answers=("B4",),
    ),
)
