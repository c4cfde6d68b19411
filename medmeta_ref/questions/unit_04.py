"""Interview questions of unit 04: prototypical networks."""

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

LESSON = ("B7",)
EXERCISES = {
    "prototypes": ("B7",),
    "prototypical_logits": ("B7",),
    "prototypical_loss": ("B7",),
    "as_linear": ("B7",),
    "one_more_example": ("B7",),
    "bug_lines": ("B7",),
    "classifier_test": ("B7",),
}

SNELL = "Snell, Swersky and Zemel 2017, arXiv 1703.05175"


def nearer_probability(near: float, far: float) -> float:
    """Return the probability of the nearer of two prototypes, given both distances."""
    return 1 / (1 + math.exp(near**2 - far**2))


def printed_over_meant(n_way: int, k_shot: int) -> float:
    """Return how much longer a prototype is with 1/N_C than with 1/N_S, by making both."""
    features = torch.ones(k_shot, 3, dtype=torch.float64)
    return float((features.sum(0) / n_way).norm() / features.mean(0).norm())


def logits_shape(n_way: int, k_shot: int, n_query: int, n_features: int) -> tuple[int, ...]:
    """Return the shape of the query logits of an episode."""
    means = torch.zeros(n_way, k_shot, n_features).mean(1)
    queries = torch.zeros(n_way * n_query, n_features)
    return (queries[:, None] - means).square().sum(2).shape


def means_are_right(names: dict[str, Any]) -> bool:
    """Return whether ragged, unsorted examples get the logits of their class means."""
    features = torch.tensor([[0.0, 0.0], [4.0, 2.0], [2.0, 0.0], [1.0, 3.0]])
    labels = torch.tensor([0, 1, 0, 0])
    queries = torch.tensor([[1.0, 1.0], [3.0, 2.0], [-1.0, 0.0]])
    means = torch.tensor([[1.0, 1.0], [4.0, 2.0]])
    wanted = -(queries[:, None] - means).square().sum(2)
    got = names["classify"](features, labels, queries, 2)
    return bool(got.shape == wanted.shape and torch.allclose(got, wanted))


