"""Interview questions of unit 10: views and modalities, what is missing and what does not pair."""

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

LESSON = ("B5", "B8")
EXERCISES = {
    "orthogonal_views": ("B5", "B8"),
    "view_gates": ("B5",),
    "gated_fusion": ("B5",),
    "modality_dropout": ("B5",),
    "view_reliance": ("B5", "B8"),
    "naive_pairing": ("B8",),
    "bug_lines": ("B5",),
    "fusion_test": ("B5",),
}

ILSE = "Ilse et al. 2018, arXiv 1802.04712, equation 8"
MODDROP = "Neverova et al. 2016, arXiv 1501.00102"
LESSON_10 = "lessons/10_fusion_views"
VIEWS = "medmeta_ref/views.py"


def gate_of_the_second(first: float, second: float) -> float:
    """Return the gate of the second of four views, of which the last two are missing."""
    logits = torch.tensor([first, second, 3.0, 0.0], dtype=torch.float64)
    logits[2:] = -torch.inf
    return float(logits.softmax(0)[1])


def agreement_by_chance(common_a: float, common_b: float) -> float:
    """Return how often shuffled rows agree: one common class and four equally rare ones."""
    rare = 4 * (1 - common_a) / 4 * (1 - common_b) / 4
    return common_a * common_b + rare