QUESTIONS = (
    Single(
        id="what_is_learned",
        title=Words("What is learned?", "学到的是什么？"),
        stem=Words(
            'A text says: "Prototypical networks learn a prototype representation of every class." '
            "What is wrong with it?",
            "有文章说：“原型网络学习每个类别的原型表示。”这句话错在哪里？",
        ),
        options=(
            Wrong(
                Words(
                    "Nothing: the prototypes are rows of the last layer, trained by gradient",
                    "没有错：原型就是最后一层的各行，由梯度训练得到",
                ),
                Words(
                    "That is a classifier with a trained head. It has no row for a class that it "
                    "meets for the first time.",
                    "那是带可训练分类头的分类器。对第一次遇到的类别，它没有对应的行。",
                ),
            ),
            Right(
                Words(
                    "Prototypes are computed as means; what is learned is the embedding",
                    "原型是计算出来的均值；学到的是嵌入函数",
                ),
                Words(
                    "Gradient changes the embedding only. For a new class the prototype is the mean "
                    "of its embedded support examples, without any training.",
                    "梯度只改变嵌入函数。对新类别，原型就是其支持样本嵌入后的均值，不需要任何训练。",
                ),
            ),
            Wrong(
                Words(
                    "Prototypes are chosen among the support images, one for every class",
                    "原型是从支持图像中为每个类别挑选出来的一张",
                ),
                Words(
                    "That would be a medoid. The mean is usually no image at all.",
                    "那是中心样本（medoid）。均值通常不是任何一张图像。",
                ),
            ),
            Wrong(
                Words(
                    "Nothing is learned: the method is a nearest neighbour search on pixels",
                    "什么也没学：该方法就是在像素上找最近邻",
                ),
                Words(
                    "On raw pixels it would be a nearest-mean classifier, a baseline worth having. "
                    "The network's part is the embedding.",
                    "直接用像素就是最近均值分类器，是值得保留的基线。网络的作用在于嵌入。",
                ),
            ),
        ),
        objective=Words(
            "Say what is trained and what is computed.", "说清楚哪些是训练的，哪些是计算的。"
        ),
        source=f"{SNELL}, section 2.2",
        answers=("B7",),
        points=1,
    ),
    Single(
        id="one_shot",
        title=Words("One shot", "单样本的情形"),
        stem=Words(
            "With one support example per class, what does the prediction of a prototypical network "
            "come to?",
            "每个类别只有一个支持样本时，原型网络的预测等同于什么？",
        ),
        options=(
            Wrong(
                Words(
                    "A linear layer that was trained on the support set to convergence",
                    "在支持集上训练到收敛的线性层",
                ),
                Words(
                    "It is linear, but nothing was trained: weights and biases are read off the "
                    "examples.",
                    "它确实是线性的，但没有训练：权重和偏置直接由样本得到。",
                ),
            ),
            Wrong(
                Words(
                    "A random guess, since a mean of one example has no variance",
                    "随机猜测，因为单个样本的均值没有方差",
                ),
                Words(
                    "The mean of one example is that example. It is a noisy prototype, not a "
                    "useless one.",
                    "单个样本的均值就是它自己。这个原型噪声大，但并非没有用。",
                ),
            ),
            Right(
                Words(
                    "The nearest neighbour among the support examples, in the embedding",
                    "在嵌入空间里找最近的支持样本",
                ),
                Words(
                    "Each prototype is its one example, so the nearest prototype is the nearest "
                    "neighbour.",
                    "每个原型就是唯一的那个样本，最近的原型就是最近邻。",
                ),
            ),
            Wrong(
                Words(
                    "The class whose example is longest, because of the bias",
                    "样本向量最长的那个类别，因为有偏置项",
                ),
                Words(
                    "The bias -|c|² holds long prototypes back. It is what makes the linear layer "
                    "equal to a comparison of distances.",
                    "偏置 -|c|² 恰好抑制较长的原型，使线性层等价于比较距离。",
                ),
            ),
        ),
        objective=Words("Relate prototypes to the nearest neighbour.", "说明原型与最近邻的关系。"),
        source=f"{SNELL}, section 2.6",
        answers=("B7",),
        points=1,
    ),
    Single(
        id="why_squared",
        title=Words("Why squared?", "为什么要平方？"),
        stem=Words(
            "Why are logits minus the *squared* distance, and not minus the distance?",
            "logits 为什么取距离*平方*的相反数，而不是距离的相反数？",
        ),
        options=(
            Right(
                Words(
                    "Then the mean is the best centre of a class, and the classifier is linear",
                    "这样均值就是类别的最佳中心，而且分类器是线性的",
                ),
                Words(
                    "The squared distance is a Bregman divergence: no point has a smaller sum of "
                    "squares than the mean. And |q|² drops out, which leaves something linear.",
                    "平方距离是一种 Bregman 散度：没有别的点比均值的平方和更小。"
                    "而且 |q|² 会被消去，剩下的是线性函数。",
                ),
            ),
            Wrong(
                Words(
                    "The nearest prototype changes, and it is the right one only with the square",
                    "最近的原型会因此不同，只有平方后才正确",
                ),
                Words(
                    "Squaring keeps the order of distances, so the prediction is the same. The "
                    "probabilities, and so the gradients, are not.",
                    "平方不改变距离的大小次序，预测相同；不同的是概率，因而梯度也不同。",
                ),
            ),
            Wrong(
                Words(
                    "A distance may be negative, and a logit must not be, so it is squared",
                    "距离可能为负，而 logit 不能为负，所以要平方",
                ),
                Words(
                    "Distances are never negative, and logits may be: here all of them are.",
                    "距离从不为负，而 logit 可以为负：这里的全都是负的。",
                ),
            ),
            Wrong(
                Words(
                    "It makes the embedding invariant to the scale of the input images",
                    "它使嵌入对输入图像的尺度不变",
                ),
                Words(
                    "On the contrary: features twice as long give logits four times as large.",
                    "恰恰相反：特征放大 2 倍，logits 会变成 4 倍。",
                ),
            ),
        ),
        objective=Words("Give both reasons for the square.", "说出取平方的两个理由。"),
        source=f"{SNELL}, sections 2.3 and 2.4",
        answers=("B7",),
        points=1,
    ),
    Formula(
        id="lead",
        title=Words("The lead of one class", "一个类别的领先量"),
        stem=Words(
            "One feature only: a query at `q`, prototypes at `a` and `b`. By how much does the "
            "logit of class A lead that of class B? (The answer shows that the boundary is linear.)",
            "只有一个特征：查询样本在 `q`，两个原型在 `a` 和 `b`。"
            "A 类的 logit 比 B 类大多少？（从答案可以看出边界是线性的。）",
        ),
        variables={"q": (-3, 3), "a": (-3, 3), "b": (-3, 3)},
        key=lambda q, a, b: (q - b) ** 2 - (q - a) ** 2,
        example="2 * (a - b) * q - a ** 2 + b ** 2",
        slips=(
            Slip(
                "(q - a) ** 2 - (q - b) ** 2",
                Words(
                    "The sign is reversed: the nearer prototype must lead.",
                    "符号反了：较近的原型应当领先。",
                ),
            ),
            Slip(
                "2 * (a - b) * q",
                Words(
                    "The biases -a² and -b² are missing. They matter unless both prototypes are "
                    "equally long.",
                    "漏了偏置 -a² 和 -b²。除非两个原型一样长，否则它们有影响。",
                ),
            ),
            Slip(
                "(a - b) * q",
                Words(
                    "The factor 2 and the biases are missing: multiply the squares out.",
                    "漏了系数 2 和偏置：把平方展开看看。",
                ),
            ),
            Slip(
                "abs(q - b) - abs(q - a)",
                Words(
                    "These are plain distances; the logits are minus squared ones.",
                    "这是普通距离；logits 用的是距离平方的相反数。",
                ),
            ),
        ),
        why=Words(
            "-(q - a)² + (q - b)²: the q² cancels, and 2(a - b)q - a² + b² is left. Linear in q, "
            "and 0 halfway between the two prototypes.",
            "-(q - a)² + (q - b)²：q² 抵消，剩下 2(a - b)q - a² + b²。"
            "它是 q 的线性函数，在两个原型正中间为 0。",
        ),
        objective=Words("Show that the classifier is linear.", "证明该分类器是线性的。"),
        source=f"{SNELL}, section 2.4",
        answers=("B7",),
    ),
    Shape(
        id="logits_shape",
        title=Words("The shape of the logits", "logits 的形状"),
        stem=Words(
            "An episode has {n_way} classes, {k_shot} support and {n_query} query images of each, "
            "and the embedding has {n_features} features. What is the shape of the query logits?",
            "一个 episode 有 {n_way} 个类别，每类 {k_shot} 张支持图像、{n_query} 张查询图像，"
            "嵌入有 {n_features} 个特征。查询 logits 的形状是什么？",
        ),
        given={
            "n_way": (3, 4, 5),
            "k_shot": (2, 6, 10),
            "n_query": (8, 12, 15),
            "n_features": (32, 64, 128),
        },
        key=logits_shape,
        slips=(
            Slip(
                lambda n_way, k_shot, n_query, n_features: (n_way * n_query, n_features),
                Words(
                    "Those are the query features. Each is compared with every prototype.",
                    "那是查询特征。每个都要与所有原型比较。",
                ),
            ),
            Slip(
                lambda n_way, k_shot, n_query, n_features: (n_query, n_way),
                Words(
                    "There are {n_query} queries of *each* class.",
                    "{n_query} 是*每个*类别的查询数。",
                ),
            ),
            Slip(
                lambda n_way, k_shot, n_query, n_features: (n_way * n_query, n_way * k_shot),
                Words(
                    "That compares with every support example; they have been averaged into one "
                    "prototype per class.",
                    "那是与每个支持样本比较；它们已平均成每类一个原型。",
                ),
            ),
        ),
        why=Words(
            "One row per query image, one column per class: {key}. Neither the number of shots nor "
            "that of features is left.",
            "每张查询图像一行，每个类别一列：{key}。样本数和特征数都不再出现。",
        ),
        objective=Words("Follow the shapes through an episode.", "在一个 episode 中追踪形状。"),
        source=SNELL,
        answers=("B7",),
        points=1,
    ),
    Numeric(
        id="nearer",
        title=Words("From distances to a probability", "从距离到概率"),
        stem=Words(
            "A query is at distance {near} from one prototype and at distance {far} from the only "
            "other one. Which probability does the nearer class get?",
            "一个查询样本到一个原型的距离是 {near}，到另一个（仅有的）原型的距离是 {far}。"
            "较近的类别得到多大的概率？",
        ),
        given={"near": (0.5, 0.8, 1.0, 1.1), "far": (1.3, 1.4, 1.5, 1.6)},
        key=nearer_probability,
        slips=(
            Slip(
                lambda near, far: 1 / (1 + math.exp(near - far)),
                Words(
                    "That takes the distances as they are: square {near} and {far} first.",
                    "这里直接用了距离：应先把 {near} 和 {far} 平方。",
                ),
            ),
            Slip(
                lambda near, far: 1 / (1 + math.exp(far**2 - near**2)),
                Words(
                    "That is the probability of the farther class: logits are *minus* the squares.",
                    "那是较远类别的概率：logits 是平方的*相反数*。",
                ),
            ),
            Slip(
                lambda near, far: far / (near + far),
                Words(
                    "Shares of the distance are no softmax: exponentials of minus the squares are "
                    "compared.",
                    "按距离分配比例不是 softmax：要比较的是负平方的指数。",
                ),
            ),
        ),
        why=Words(
            "1 / (1 + exp({near}² - {far}²)) = {key}.",
            "较近的类别得到 1 / (1 + exp({near}² - {far}²)) = {key}。",
        ),
        objective=Words("Compute a prototypical probability by hand.", "手算原型网络给出的概率。"),
        source=f"{SNELL}, equation 2",
        answers=("B7",),
    ),
    Numeric(
        id="misprint",
        title=Words("A misprint", "一处印刷错误"),
        stem=Words(
            "Algorithm 1 of the paper prints $1/N_C$ (classes in the episode) in front of the sum "
            "over the support examples of a class. Somebody codes it as printed. In a "
            "{n_way}-way {k_shot}-shot episode, how many times as long are their prototypes as the "
            "class means?",
            "论文的算法 1 在一个类别支持样本的求和前印的是 $1/N_C$（episode 中的类别数）。"
            "有人照此实现。在 {n_way} 类、每类 {k_shot} 个样本的 episode 中，"
            "这样得到的原型长度是类别均值的多少倍？",
        ),
        given={"n_way": (4, 8, 20), "k_shot": (3, 7, 15)},
        key=printed_over_meant,
        slips=(
            Slip(
                lambda n_way, k_shot: n_way / k_shot,
                Words(
                    "The other way round: the sum of {k_shot} examples is divided by {n_way}.",
                    "反了：是 {k_shot} 个样本之和除以 {n_way}。",
                ),
            ),
            Slip(
                1,
                Words(
                    "They are equal only if there are as many shots as classes, which is why the "
                    "misprint survives.",
                    "只有样本数等于类别数时才相等，这正是印刷错误没被发现的原因。",
                ),
            ),
            Slip(
                lambda n_way, k_shot: 1 / n_way,
                Words(
                    "That compares with the sum, not with the mean of {k_shot} examples.",
                    "这是与总和比较，而不是与 {k_shot} 个样本的均值比较。",
                ),
            ),
        ),
        why=Words(
            "Sum over {n_way} against sum over {k_shot}: {key} times. Meant is 1/N_S, the number of "
            "support examples of the class.",
            "总和除以 {n_way} 与除以 {k_shot} 相比：{key} 倍。本意是 1/N_S，即该类支持样本的个数。",
        ),
        objective=Words("Check a printed formula by its units.", "用量纲检查印出来的公式。"),
        source=f"{SNELL}, Algorithm 1",
        answers=("B7",),
        points=1,
    ),
    Predict(
        id="sorted_or_not",
        title=Words("Blocks of rows", "按行分块"),
        stem=Words("What is the value of the last line?", "最后一行的值是什么？"),
        code="""
import torch

features = torch.tensor([[0.0], [10.0], [2.0], [12.0]])
labels = torch.tensor([0, 1, 0, 1])
blocks = features.view(2, 2, 1).mean(1)
masked = torch.stack([features[labels == c].mean(0) for c in range(2)])
query = torch.tensor([[6.4]])
nearest = [(query - p).abs().argmin().item() for p in (blocks, masked)]
blocks.tolist() == [[5.0], [7.0]], masked[1].item(), nearest
""",
        slips=(
            Slip(
                (False, 11, [1, 1]),
                Words(
                    "`view` knows nothing of labels: rows 0 and 1 make the first block, (0 + 10)/2 "
                    "= 5.",
                    "`view` 不看标签：第 0、1 行组成第一块，(0 + 10)/2 = 5。",
                ),
            ),
            Slip(
                (True, 11, [0, 1]),
                Words(
                    "6.4 is nearer to 7 than to 5, so the blocks say class 1. And the right "
                    "prototypes are 1 and 11.",
                    "6.4 离 7 比离 5 近，所以分块的结果是类别 1。正确的原型是 1 和 11。",
                ),
            ),
            Slip(
                (True, 7, [1, 1]),
                Words(
                    "`masked` uses the labels: class 1 has 10 and 12.",
                    "`masked` 用到了标签：类别 1 是 10 和 12。",
                ),
            ),
        ),
        why=Words(
            "Blocks mix the classes: 5 and 7 in place of 1 and 11. Here the wrong prototypes even "
            "give the same class, so accuracy alone would not have told.",
            "分块把类别混在一起：得到 5 和 7，而不是 1 和 11。"
            "这里错误的原型甚至给出同一个类别，只看准确率发现不了。",
        ),
        objective=Words(
            "See what code assumes about the order of labels.", "看出代码对标签顺序的假设。"
        ),
        source="lessons/04_prototypes",
        answers=("B7",),
    ),
    Bug(
        id="ragged",
        title=Words("Five livers and one spleen", "五个肝脏和一个脾脏"),
        stem=Words(
            "This function should return minus the squared distances of the queries to the class "
            "means. With equal shots, as many as classes, its tests pass. With ragged shots they "
            "do not.",
            "这个函数应返回查询样本到各类均值的距离平方的相反数。"
            "样本数相等且等于类别数时测试通过；各类样本数不同时就不行了。",
        ),
        code="""
import torch

def classify(features, labels, queries, n_way):
    sums = torch.zeros(n_way, features.shape[1])
    sums.index_add_(0, labels, features)
    means = sums / n_way
    gaps = queries[:, None] - means
    return -(gaps ** 2).sum(2)
""",
        fixes=(
            Fix(
                6,
                "means = sums / (len(labels) / n_way)",
                Words(
                    "The mean number of shots: right for equal shots of any number, still wrong "
                    "for ragged ones.",
                    "这是平均样本数：样本数相等时正确，不等时仍然错。",
                ),
            ),
            Fix(
                6,
                "means = sums / torch.bincount(labels, minlength=n_way)",
                Words(
                    "The right counts along the wrong axis: they meet the features, not the "
                    "classes. `[:, None]` is missing.",
                    "个数对了，但方向错了：除到了特征上而不是类别上，缺 `[:, None]`。",
                ),
            ),
            Fix(
                5,
                "sums.index_add_(0, labels.sort().values, features)",
                Words(
                    "Sorting the labels alone tears them from their features.",
                    "只给标签排序会使它们与特征对不上。",
                ),
            ),
            Fix(
                6,
                "means = sums / torch.bincount(labels, minlength=n_way)[:, None]",
                Words(
                    "Every class is divided by its own number of examples.",
                    "每个类别除以自己的样本数。",
                ),
            ),
            Fix(
                8,
                "return -(gaps ** 2).mean(2)",
                Words(
                    "That divides the logits by the number of features, a temperature that nobody "
                    "chose.",
                    "那会把 logits 除以特征数，相当于一个谁也没选过的温度。",
                ),
            ),
        ),
        works=means_are_right,
        objective=Words(
            "Write class means that survive ragged shots.", "写出样本数不等时也正确的类别均值。"
        ),
        source=f"{SNELL}, Algorithm 1; lessons/04_prototypes",
        answers=("B7",),
    ),
    Order(
        id="training_step",
        title=Words("One step of training", "训练的一步"),
        stem=Words(
            "Put the parts of one training step of a prototypical network in order.",
            "把原型网络一步训练的各部分按先后排好。",
        ),
        steps=(
            Step(
                Words("Draw classes from the base classes", "从基类中抽取若干类别"),
                Words(
                    "First it has to be known which classes the episode is about; novel classes "
                    "are never among them.",
                    "首先要确定这个 episode 用哪些类别；新类别绝不在其中。",
                ),
            ),
            Step(
                Words(
                    "Draw disjoint support and query images of these classes",
                    "为这些类别抽取互不重叠的支持图像和查询图像",
                ),
                Words(
                    "Images are drawn of the classes that were drawn before.",
                    "图像从已抽到的类别中抽取。",
                ),
            ),
            Step(
                Words("Embed all of them with the current network", "用当前网络嵌入全部图像"),
                Words("Means are taken of features, not of images.", "求均值的是特征，不是图像。"),
            ),
            Step(
                Words("Average the support features by class", "按类别对支持特征取平均"),
                Words("Distances need prototypes to be measured from.", "有了原型才能计算距离。"),
            ),
            Step(
                Words(
                    "Take the cross-entropy of minus the squared distances of the queries",
                    "对查询样本距离平方的相反数计算交叉熵",
                ),
                Words("The loss is that of the queries.", "损失是查询样本的损失。"),
            ),
            Step(
                Words("Change the network's weights along the gradient", "沿梯度更新网络的权重"),
                Words(
                    "The only thing that is learned changes last; the prototypes are thrown away.",
                    "唯一被学习的东西最后才改变；原型随即丢弃。",
                ),
            ),
        ),
        objective=Words("Tell an episode from beginning to end.", "从头到尾说清一个 episode。"),
        source=f"{SNELL}, Algorithm 1",
        answers=("B7",),
    ),
    Match(
        id="neighbours",
        title=Words("Relatives of the method", "相近的方法"),
        stem=Words(
            "Which description belongs to which few-shot classifier?",
            "下面的描述各对应哪个少样本分类方法？",
        ),
        pairs=(
            Pair(
                Words("Prototypical network", "原型网络"),
                Words(
                    "Embedding trained on episodes, compared with class means",
                    "在 episode 上训练嵌入，与类别均值比较",
                ),
                Words(
                    "Prototypical networks train on episodes and compare with one mean per class.",
                    "原型网络在 episode 上训练，与每类一个均值比较。",
                ),
            ),
            Pair(
                Words("Matching network", "匹配网络"),
                Words(
                    "Embedding trained on episodes, compared with every support example",
                    "在 episode 上训练嵌入，与每个支持样本比较",
                ),
                Words(
                    "Matching networks weigh the labels of all support examples by similarity.",
                    "匹配网络按相似度给所有支持样本的标签加权。",
                ),
            ),
            Pair(
                Words("SimpleShot", "SimpleShot"),
                Words(
                    "Embedding of an ordinary classifier, compared with class means",
                    "普通分类器的嵌入，与类别均值比较",
                ),
                Words(
                    "SimpleShot has no episodes: a supervised network loses its head, and class "
                    "means follow.",
                    "SimpleShot 不用 episode：去掉监督网络的分类头，再用类别均值。",
                ),
            ),
            Pair(
                Words("MAML", "MAML"),
                Words(
                    "Starting point trained for gradient steps on the support set",
                    "训练一个起点，再在支持集上做梯度更新",
                ),
                Words(
                    "MAML adapts by gradient steps, which costs many passes; a prototype costs one.",
                    "MAML 靠梯度更新来适应，要多次前向和反向；原型只需一次前向。",
                ),
            ),
            Pair(
                Words("Raw-pixel centroid", "原始像素质心"),
                Words(
                    "No embedding at all, class means of the images",
                    "没有嵌入，直接用图像的类别均值",
                ),
                Words(
                    "The raw-pixel centroid learns nothing, and is the baseline to beat.",
                    "原始像素质心什么也不学，是必须超过的基线。",
                ),
            ),
        ),
        objective=Words(
            "Keep prototypes apart from their relatives.", "分清原型网络与相近的方法。"
        ),
        source=f"{SNELL}; Vinyals et al. 2016, arXiv 1606.04080; Wang et al. 2019, arXiv 1911.04623",
        answers=("B7",),
    ),
    Multi(
        id="invariances",
        title=Words("What changes nothing?", "哪些变化没有影响？"),
        stem=Words(
            "Which of these leave all *probabilities* of the queries exactly as they were?",
            "下列哪些变化会使查询样本的所有*概率*保持不变？",
        ),
        options=(
            Right(
                Words(
                    "The same vector is added to all features, of support and queries",
                    "给支持和查询的所有特征加上同一个向量",
                ),
                Words(
                    "Differences between queries and prototypes stay the same.",
                    "查询与原型之差不变。",
                ),
            ),
            Wrong(
                Words(
                    "All features, of support and queries, are multiplied by two",
                    "把支持和查询的所有特征都乘以 2",
                ),
                Words(
                    "The logits become four times as large: same prediction, surer probabilities.",
                    "logits 变为 4 倍：预测不变，但概率更极端。",
                ),
            ),
            Right(
                Words(
                    "Every support example is listed twice, with its label",
                    "每个支持样本连同标签都列出两次",
                ),
                Words("Every class mean stays where it was.", "每个类别的均值不变。"),
            ),
            Wrong(
                Words(
                    "All distances are left unsquared, in training and in testing",
                    "训练和测试时的所有距离都不再平方",
                ),
                Words(
                    "The prediction stays, because squaring keeps the order. The probabilities "
                    "change.",
                    "平方不改变次序，所以预测不变，但概率会变。",
                ),
            ),
            Right(
                Words(
                    "All features are turned by the same rotation",
                    "所有特征做同一个旋转",
                ),
                Words("Distances do not notice a rotation.", "旋转不改变距离。"),
            ),
        ),
        objective=Words("Use invariances as tests.", "把不变性用作测试。"),
        source=f"{SNELL}; tests/test_prototypical.py",
        answers=("B7",),
    ),
    Single(
        id="reading",
        title=Words("One class split", "只有一种类别划分"),
        stem=Words(
            "On one split into base and novel classes, over 300 shared episodes, a prototypical "
            "network is 0.089 ± 0.008 above raw pixels. What may be said?",
            "在一种基类/新类划分上，300 个共同的 episode 中，"
            "原型网络比原始像素高 0.089 ± 0.008。可以怎么说？",
        ),
        options=(
            Wrong(
                Words(
                    "It beats raw pixels on this data set, since 0 is far outside the interval",
                    "它在这个数据集上优于原始像素，因为 0 远在区间之外",
                ),
                Words(
                    "The interval covers episodes of one split. In the lesson another split of the "
                    "same images gives -0.033 ± 0.010.",
                    "区间只覆盖一种划分下的 episode。课中同一数据的另一种划分得到 -0.033 ± 0.010。",
                ),
            ),
            Wrong(
                Words(
                    "Nothing: differences of accuracies have no confidence interval at all",
                    "什么都不能说：准确率之差根本没有置信区间",
                ),
                Words(
                    "Paired differences on shared episodes have one, and a short one. The question "
                    "is what it covers.",
                    "共同 episode 上的配对差有区间，而且很窄。问题在于它覆盖了什么。",
                ),
            ),
            Wrong(
                Words(
                    "It needs more episodes; with 3,000 of them the interval would settle it",
                    "需要更多 episode；有 3000 个时区间就能下定论",
                ),
                Words(
                    "That makes the interval shorter, not the claim broader: it is still the same "
                    "split.",
                    "那只会让区间更窄，而不会让结论更广：划分还是同一种。",
                ),
            ),
            Right(
                Words(
                    "It is better on these novel classes; other class splits have to be tried",
                    "它在这些新类别上更好；还必须试其他的类别划分",
                ),
                Words(
                    "The interval speaks of episodes from this split. What varies more, the choice "
                    "of classes and the seed, has to be repeated.",
                    "区间只针对这种划分的 episode。波动更大的是类别的选择和随机种子，必须重复。",
                ),
            ),
        ),
        objective=Words(
            "Say what an interval over episodes covers.", "说清 episode 区间覆盖的范围。"
        ),
        source="lessons/04_prototypes",
        answers=("B7",),
        points=1,
    ),
)

CARDS = (
    Card(
        id="linear",
        prompt=Words(
            "Why is a prototypical network a linear classifier, and what about it is not linear?",
            "为什么说原型网络是线性分类器？它的哪一部分不是线性的？",
        ),
        rubric=(
            Words(
                "multiplies the square out; |q|² drops out of the softmax",
                "展开平方；|q|² 在 softmax 中消去",
            ),
            Words(
                "weight 2c and bias -|c|², read off the support set",
                "权重 2c，偏置 -|c|²，由支持集得到",
            ),
            Words("the embedding is not linear in the image", "嵌入对图像不是线性的"),
            Words(
                "that is why the pair can start a head that is fine-tuned",
                "所以这一对可用作微调分类头的起点",
            ),
        ),
        model=Words(
            "Minus the squared distance is 2c·q - |c|² - |q|². The last term is the same for every "
            "class, so the softmax does not see it. What is left is a linear layer in the features "
            "q, with weight 2c and bias -|c|², which nobody trained: both are read off the support "
            "set. The embedding is a deep network and not linear. Since the head is an ordinary "
            "linear layer, one can also start from it and fine-tune.",
            "距离平方的相反数等于 2c·q - |c|² - |q|²。最后一项对所有类别相同，softmax 看不到它。"
            "剩下的是特征 q 的线性层，权重 2c，偏置 -|c|²，没有经过训练，直接由支持集得到。"
            "嵌入是深度网络，不是线性的。既然分类头就是普通线性层，也可以由它开始微调。",
        ),
        source=f"{SNELL}, section 2.4",
        answers=("B7",),
    ),
    Card(
        id="compare",
        prompt=Words(
            "Prototypical networks or MAML for a new cell type: what does each cost, and how would "
            "you compare them fairly?",
            "面对新的细胞类型，用原型网络还是 MAML？各自代价如何？怎样公平比较？",
        ),
        rubric=(
            Words(
                "prototypes: one forward pass per labelled image, no gradient",
                "原型网络：每张标注图像一次前向，不需要梯度",
            ),
            Words(
                "MAML: gradient steps on the support set, and second order in training",
                "MAML：在支持集上做梯度更新，训练时还有二阶项",
            ),
            Words(
                "the same backbone, base classes, budget and episodes; paired differences",
                "相同的主干网络、基类、预算和 episode；用配对差",
            ),
            Words(
                "several class splits and seeds; raw pixels and supervised pre-training beside them",
                "多种类别划分和种子；并列原始像素与监督预训练",
            ),
            Words("says how batch norm treats the queries", "说明批归一化如何处理查询样本"),
        ),
        model=Words(
            "A prototype costs one forward pass per labelled image and a mean. MAML takes several "
            "gradient steps for every new task, and its training differentiates through them. To "
            "compare, both get the same backbone, base classes, number of images and tuning, and "
            "answer the same episodes, so that differences are paired. I say whether batch norm saw "
            "the queries together, because that alone can be worth points. Beside both stand raw "
            "pixels and a supervised network with class means. I repeat over class splits and "
            "seeds: an interval over episodes of one split covers neither.",
            "原型只需对每张标注图像做一次前向，再求均值。MAML 对每个新任务做若干步梯度更新，"
            "训练时还要对这些步骤求导。比较时，两者用相同的主干网络、基类、图像数和调参，"
            "回答相同的 episode，使差值配对。我会说明批归一化是否同时看到了全部查询样本，"
            "因为仅此一项就可能值几个百分点。旁边放上原始像素和“监督网络加类别均值”。"
            "并在多种类别划分和种子上重复：单一划分的 episode 区间两者都不覆盖。",
        ),
        source=f"{SNELL}; Chen et al. 2019, arXiv 1904.04232",
        answers=("B7",),
    ),
    Card(
        id="fails",
        prompt=Words(
            "When would you expect class means to fail on medical images, and how would you notice?",
            "在医学图像上，类别均值何时会失效？你怎样发现？",
        ),
        rubric=(
            Words(
                "a class with several faces: its mean lies between them",
                "一类有多种样貌：均值落在它们之间",
            ),
            Words(
                "few shots and a wrong label move the mean", "样本少时，一个错误标签就会移动均值"
            ),
            Words(
                "another domain: compare with the untrained network and with raw pixels",
                "换了领域：与未训练网络和原始像素比较",
            ),
            Words(
                "images of no class, and unequal prevalence",
                "不属于任何类别的图像，以及患病率不均衡",
            ),
        ),
        model=Words(
            "First, classes with several faces: the mean of two clusters lies where nothing is. I "
            "would see it if nearest neighbours beat the means as shots grow. Second, wrong labels: "
            "with five shots one of them moves the mean by a fifth; leaving one out shows it, and "
            "medians help. Third, another domain: I compare with the untrained network and with raw "
            "pixels, because training elsewhere can make things worse. Last, the nearest prototype "
            "always exists: for images of no class I need a threshold on the distance, and for rare "
            "diseases a bias for prevalence.",
            "第一，一类有多种样貌：两簇的均值落在空处。若样本增多时最近邻胜过均值，就能看出来。"
            "第二，错误标签：五个样本中错一个，均值就移动五分之一；逐一剔除可以发现，中位数有帮助。"
            "第三，换了领域：与未训练网络和原始像素比较，因为在别处训练可能更糟。"
            "最后，最近的原型总是存在：不属于任何类别的图像需要距离阈值，罕见病需要按患病率校正偏置。",
        ),
        source="lessons/04_prototypes; Guo et al. 2020, arXiv 1912.07200",
        answers=("B7",),
    ),
)