def coronal_shape(n: int, depth: int, height: int, width: int) -> tuple[int, ...]:
    """Return the shape of the coronal slices, with a channel axis for a 2-D network."""
    volume = torch.zeros(n, depth, height, width)
    return volume[:, :, height // 2].unsqueeze(1).shape


def rows_are_paired(names: dict[str, Any]) -> bool:
    """Return whether the listing joins rows of one study, in two archives of unlike order."""
    ct = {"study": ["s1", "s2", "s3", "s4"], "image": [1, 2, 3, 4]}
    mri = {"study": ["s4", "s2", "s9", "s1"], "image": [40, 20, 90, 10]}
    pairs = names["pairs"](ct, mri)
    return sorted(map(tuple, pairs)) == [(1, 10), (2, 20), (4, 40)]


QUESTIONS = (
    Single(
        id="three_planes",
        title=Words("Three planes of a CT", "CT 的三个平面"),
        stem=Words(
            "A project trains on axial, coronal and sagittal slices of CT scans and is presented as "
            '"multi-modal analysis". What do you say?',
            "某项目用 CT 的轴位、冠状位和矢状位切片训练，并称之为“多模态分析”。你怎么说？",
        ),
        options=(
            Wrong(
                Words("Right: three planes are three modalities", "对：三个平面就是三种模态"),
                Words(
                    "A modality is a way of measuring. All three planes show the same X-ray "
                    "absorption of the same body.",
                    "模态是测量方式。三个平面显示的是同一身体的同一种 X 线吸收。",
                ),
            ),
            Right(
                Words(
                    "It is multi-view: one modality, three cuts", "这是多视图：一种模态、三种切面"
                ),
                Words(
                    "The same machinery serves both, but CT with MRI or ECG brings new physics; "
                    "another plane of one CT brings other voxels of the same.",
                    "两者用的方法相同，但 CT 加 MRI 或心电带来新的物理信息；"
                    "同一 CT 的另一平面只带来同类的其他体素。",
                ),
            ),
            Wrong(
                Words("Right, if each plane has its own network", "对，只要每个平面各用一个网络"),
                Words(
                    "The number of networks says nothing about where the data come from.",
                    "网络的数目与数据的来源无关。",
                ),
            ),
            Wrong(
                Words("It is neither: slices cannot be fused", "都不是：切片不能融合"),
                Words(
                    "They can: features of the three planes go into one head.",
                    "可以融合：三个平面的特征进入同一个分类头。",
                ),
            ),
        ),
        objective=Words("Keep views and modalities apart.", "区分视图与模态。"),
        source=LESSON_10,
        answers=("B5", "B8"),
        points=1,
    ),
    Single(
        id="mri_is_missing",
        title=Words("No MRI today", "今天没有 MRI"),
        stem=Words(
            "A network was trained on pairs of CT and MRI, none missing. In the clinic a third of "
            "the patients have no MRI. What do you do?",
            "一个网络用成对的 CT 和 MRI 训练，没有缺失。在诊所里三分之一的患者没有 MRI。你怎么办？",
        ),
        options=(
            Wrong(
                Words("Hand in a black image for the missing MRI", "用全黑图像代替缺失的 MRI"),
                Words(
                    "A black image is an image. The network has never seen one and says something "
                    "about it.",
                    "全黑图像也是图像。网络从未见过，却会对它作出反应。",
                ),
            ),
            Wrong(
                Words(
                    "Refuse: without the MRI nothing can be said", "拒绝：没有 MRI 就什么也说不了"
                ),
                Words(
                    "The CT alone may say much; how much, one can measure.",
                    "单靠 CT 也许就能说很多；具体多少可以测量。",
                ),
            ),
            Wrong(
                Words("Take the MRI of a similar patient instead", "换用一位相似患者的 MRI"),
                Words(
                    "Then the answer is partly about somebody else. That is a made-up finding.",
                    "那样答案有一部分说的是别人，等于编造检查结果。",
                ),
            ),
            Right(
                Words(
                    "Retrain with dropped views; judge by subset", "训练时随机丢弃视图并分组评估"
                ),
                Words(
                    "A mask, gates over what is there, and practice with one view missing. Then "
                    "report the results for patients with and without MRI separately.",
                    "用掩码、对现有视图的门控，并在训练中练习缺失的情形。"
                    "然后分别报告有 MRI 和没有 MRI 的患者的结果。",
                ),
            ),
        ),
        objective=Words("Plan for a modality that is missing.", "为缺失的模态做好准备。"),
        source=f"{MODDROP}; {LESSON_10}",
        answers=("B5", "B8"),
        points=1,
    ),
    Single(
        id="two_hundred",
        title=Words("Two hundred patients", "两百名患者"),
        stem=Words(
            "You have 200 patients with CT and ECG, and for each of the two a network trained on "
            "thousands. Where do you fuse first?",
            "你有 200 名同时有 CT 和心电的患者，两者各有一个用数千例训练好的网络。先在哪里融合？",
        ),
        options=(
            Right(
                Words(
                    "At the outputs: late fusion, few numbers to fit",
                    "在输出处：晚期融合，参数很少",
                ),
                Words(
                    "Each network keeps its thousands of examples; 200 patients only have to fit a "
                    "weight or a small regression. Richer fusion has to beat that first.",
                    "每个网络保留从数千例学到的东西；200 名患者只需拟合一个权重或小回归。"
                    "更复杂的融合必须先胜过它。",
                ),
            ),
            Wrong(
                Words(
                    "At the inputs: one new network on both at once",
                    "在输入处：用一个新网络处理两者",
                ),
                Words(
                    "An image and a curve have no common grid, and the new network would start from "
                    "200 examples.",
                    "图像与曲线没有共同网格，而且新网络只能从 200 例学起。",
                ),
            ),
            Wrong(
                Words(
                    "In the middle: attention between all their layers",
                    "在中间：各层之间都加注意力",
                ),
                Words(
                    "The most flexible way, with the most parameters for 200 patients. It may pay "
                    "when thousands of pairs are there.",
                    "最灵活，但对 200 名患者参数最多。有数千对数据时才可能划算。",
                ),
            ),
            Wrong(
                Words(
                    "Nowhere: with 200 patients fusion cannot be tested",
                    "不融合：200 名患者无法检验",
                ),
                Words(
                    "A paired difference with its interval can be had from 200 patients; it may be "
                    "wide, and then says so.",
                    "200 名患者可以给出配对差及其区间；区间可能很宽，但会如实显示。",
                ),
            ),
        ),
        objective=Words("Choose where to fuse with few patients.", "患者很少时选择融合的位置。"),
        source=LESSON_10,
        answers=("B5", "B8"),
        points=1,
    ),
    Single(
        id="heart_fusion",
        title=Words("The heart case", "心脏案例"),
        stem=Words(
            'A list of meta-learning successes names: "heart disease: ECG and ultrasound were fused '
            'in one network". Why does it not belong there?',
            "一份元学习成功案例清单写道：“心脏病：把心电和超声融合在一个网络中”。为什么它不该列在其中？",
        ),
        options=(
            Wrong(
                Words("Because ECG curves cannot be learned by networks", "因为网络学不了心电曲线"),
                Words("They can, by 1-D convolutions for instance.", "可以，例如用一维卷积。"),
            ),
            Wrong(
                Words("Because meta-learning is for images alone", "因为元学习只适用于图像"),
                Words(
                    "It is about learning across tasks, whatever the data.",
                    "它讲的是跨任务学习，与数据类型无关。",
                ),
            ),
            Right(
                Words(
                    "Because one task is learned, and no task adapted to",
                    "因为只学一个任务，没有任务适应",
                ),
                Words(
                    "Fusion combines inputs or models within a task. It becomes part of "
                    "meta-learning if, say, the fused features serve few-shot tasks.",
                    "融合是在一个任务内部组合输入或模型。"
                    "只有比如把融合特征用于小样本任务时，才成为元学习的一部分。",
                ),
            ),
            Wrong(
                Words(
                    "Because fusion needs three sources at the least", "因为融合至少需要三个来源"
                ),
                Words("Two suffice.", "两个就够了。"),
            ),
        ),
        objective=Words(
            "Place a fusion case beside meta-learning.", "说清融合案例与元学习的关系。"
        ),
        source="Hospedales et al. 2022, arXiv 2004.05439; lessons/02_families_and_challenges",
        answers=("B5", "B8"),
        points=1,
    ),
    Single(
        id="organ_rows",
        title=Words("Row 7 of three files", "三个文件的第 7 行"),
        stem=Words(
            "OrganAMNIST, OrganCMNIST and OrganSMNIST hold slices of the same CT scans, with "
            "34,561, 12,975 and 13,932 training images. Labels of equal row numbers agree as often "
            "as shuffled ones. What may you use?",
            "OrganAMNIST、OrganCMNIST 和 OrganSMNIST 是同一批 CT 的切片，训练图像分别有 34,561、"
            "12,975 和 13,932 张。相同行号的标签一致率与打乱后一样。你可以怎样使用？",
        ),
        options=(
            Wrong(
                Words(
                    "Rows as triples, cut to the shortest file", "按行组成三元组，截到最短的文件"
                ),
                Words(
                    "Row 7 is another organ in each file: the head gets two images that have nothing "
                    "to do with its label.",
                    "第 7 行在各文件里是不同的器官：分类头得到的另外两张图与标签无关。",
                ),
            ),
            Right(
                Words(
                    "Each file for itself, and their common split", "各文件单独使用，保持共同划分"
                ),
                Words(
                    "Train, validation and test patients are the same in the three, so no patient "
                    "crosses over. For true views cut the volumes of OrganMNIST3D.",
                    "三个文件的训练、验证和测试患者相同，所以患者不会跨集合。"
                    "要真正的多视图，就从 OrganMNIST3D 的体数据切取。",
                ),
            ),
            Wrong(
                Words(
                    "Rows as triples, but sorted by label first", "先按标签排序，再按行组成三元组"
                ),
                Words(
                    "Then the labels agree, by force: a liver of one patient beside the liver of "
                    "another. And at test time one has no labels to sort by.",
                    "那样标签被强行对齐：一位患者的肝配上另一位患者的肝。而测试时没有标签可排。",
                ),
            ),
            Wrong(
                Words(
                    "Train on one file, test on all of another",
                    "在一个文件上训练，在另一个上全部测试",
                ),
                Words(
                    "The other file's training images show the training patients.",
                    "另一个文件的训练图像来自训练患者。",
                ),
            ),
        ),
        objective=Words(
            "Know what is paired in MedMNIST and what is not.", "知道哪些数据是配对的。"
        ),
        source=f"{LESSON_10}; Yang et al. 2023, MedMNIST v2",
        answers=("B8",),
        points=1,
    ),
    Numeric(
        id="two_absent",
        title=Words("Gates with two views absent", "缺两个视图的门控"),
        stem=Words(
            "Four views have the gate logits {first}, {second}, 3 and 0. The last two are missing. "
            "What is the gate of the second view?",
            "四个视图的门控 logit 为 {first}、{second}、3 和 0。后两个视图缺失。第二个视图的门控值是多少？",
        ),
        given={"first": (0.5, 1.0, 1.5), "second": (-0.5, 0.0, 0.8, 2.0)},
        key=gate_of_the_second,
        slips=(
            Slip(
                lambda first, second: (
                    math.exp(second) / (math.exp(first) + math.exp(second) + math.exp(3) + 1)
                ),
                Words(
                    "The missing views still take their share: the gates of the other two do not "
                    "sum to 1.",
                    "缺失的视图仍占了份额：另外两个的门控值之和不为 1。",
                ),
            ),
            Slip(
                lambda first, second: math.exp(second) / (math.exp(first) + math.exp(second) + 2),
                Words(
                    "Logits of 0 in place of minus infinity: e to the 0 is 1, twice.",
                    "把 logit 设成 0 而不是负无穷：e 的 0 次方是 1，出现了两次。",
                ),
            ),
            Slip(
                lambda first, second: math.exp(first) / (math.exp(first) + math.exp(second)),
                Words("That is the gate of the first view.", "那是第一个视图的门控值。"),
            ),
        ),
        why=Words(
            "Only {first} and {second} take part: e^{second} / (e^{first} + e^{second}) = {key}.",
            "只有 {first} 和 {second} 参与：e^{second} /（e^{first} + e^{second}）= {key}。",
        ),
        objective=Words("Compute gates over present views.", "计算对现有视图的门控。"),
        source=f"{ILSE}; {VIEWS}",
        answers=("B5",),
    ),
    Numeric(
        id="chance_agreement",
        title=Words("Agreement by chance", "偶然的一致"),
        stem=Words(
            "Two files with five classes are paired by row. Class 0 makes up {common_a} of the rows "
            "of the first and {common_b} of the second; the other four classes share the rest "
            "equally. Which agreement of labels would shuffled rows have?",
            "两个有五个类别的文件按行配对。类别 0 在第一个文件中占 {common_a}，在第二个中占 "
            "{common_b}；其余四个类别平分剩下的部分。打乱行之后标签的一致率是多少？",
        ),
        given={"common_a": (0.6, 0.7, 0.8), "common_b": (0.4, 0.5, 0.9)},
        key=agreement_by_chance,
        slips=(
            Slip(
                lambda common_a, common_b: 0.2,
                Words(
                    "1 / 5 would hold if all classes were equally frequent in one of the files.",
                    "只有某个文件各类别一样多时才是 1 / 5。",
                ),
            ),
            Slip(
                lambda common_a, common_b: common_a * common_b,
                Words(
                    "The four rare classes may agree, too: four times the product of their shares.",
                    "四个少见类别也可能一致：再加四倍的份额之积。",
                ),
            ),
            Slip(
                lambda common_a, common_b: common_a * common_b + (1 - common_a) * (1 - common_b),
                Words(
                    "That takes the four rare classes for one. Two rare rows agree in one of four "
                    "cases.",
                    "那是把四个少见类别当成一个。两行都少见时，四次中只有一次一致。",
                ),
            ),
        ),
        why=Words(
            "Sum over the classes of the product of the shares: {common_a} · {common_b} and, for the "
            "rest, a quarter of the product of what is left: {key}.",
            "对各类别求份额之积的和：{common_a} · {common_b}，再加上剩余份额之积的四分之一：{key}。",
        ),
        objective=Words("Know what agreement chance alone gives.", "知道偶然一致率是多少。"),
        source=f"{LESSON_10}; solutions/10_fusion_views",
        answers=("B8",),
    ),
    Formula(
        id="stays",
        title=Words("How often a view stays", "视图保留的概率"),
        stem=Words(
            "Each of `k` views is dropped with probability `r`; where all would go, one of them, "
            "drawn uniformly, stays. With which probability does a given view stay?",
            "`k` 个视图各以概率 `r` 被丢弃；若全部会被丢弃，则均匀随机保留其中一个。"
            "某个给定视图保留的概率是多少？",
        ),
        variables={"k": (1, 6), "r": (0, 1)},
        key=lambda k, r: (1 - r) + r**k / k,
        example="1 - r + r ** k / k",
        slips=(
            Slip(
                "1 - r",
                Words(
                    "That lets r ** k of the examples go without any view.",
                    "那样会有 r ** k 的样本一个视图也没有。",
                ),
            ),
            Slip(
                "(1 - r) / (1 - r ** k)",
                Words(
                    'That is the rule "draw again until something is left": the survivors then come '
                    "from all the other cases.",
                    "那是“重新抽直到有剩余”的规则，结果来自其他所有情形。",
                ),
            ),
            Slip(
                "1 - r + r ** k",
                Words(
                    "The rescue goes to one of the k views: each gets a k-th of it.",
                    "被保留的是 k 个视图中的一个：每个只分到 k 分之一。",
                ),
            ),
        ),
        why=Words(
            "It is not dropped with 1 - r. With r ** k all would go, and in one of k such cases it "
            "is the one that stays.",
            "不被丢弃的概率是 1 - r。以 r ** k 全部会被丢弃，其中 k 分之一的情形由它留下。",
        ),
        objective=Words("Derive what modality dropout does.", "推导模态丢弃的概率。"),
        source=f"{VIEWS}, modality_dropout",
        answers=("B5",),
        points=1,
    ),
    Shape(
        id="coronal",
        title=Words("Coronal slices for a 2-D network", "给 2-D 网络的冠状位切片"),
        stem=Words(
            "{n} volumes `[n, depth, height, width]` are {depth} x {height} x {width} voxels. The "
            "middle coronal slices, seen along the height, go into a 2-D CNN for grey images. What "
            "is the shape of its input?",
            "{n} 个体数据 `[n, depth, height, width]`，大小为 {depth} x {height} x {width} 体素。"
            "沿高度方向取中间冠状位切片，送入处理灰度图像的 2-D CNN。输入的形状是什么？",
        ),
        given={"n": (4, 8), "depth": (20, 24, 36), "height": (28, 32), "width": (40, 48)},
        key=coronal_shape,
        slips=(
            Slip(
                lambda n, depth, height, width: (n, 1, height, width),
                Words(
                    "That is the axial slice: it is the depth that it has lost.",
                    "那是轴位切片：它失去的是深度轴。",
                ),
            ),
            Slip(
                lambda n, depth, height, width: (n, 1, depth, height),
                Words(
                    "That is the sagittal slice: it has lost the width.",
                    "那是矢状位切片：它失去的是宽度轴。",
                ),
            ),
            Slip(
                lambda n, depth, height, width: (n, depth, width),
                Words(
                    "The channel is missing: a 2-D CNN takes `[n, channels, rows, columns]`.",
                    "缺了通道轴：2-D CNN 要 `[n, channels, rows, columns]`。",
                ),
            ),
            Slip(
                lambda n, depth, height, width: (n, 1, width, depth),
                Words(
                    "Transposed: the axes that are left keep their order.",
                    "转置了：剩下的轴保持原来的次序。",
                ),
            ),
        ),
        why=Words(
            "The height is fixed; depth and width are left, in this order, behind one channel: "
            "{key}.",
            "高度被固定；剩下深度和宽度，次序不变，前面是一个通道：{key}。",
        ),
        objective=Words("Follow the axes of a volume.", "跟踪体数据的各个轴。"),
        source=f"{VIEWS}, orthogonal_views",
        answers=("B5", "B8"),
        points=1,
    ),
    Predict(
        id="masked_softmax",
        title=Words("Masked before, masked after", "先掩码还是后掩码"),
        stem=Words("What is the value of the last line?", "最后一行的值是什么？"),
        code="""
import torch

logits = torch.zeros(4)
present = torch.tensor([True, True, False, False])
before = logits.masked_fill(~present, -torch.inf).softmax(0)
after = logits.softmax(0) * present
zeros = logits.masked_fill(~present, 0.0).softmax(0)
before[0].item(), after.sum().item(), zeros[2].item()
""",
        slips=(
            Slip(
                (0.5, 1.0, 0.0),
                Words(
                    "Only the first is masked before the softmax. Afterwards half of the shares is "
                    "struck off, and a logit of 0 is a share like any other.",
                    "只有第一个在 softmax 之前掩码。事后掩码会划掉一半份额，而 logit 为 0 仍占一份。",
                ),
            ),
            Slip(
                (0.25, 0.5, 0.25),
                Words(
                    "With minus infinity the two missing views take no share: two present ones get "
                    "a half each.",
                    "用负无穷时两个缺失视图不占份额：两个现有视图各得一半。",
                ),
            ),
            Slip(
                (0.5, 0.5, 0.0),
                Words(
                    "A logit of 0 is not a gate of 0: e to the 0 is 1, one of four.",
                    "logit 为 0 并不是门控为 0：e 的 0 次方是 1，占四分之一。",
                ),
            ),
        ),
        why=Words(
            "Minus infinity leaves two halves. Masked afterwards, two quarters are left, 0.5 in all. "
            "With zeros in their place the missing views hold a quarter each.",
            "负无穷留下两个一半。事后掩码只剩两个四分之一，合计 0.5。用 0 代替时缺失视图各占四分之一。",
        ),
        objective=Words("Mask a softmax at the right moment.", "在正确的时候掩码。"),
        source=VIEWS,
        answers=("B5",),
    ),
    Bug(
        id="pairs_by_row",
        title=Words("Pairs of CT and MRI", "CT 与 MRI 的配对"),
        stem=Words(
            "Two archives, each a dict with the study's name and the image of every row. The "
            "function should return the pairs of images of one study. Its pairs mix patients.",
            "两个存档，都是字典，每行有检查编号和图像。函数应返回同一检查的图像对，但得到的配对混淆了患者。",
        ),
        code="""
def pairs(ct, mri):
    found = []
    place = {study: row for row, study in enumerate(mri["study"])}
    for row, study in enumerate(ct["study"]):
        if row < len(mri["study"]):
            other = row
            found.append((ct["image"][row], mri["image"][other]))
    return found
""",
        fixes=(
            Fix(
                5,
                'if row < len(mri["study"]) and study in place:',
                Words(
                    "That drops studies without an MRI, and still takes whatever lies in the same "
                    "row.",
                    "这样去掉了没有 MRI 的检查，但仍取同一行的任何图像。",
                ),
            ),
            Fix(
                6,
                "other = place.get(study, row)",
                Words(
                    "Right for studies that have an MRI. The others still get a stranger's.",
                    "对有 MRI 的检查是对的，其余仍会配上别人的。",
                ),
            ),
            Fix(
                5,
                "for other in [place[study]] if study in place else []:",
                Words(
                    "Line 6 then sets it back to the row number: a stranger once more.",
                    "第 6 行又把它改回行号：仍然是别人的。",
                ),
            ),
            Fix(
                4,
                'for row, study in enumerate(s for s in ct["study"] if s in place):',
                Words(
                    "Now the row numbers do not even fit the CT archive any more.",
                    "这样行号连 CT 存档都对不上了。",
                ),
            ),
            Fix(
                7,
                'found += [(ct["image"][row], mri["image"][place[s]]) for s in place if s == study]',
                Words(
                    "The MRI is looked up by the study's name, and a study without one adds nothing. "
                    "Rows say nothing about patients.",
                    "按检查编号查找 MRI，没有 MRI 的检查不产生配对。行号与患者无关。",
                ),
            ),
        ),
        works=rows_are_paired,
        objective=Words("Pair images by study and not by row.", "按检查而不是按行配对。"),
        source=LESSON_10,
        answers=("B8",),
    ),
    Order(
        id="study_steps",
        title=Words("A study of two modalities", "两种模态的研究"),
        stem=Words(
            "You want to know whether MRI adds anything to CT. Put the steps in order.",
            "你想知道 MRI 是否在 CT 之外有所贡献。把步骤按先后排好。",
        ),
        steps=(
            Step(
                Words(
                    "Join CT and MRI by the patient's study", "按患者的检查把 CT 与 MRI 对应起来"
                ),
                Words(
                    "Before all else: what does not belong together teaches nothing.",
                    "首先：不属于同一患者的数据学不到东西。",
                ),
            ),
            Step(
                Words("Check the join by labels and by eye", "用标签和肉眼核对这种对应"),
                Words("Agreement near chance stops the study here.", "一致率接近偶然就到此为止。"),
            ),
            Step(
                Words("Split by patient, once, for all networks", "按患者划分一次，所有网络共用"),
                Words("Both images of a patient on one side.", "患者的两种图像在同一侧。"),
            ),
            Step(
                Words(
                    "Train CT alone, MRI alone and the fusion", "分别训练单 CT、单 MRI 和融合网络"
                ),
                Words("Without the single ones no gain can be named.", "没有单模态就谈不上收益。"),
            ),
            Step(
                Words("Choose among them on validation patients", "在验证患者上作出选择"),
                Words("The test set must not choose.", "不能用测试集来选择。"),
            ),
            Step(
                Words("Report the paired gain on test patients", "在测试患者上报告配对收益"),
                Words(
                    "With its interval, and for patients without MRI apart.",
                    "给出区间，并把没有 MRI 的患者分开。",
                ),
            ),
        ),
        objective=Words("Plan a fair test of a second modality.", "规划第二模态的公平检验。"),
        source=LESSON_10,
        answers=("B5", "B8"),
    ),
    Match(
        id="remedies",
        title=Words("What went wrong, what helps", "问题与对策"),
        stem=Words(
            "What helps against each of these failures of a fused network?",
            "融合网络的下列问题各用什么对策？",
        ),
        pairs=(
            Pair(
                Words("Without the ECG the answers are random", "没有心电时回答是随机的"),
                Words("Drop whole views in training", "训练时随机丢弃整个视图"),
                Words(
                    "The network must have practised with what is left.", "网络要练习过缺失的情形。"
                ),
            ),
            Pair(
                Words("Leaving out the ultrasound changes nothing", "去掉超声结果毫无变化"),
                Words("A loss of its own for each view", "给每个视图加单独的损失"),
                Words(
                    "The unused encoder is taught by its own head, whatever the other one can do.",
                    "未被使用的编码器由自己的分类头来训练。",
                ),
            ),
            Pair(
                Words(
                    "The label agreement of pairs is that of chance", "配对标签的一致率只有偶然水平"
                ),
                Words("Join by study, not by row", "按检查而非按行对应"),
                Words("The views are of different patients.", "这些视图来自不同患者。"),
            ),
            Pair(
                Words("A nan in a missing image spoils the batch", "缺失图像里的 nan 毁掉整个批次"),
                Words("Fill before the encoder, then mask", "先在编码器前填充，再掩码"),
                Words(
                    "0 times nan is nan, forwards and backwards.",
                    "0 乘 nan 仍是 nan，前向反向都一样。",
                ),
            ),
            Pair(
                Words("The paired data are few, single ones many", "配对数据少、单模态数据多"),
                Words("Late fusion of finished networks", "对训练好的网络做晚期融合"),
                Words("Each network uses all of its own data.", "每个网络用上自己的全部数据。"),
            ),
        ),
        objective=Words("Know a remedy for each failure of fusion.", "知道各种融合问题的对策。"),
        source=f"{LESSON_10}; {MODDROP}",
        answers=("B5", "B8"),
        points=1,
    ),
    Multi(
        id="collapse_signs",
        title=Words("Does it use both?", "两者都用上了吗？"),
        stem=Words(
            "A network of CT and report text has an AUROC of 0.90. Which of these findings tell that "
            "it hardly uses the CT?",
            "一个用 CT 和报告文本的网络 AUROC 为 0.90。下列哪些发现说明它几乎没用 CT？",
        ),
        options=(
            Wrong(
                Words("Its AUROC is higher than that of CT alone", "它的 AUROC 高于单用 CT"),
                Words(
                    "So it would be if it used both, too: the text may simply say more.",
                    "两者都用时也会如此：也许只是文本信息更多。",
                ),
            ),
            Right(
                Words("Leaving the CT out leaves the loss as it was", "去掉 CT 后损失不变"),
                Words(
                    "Reliance near 0: what it does without the CT it does with it.",
                    "依赖度接近 0：有没有 CT 都一样。",
                ),
            ),
            Right(
                Words("CTs shuffled among patients do no harm", "在患者之间打乱 CT 也没有影响"),
                Words(
                    "A stranger's CT is as good as the patient's own: it is not looked at.",
                    "别人的 CT 与患者自己的一样好：说明根本没看。",
                ),
            ),
            Wrong(
                Words("Its CT encoder has fewer parameters", "它的 CT 编码器参数较少"),
                Words("Size is not use.", "大小不等于使用。"),
            ),
            Right(
                Words(
                    "The gate of the CT is near 0 for every patient", "每位患者的 CT 门控都接近 0"
                ),
                Words(
                    "The gates say by themselves how much of a view goes into the sum.",
                    "门控值直接说明视图在求和中占多少。",
                ),
            ),
            Wrong(
                Words("CT alone reaches 0.80 in a network of its own", "单独的 CT 网络达到 0.80"),
                Words(
                    "That shows that the CT has something to say, not whether it is heard here.",
                    "那说明 CT 有信息，并不说明这里用上了。",
                ),
            ),
        ),
        objective=Words("Detect unimodal collapse.", "发现单模态坍缩。"),
        source=LESSON_10,
        answers=("B5", "B8"),
    ),
)

CARDS = (
    Card(
        id="second_modality",
        prompt=Words(
            "You are offered ECGs beside your CT scans. How would you find out whether they help?",
            "除了 CT，现在还可以用心电。你怎样判断它是否有帮助？",
        ),
        rubric=(
            Words("joined by patient, and the join checked", "按患者对应，并核对这种对应"),
            Words("single networks and late fusion as baselines", "以单模态网络和晚期融合为基线"),
            Words("paired difference with its interval", "配对差值及其区间"),
            Words("reliance on each: leave out, shuffle", "对各模态的依赖：去掉、打乱"),
        ),
        model=Words(
            "I join the two by patient and study and look at a few pairs; labels of both that agree "
            "only as often as chance would stop me. I split by patient once. Then three networks: CT "
            "alone, ECG alone, and the average of their outputs, before anything richer. The question "
            "is the paired difference between fusion and CT alone on test patients, with an interval. "
            "And I leave the ECG out and shuffle it among patients: if nothing changes, it is not "
            "used, whatever the score. Patients without an ECG are reported apart.",
            "先按患者和检查把两者对应，并看几对实例；如果标签一致率只有偶然水平，就停下来。"
            "按患者划分一次。然后训练三个：单 CT、单心电、两者输出的平均，之后才考虑更复杂的。"
            "要看的是测试患者上融合与单 CT 的配对差及其区间。我还会去掉心电、在患者间打乱心电："
            "如果没有变化，无论得分多高，它都没有被使用。没有心电的患者单独报告。",
        ),
        source=LESSON_10,
        answers=("B5", "B8"),
    ),
    Card(
        id="missing_view",
        prompt=Words(
            "How do you build a network that works when any of its inputs may be missing?",
            "怎样构建一个任何输入都可能缺失、仍能工作的网络？",
        ),
        rubric=(
            Words("a mask beside the data, not a magic value", "数据旁有掩码，而不是特殊数值"),
            Words("softmax over the present views only", "只对现有视图做 softmax"),
            Words("whole views dropped in training, never all", "训练时丢弃整个视图，但从不全丢"),
            Words("results for each pattern of what is missing", "按缺失模式分别报告结果"),
            Words("why it is missing may tell about the patient", "缺失的原因可能与病情有关"),
        ),
        model=Words(
            "Each view has its encoder, and beside the features there is a mask. The gates are a "
            "softmax over the present views, so a missing one is the same as one that is not in the "
            "list; what stands in its place must not matter, and a test proves it, with nan. In "
            "training I drop views at random and always leave one. I report each pattern of missing "
            "views apart, for an average hides them. And I ask why views are missing: if only the "
            "very ill have no MRI, the mask itself is a finding, and may not carry over to another "
            "clinic.",
            "每个视图有编码器，特征旁边有掩码。门控是对现有视图的 softmax，"
            "所以缺失等同于不在列表里；缺失处的内容必须不起作用，用 nan 做测试来证明。"
            "训练时随机丢弃视图，但总留一个。各种缺失模式分别报告，因为平均会掩盖它们。"
            "我还会问为什么缺失：如果只有重症患者没有 MRI，掩码本身就是信息，换一家医院可能不再成立。",
        ),
        source=f"{VIEWS}; {MODDROP}",
        answers=("B5", "B8"),
    ),
    Card(
        id="no_gain",
        prompt=Words(
            "Your three-view network is no better than the best single view. What do you look at?",
            "你的三视图网络并不比最好的单视图好。你检查什么？",
        ),
        rubric=(
            Words("are the rows pairs at all?", "各行真的配对吗？"),
            Words("axes: is each view what it is called?", "坐标轴：每个视图名副其实吗？"),
            Words("reliance: is one view doing it all?", "依赖度：是否只用了一个视图？"),
            Words(
                "do the views say the same? then nothing is to gain",
                "视图信息是否重复？重复就没有收益",
            ),
            Words("is the interval too wide to show a gain?", "区间是否宽得看不出收益？"),
        ),
        model=Words(
            "First the data: do the rows belong together, and is each view what its name says? On "
            "cubes a wrong axis raises no error. Then the network: I leave each view out in turn. If "
            "only one matters, I try the late average of single-view networks, which cannot "
            "collapse, a loss for each view, or dropped views. If all matter and nothing is gained, "
            "the views probably say the same; three slices of one small volume share most of what "
            "they show. Last the interval: with 300 patients a gain of two points cannot be seen.",
            "先查数据：各行是否属于同一患者，每个视图是否名副其实？立方体上轴弄错也不会报错。"
            "再查网络：依次去掉每个视图。如果只有一个起作用，我会试单视图网络的晚期平均（不会坍缩）、"
            "每个视图单独的损失，或随机丢弃视图。如果都起作用却没有收益，视图大概说的是同样的内容；"
            "同一小体数据的三张切片大部分信息是共有的。最后看区间：300 名患者看不出两个百分点的收益。",
        ),
        source=f"{LESSON_10}; {VIEWS}",
        answers=("B5", "B8"),
    ),
)
