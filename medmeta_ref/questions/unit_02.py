"""Interview questions of unit 02: families of methods, challenges, and what answers which."""

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
    same,
)

LESSON = ("A2", "A3", "B3", "B9")
EXERCISES = {
    "gain_curve": ("A3", "B3"),
    "task_diversity": ("A3", "B3"),
    "step_cost": ("A3", "B3", "B9"),
    "support_dependence": ("A3", "B3"),
    "bug_lines": ("B3",),
    "task_test": ("B3",),
}

HOSPEDALES = "Hospedales et al. 2022, arXiv 2004.05439"
YIN = "Yin et al. 2020, arXiv 1912.03820"
FINN = "Finn, Abbeel and Levine 2017, arXiv 1703.03400"
SNELL = "Snell, Swersky and Zemel 2017, arXiv 1703.05175"

METRIC = Words("metric-based", "基于度量")
MODEL = Words("model-based (black box)", "基于模型（黑箱）")
OPTIMISATION = Words("optimisation-based", "基于优化")
NONE = Words("none of the three by itself", "本身不属于这三类")


def gradients_taken(n_steps: int, n_tasks: int, inner_steps: int) -> int:
    """Return how many gradients MAML takes in training, by counting them."""
    count = 0
    for _ in range(n_steps):
        for _ in range(n_tasks):
            for _ in range(inner_steps):
                count += 1  # of the support loss
            count += 1  # of the query loss
    return count


def black_box_input(n_way: int, n_features: int, n_query: int) -> tuple[int, ...]:
    """Return the shape of what a conditional network reads: queries beside all class means."""
    queries, means = torch.zeros(n_query, n_features), torch.zeros(n_way, n_features)
    context = means.flatten().expand(n_query, -1)
    return torch.cat([queries, context], dim=1).shape


def slots_are_drawn(names: dict[str, Any]) -> bool:
    """Return whether every class comes in every slot, and each episode has distinct classes."""
    generator = torch.Generator().manual_seed(0)
    drawn = [list(names["slots"]([2, 3, 5, 7], 3, generator)) for _ in range(300)]
    distinct = all(len({int(c) for c in classes}) == len(classes) == 3 for classes in drawn)
    seen = {(slot, int(c)) for classes in drawn for slot, c in enumerate(classes)}
    return distinct and seen == {(slot, c) for slot in range(3) for c in (2, 3, 5, 7)}


QUESTIONS = (
    Match(
        id="families",
        title=Words("The field's three families", "文献中的三大类"),
        stem=Words(
            "To which family of the literature does each method belong? Ask what it does with the "
            "support set of a new task.",
            "下列方法在文献中各属于哪一类？想一想它怎样使用新任务的支持集。",
        ),
        pairs=(
            Pair(
                Words("Prototypical networks", "原型网络"),
                METRIC,
                Words(
                    "A prototypical network embeds the support set and compares distances; nothing "
                    "is trained on it.",
                    "原型网络把支持集嵌入后比较距离，不在它上面训练。",
                ),
            ),
            Pair(
                Words("Matching networks", "匹配网络"),
                METRIC,
                Words(
                    "Matching networks weigh the support labels by similarity in a learned "
                    "embedding.",
                    "匹配网络按学到的嵌入中的相似度给支持集标签加权。",
                ),
            ),
            Pair(
                same("MAML"),
                OPTIMISATION,
                Words(
                    "MAML takes gradient steps on the support loss, from a start learned for that.",
                    "MAML 从为此学到的初始点出发，在支持集损失上做梯度下降。",
                ),
            ),
            Pair(
                same("Reptile"),
                OPTIMISATION,
                Words(
                    "Reptile learns a start, too; a new task is learned by gradient steps.",
                    "Reptile 学的也是初始点，新任务靠梯度步学习。",
                ),
            ),
            Pair(
                Words(
                    "A recurrent network that reads labelled examples one by one",
                    "逐个读入带标签样本的循环网络",
                ),
                MODEL,
                Words(
                    "Learning happens in the forward pass: the support set changes the network's "
                    "state, and there is neither a distance nor a gradient step.",
                    "学习发生在前向计算中：支持集改变网络的状态，既没有距离也没有梯度步。",
                ),
            ),
            Pair(
                Words(
                    "A network whose output is another network's weights",
                    "输出另一个网络权重的网络",
                ),
                MODEL,
                Words(
                    "A hypernetwork maps the support set to weights in one forward pass.",
                    "超网络用一次前向计算把支持集映射成权重。",
                ),
            ),
            Pair(
                Words("Distilling one teacher into a student", "把一个教师蒸馏成学生"),
                NONE,
                Words(
                    "Distillation hands over one task's knowledge. No support set, no loss after "
                    "adaptation.",
                    "蒸馏传递的是一个任务的知识，没有支持集，也没有适应之后的损失。",
                ),
            ),
            Pair(
                Words("Averaging the outputs of five networks", "对五个网络的输出取平均"),
                NONE,
                Words(
                    "An average of outputs is an ensemble. It can be built of meta-learned "
                    "members, but does not learn to learn.",
                    "输出取平均是集成。成员可以是元学习得到的，但集成本身不是学会学习。",
                ),
            ),
        ),
        objective=Words(
            "Place methods in the families of the literature.", "把方法放进文献的分类。"
        ),
        source=f"{HOSPEDALES}, section 2",
        answers=("A2",),
        points=3,
    ),
    Match(
        id="practice_map",
        title=Words("The other map", "另一张地图"),
        stem=Words(
            "Practitioners sometimes group by tool: distillation, fusion, gradient-based. Where "
            "does each of these stand on that map?",
            "实践中有时按工具分组：蒸馏、融合、基于梯度。下列做法各在这张图的什么位置？",
        ),
        pairs=(
            Pair(
                Words("A student learns a teacher's softened outputs", "学生学习教师软化后的输出"),
                Words("distillation", "蒸馏"),
                Words(
                    "Learning from another network's probabilities is distillation.",
                    "从另一个网络的概率中学习就是蒸馏。",
                ),
            ),
            Pair(
                Words("Weights for the outputs of four networks", "给四个网络的输出定权重"),
                Words("fusion", "融合"),
                Words(
                    "A weighted average of outputs is model fusion: ensembling.",
                    "输出的加权平均是模型融合，也就是集成。",
                ),
            ),
            Pair(
                Words("A CNN for the image, an RNN for the report", "图像用 CNN，报告用 RNN"),
                Words("fusion", "融合"),
                Words(
                    "Two encoders joined are fusion. What makes it multimodal are the two kinds of "
                    "data, not the two kinds of network.",
                    "两个编码器合起来是融合。使它成为多模态的是两种数据，而不是两种网络。",
                ),
            ),
            Pair(
                Words("A start from which three steps suffice", "走三步就够的初始点"),
                Words("gradient-based", "基于梯度"),
                Words(
                    "That is MAML or Reptile. Here the two maps meet.",
                    "这就是 MAML 或 Reptile。两张地图在这里重合。",
                ),
            ),
            Pair(
                Words("The nearest mean in a learned embedding", "学到的嵌入中最近的均值"),
                Words("no place of its own", "没有它的位置"),
                Words(
                    "Metric-based methods have no place on the practice map, though they are often "
                    "the first thing to try.",
                    "实践分组里没有基于度量的方法，而它常常是首先该试的。",
                ),
            ),
            Pair(
                Words("An RNN that reads a support set", "读入支持集的 RNN"),
                Words("no place of its own", "没有它的位置"),
                Words(
                    "Nor have model-based ones. An RNN alone does not make fusion: it depends on "
                    "what it is used for.",
                    "基于模型的方法也没有。有 RNN 不等于融合，要看它用来做什么。",
                ),
            ),
        ),
        objective=Words("Translate between two taxonomies.", "在两种分类之间互译。"),
        source="lessons/02_families_and_challenges",
        answers=("A2",),
        points=2,
    ),
    Match(
        id="remedies",
        title=Words("Challenge and remedy", "挑战与对策"),
        stem=Words(
            "Which remedy fits which trouble best?",
            "哪种对策最适合哪种困难？",
        ),
        pairs=(
            Pair(
                Words("Five labelled images of each new class", "每个新类只有五张标注图像"),
                Words(
                    "learn an embedding or a start from other classes",
                    "从其他类别学习嵌入或初始点",
                ),
                Words(
                    "Few labels per new task is what meta-learning is for.",
                    "新任务标注少，正是元学习的用武之地。",
                ),
            ),
            Pair(
                Words("Three classes in all to make tasks from", "总共只有三个类可以组成任务"),
                Words(
                    "collect more classes, or new tasks from other sets",
                    "收集更多类别，或从其他数据集造任务",
                ),
                Words(
                    "Few *tasks* are what meta-learning cannot do without; more images of the same "
                    "three classes do not mend that.",
                    "元学习缺不得的是任务；同样三个类再多图像也补不上。",
                ),
            ),
            Pair(
                Words("Training loss 0, new classes at chance", "训练损失为 0，新类却是随机水平"),
                Words(
                    "give out the slots anew in every episode",
                    "每个回合重新分配标签编号",
                ),
                Words(
                    "If classes always have the same slot, answers can be learned by heart.",
                    "如果类别的编号固定，答案可以背下来。",
                ),
            ),
            Pair(
                Words("New tasks from another kind of scanner", "新任务来自另一种扫描设备"),
                Words(
                    "train on several domains, test on one left out",
                    "在多个领域训练，留出一个领域测试",
                ),
                Words(
                    "Diversity of domains has to be in training, and a domain held back has to "
                    "show whether it helped.",
                    "领域的多样性要在训练中就有，并用留出的领域检验。",
                ),
            ),
            Pair(
                Words(
                    "Memory runs out as inner steps are added",
                    "增加内循环步数后显存不够",
                ),
                Words(
                    "first-order gradients, or prototypes",
                    "一阶梯度，或原型",
                ),
                Words(
                    "Second-order MAML keeps the graph of every inner step; FOMAML and prototypes "
                    "keep one.",
                    "二阶 MAML 要保留每个内循环步的计算图；FOMAML 和原型网络只保留一个。",
                ),
            ),
            Pair(
                Words("The bedside device is too slow", "床旁设备太慢"),
                Words(
                    "distil the adapted network into a smaller one",
                    "把适应后的网络蒸馏成小网络",
                ),
                Words(
                    "Meta-learning leaves the network as large as it was. Distillation makes "
                    "inference cheaper.",
                    "元学习不改变网络大小；让推理变便宜的是蒸馏。",
                ),
            ),
        ),
        objective=Words("Match a challenge with what helps against it.", "为挑战找到对策。"),
        source=f"lessons/02_families_and_challenges; {YIN}",
        answers=("A3", "B3"),
        points=2,
    ),
    Single(
        id="less_compute",
        title=Words("Does it lower compute?", "它降低计算量吗？"),
        stem=Words(
            'A text says on one page "compute is a challenge of meta-learning" and on the next '
            '"meta-learning lowers compute and so suits small devices". How do you resolve it?',
            "一份材料前面说“计算量是元学习的挑战”，后面又说“元学习降低计算量，因此适合小设备”。"
            "怎样化解这个矛盾？",
        ),
        options=(
            Wrong(
                Words(
                    "Both are right: training is cheap, and running the trained network is dear",
                    "都对：训练便宜，而运行训练好的网络昂贵",
                ),
                Words(
                    "The other way round: training over many tasks is the dear part.",
                    "正好相反：在许多任务上训练才是昂贵的部分。",
                ),
            ),
            Right(
                Words(
                    "It adds training cost; only adaptation may get cheaper, inference does not",
                    "它增加训练成本；变便宜的只可能是适应，推理不会",
                ),
                Words(
                    "Meta-training comes on top. With prototypes a new task costs one forward pass "
                    "of its support set. A query costs what the network costs; to lower that, "
                    "distil.",
                    "元训练是额外的。用原型时，新任务只需对支持集做一次前向计算。"
                    "每次查询的代价由网络决定；要降低它，用蒸馏。",
                ),
            ),
            Wrong(
                Words(
                    "The second is right: a meta-learned network needs fewer parameters to begin with",
                    "第二句对：元学习得到的网络本来就需要更少的参数",
                ),
                Words(
                    "Nothing in meta-learning removes parameters. The network is the one you chose.",
                    "元学习不会减少参数，网络还是你选的那个。",
                ),
            ),
            Wrong(
                Words(
                    "The first is wrong: with first-order gradients the challenge has been solved",
                    "第一句错：有了一阶梯度，这个挑战已经解决",
                ),
                Words(
                    "First order saves memory and some computing. It still takes every inner "
                    "gradient of every training task.",
                    "一阶方法省内存和部分计算，但每个训练任务的内循环梯度一个也不少。",
                ),
            ),
        ),
        objective=Words(
            "Say which of training, adaptation and inference a method makes cheaper.",
            "说清楚一种方法让训练、适应、推理中的哪一个变便宜。",
        ),
        source="lessons/02_families_and_challenges; Antoniou et al. 2019, arXiv 1810.09502",
        answers=("A3", "B9"),
        points=1,
    ),
    Single(
        id="scarce_what",
        title=Words("Scarcity of what?", "缺的是什么？"),
        stem=Words(
            '"Scarce data limits meta-learning." Which scarcity is the use case, and which the '
            "limit?",
            "“数据稀缺限制了元学习。”哪一种稀缺是它的用途，哪一种是它的局限？",
        ),
        options=(
            Wrong(
                Words(
                    "Use case: few tasks. Limit: few labels in each of the new tasks",
                    "用途：任务少。局限：每个新任务的标注少",
                ),
                Words(
                    "Exchanged: few labels per new task is what episodes train for.",
                    "反了：新任务标注少，正是按回合训练要应对的。",
                ),
            ),
            Wrong(
                Words(
                    "Both are the use case: it was made for small data of any kind",
                    "两者都是用途：它就是为各种小数据设计的",
                ),
                Words(
                    "Meta-learning draws on many tasks. With a handful of them it overfits to tasks "
                    "as a classifier does to images.",
                    "元学习依靠大量任务。只有几个任务时，它会对任务过拟合，就像分类器对图像过拟合。",
                ),
            ),
            Wrong(
                Words(
                    "Both are limits: like all of deep learning it needs many labels",
                    "两者都是局限：它和所有深度学习一样需要大量标注",
                ),
                Words(
                    "It needs many labels in training, but few in a new task: that is its point.",
                    "训练时需要许多标注，但新任务只需要很少：这正是它的意义。",
                ),
            ),
            Right(
                Words(
                    "Use case: few labels in a new task. Limit: few tasks to learn from",
                    "用途：新任务标注少。局限：可供学习的任务少",
                ),
                Words(
                    "A task is one example to a meta-learner. Medical sets have many images, but "
                    "often only seven to eleven classes to make tasks from.",
                    "对元学习器来说，一个任务只是一个样本。医学数据集图像多，"
                    "但往往只有七到十一个类别可以组成任务。",
                ),
            ),
        ),
        objective=Words("Tell few labels from few tasks.", "分清标注少与任务少。"),
        source=YIN,
        answers=("A3", "B3"),
        points=1,
    ),
    Multi(
        id="true_claims",
        title=Words("Which claims hold?", "哪些说法成立？"),
        stem=Words(
            "Which of these claims are true as they stand?",
            "下列说法中哪些照原样就成立？",
        ),
        options=(
            Wrong(
                Words(
                    "A student that matches its teacher better generalises better",
                    "学生与教师越一致，泛化就越好",
                ),
                Words(
                    "Not guaranteed. Stanton et al. found students that agree more with the teacher "
                    "and do not generalise better.",
                    "没有保证。Stanton 等人发现，与教师更一致的学生不一定泛化更好。",
                ),
            ),
            Right(
                Words(
                    "The log loss of averaged probabilities is at most the members' mean log loss",
                    "平均概率的对数损失不超过各成员对数损失的平均",
                ),
                Words(
                    "Jensen's inequality: minus the logarithm is convex. It compares with the "
                    "average member, though, not with the best.",
                    "由 Jensen 不等式：负对数是凸函数。但比较对象是平均的成员，不是最好的成员。",
                ),
            ),
            Wrong(
                Words(
                    "An average of networks is more accurate than each of them",
                    "多个网络取平均，比其中每一个都准",
                ),
                Words(
                    "One good member can be outvoted by bad ones. For accuracy there is not even a "
                    "guarantee against the average member.",
                    "一个好成员可能被差成员否决。对准确率，连不低于平均成员都没有保证。",
                ),
            ),
            Right(
                Words(
                    "A prototypical network meets a new task without a gradient step",
                    "原型网络面对新任务不需要梯度步",
                ),
                Words(
                    "Prototypes are means of features: one forward pass of the support set.",
                    "原型是特征的均值：对支持集做一次前向计算即可。",
                ),
            ),
            Wrong(
                Words(
                    "Joining a CNN and an RNN makes a method multimodal",
                    "把 CNN 和 RNN 合起来就是多模态",
                ),
                Words(
                    "Modality is a matter of the data. An RNN may read slices of the same scan.",
                    "模态是数据的事。RNN 读的也可以是同一次扫描的切片。",
                ),
            ),
            Right(
                Words(
                    "With one inner step of Reptile one trains on all tasks jointly",
                    "Reptile 内循环只走一步就是联合训练",
                ),
                Words(
                    "The move towards the result of one step is a step along the task's gradient, "
                    "so their average is joint training.",
                    "朝一步之后的结果移动，就是沿该任务的梯度走一步，平均起来就是联合训练。",
                ),
            ),
        ),
        objective=Words("Judge sentences that sound right.", "判断听起来正确的句子。"),
        source="Stanton et al. 2021, arXiv 2106.05945; Nichol et al. 2018, arXiv 1803.02999",
        answers=("A2", "B9"),
        points=2,
    ),
    Numeric(
        id="maml_gradients",
        title=Words("Count the gradients", "数一数梯度"),
        stem=Words(
            "MAML is trained for {n_steps} outer steps of {n_tasks} tasks with {inner_steps} inner "
            "steps each, one task after the other. How many gradients are taken in all?",
            "MAML 训练 {n_steps} 个外循环步，每步 {n_tasks} 个任务，每个任务 {inner_steps} "
            "个内循环步，逐个任务计算。总共要计算多少次梯度？",
        ),
        given={"n_steps": (200, 500, 1000), "n_tasks": (3, 4, 8), "inner_steps": (2, 4, 5, 10)},
        key=gradients_taken,
        slips=(
            Slip(
                lambda n_steps, n_tasks, inner_steps: n_steps * n_tasks * inner_steps,
                Words(
                    "Those are the inner gradients. Each task has one of its query loss as well.",
                    "这是内循环的梯度。每个任务还有一次查询损失的梯度。",
                ),
            ),
            Slip(
                lambda n_steps, n_tasks, inner_steps: n_steps * (n_tasks * inner_steps + 1),
                Words(
                    "One task after the other, so the query gradient is taken once per task, not "
                    "once per outer step.",
                    "逐个任务计算，所以查询梯度每个任务一次，而不是每个外循环步一次。",
                ),
            ),
            Slip(
                lambda n_steps, n_tasks, inner_steps: n_steps * (inner_steps + 1),
                Words(
                    "Every outer step has {n_tasks} tasks.",
                    "每个外循环步有 {n_tasks} 个任务。",
                ),
            ),
        ),
        why=Words(
            "outer steps x tasks x (inner steps + 1) = {key}. FOMAML takes as many; its graphs are "
            "what it saves.",
            "外循环步数 × 任务数 ×（内循环步数 + 1）= {key}。FOMAML 也是这么多次，省的是计算图。",
        ),
        objective=Words("Count what training costs.", "数清训练的代价。"),
        source=f"{FINN}, Algorithm 2",
        answers=("A3",),
        points=1,
    ),
    Order(
        id="memory",
        title=Words("From least memory to most", "内存从少到多"),
        stem=Words(
            "One task with 5 shots and 15 queries per class, one network. Order these by how much "
            "their graphs keep in memory at once, from least to most.",
            "一个任务，每类 5 个支持样本、15 个查询样本，同一个网络。"
            "按计算图同时占用的内存从少到多排序。",
        ),
        steps=(
            Step(
                Words("Answering the queries, without any gradient", "只回答查询，不算梯度"),
                Words("Without a gradient no graph is kept.", "不算梯度就不保留计算图。"),
            ),
            Step(
                Words("Reptile with 5 inner steps", "Reptile，5 个内循环步"),
                Words(
                    "One graph at a time, of the 5 support images per class.",
                    "一次只有一个计算图，来自每类 5 张支持图像。",
                ),
            ),
            Step(
                Words("FOMAML with 5 inner steps", "FOMAML，5 个内循环步"),
                Words(
                    "One graph at a time; the largest is that of the 15 queries per class.",
                    "一次只有一个计算图，最大的来自每类 15 张查询图像。",
                ),
            ),
            Step(
                Words("A prototypical network", "原型网络"),
                Words(
                    "Support and queries in one graph: 20 images per class.",
                    "支持集和查询在同一个计算图里：每类 20 张图像。",
                ),
            ),
            Step(
                Words("MAML with 5 inner steps", "MAML，5 个内循环步"),
                Words(
                    "The graphs of all 5 inner steps, their gradients included, and of the "
                    "queries: linear in the steps.",
                    "5 个内循环步的计算图（包括梯度的）加上查询的：随步数线性增长。",
                ),
            ),
        ),
        objective=Words("Foresee which method fits into memory.", "预见哪种方法放得进内存。"),
        source="exercises/02_families_and_challenges, exercise 3",
        answers=("A3", "B3"),
        points=2,
    ),
    Formula(
        id="break_even",
        title=Words("When does it pay?", "什么时候划算？"),
        stem=Words(
            "Meta-training costs `M` multiplications, once. A new task then costs `a`. Without it, "
            "training from scratch on each new task costs `s` (more than `a`). After how many new "
            "tasks are both equally dear?",
            "元训练一次性花费 `M` 次乘法，之后每个新任务花费 `a`。"
            "不做元训练时，每个新任务从头训练花费 `s`（大于 `a`）。多少个新任务之后两者花费相等？",
        ),
        variables={"M": (1000, 100000), "a": (1, 10), "s": (20, 100)},
        key=lambda M, a, s: M / (s - a),
        example="M / (s - a)",
        slips=(
            Slip(
                "M / s",
                Words(
                    "Adapting is not free: each task saves s - a only.",
                    "适应不是免费的：每个任务只省 s - a。",
                ),
            ),
            Slip(
                "M / a",
                Words(
                    "That many adaptations cost as much as the training did. What matters is what "
                    "each one saves.",
                    "那是适应的总花费等于训练花费的任务数。关键是每个任务省多少。",
                ),
            ),
            Slip(
                "M / (s + a)",
                Words(
                    "A task costs s or a, never both; what it saves is the difference.",
                    "一个任务花费 s 或 a，不会两者都花；省下的是差。",
                ),
            ),
        ),
        why=Words(
            "M + n a = n s gives n = M / (s - a). Equal cost, mind: whether both are equally good "
            "is another question.",
            "由 M + n a = n s 得 n = M / (s - a)。注意这只是花费相等，效果是否相等是另一个问题。",
        ),
        objective=Words(
            "Weigh a cost paid once against one per task.", "权衡一次性成本与每任务成本。"
        ),
        source="lessons/02_families_and_challenges",
        answers=("A3", "B9"),
        points=1,
    ),
    Predict(
        id="recited",
        title=Words("Three classifiers, renamed labels", "三个分类器，改名的标签"),
        stem=Words(
            "The support labels are renamed: 0 becomes 1, 1 becomes 0. What is the value of the "
            "last line?",
            "把支持集的标签改名：0 变成 1，1 变成 0。最后一行的值是什么？",
        ),
        code="""
import torch

support_x = torch.tensor([0.0, 1.0, 8.0, 9.0])
support_y = torch.tensor([0, 0, 1, 1])
query_x = torch.tensor([2.0, 7.0, 9.0])

def first(x, y, q):
    means = torch.stack([x[y == c].mean() for c in (0, 1)])
    return (q[:, None] - means).abs().argmin(1)

def second(x, y, q):
    return (q > 4.5).long()

def third(x, y, q):
    means = x.reshape(2, 2).mean(1)
    return (q[:, None] - means).abs().argmin(1)

task, renamed = (support_x, support_y, query_x), (support_x, 1 - support_y, query_x)
tuple(int((f(*task) != f(*renamed)).sum()) for f in (first, second, third))
""",
        slips=(
            Slip(
                (3, 0, 3),
                Words(
                    "The third computes means as well, but of the first two examples and the last "
                    "two: it never reads `y`.",
                    "第三个也算均值，但算的是前两个和后两个样本的：它从不读 `y`。",
                ),
            ),
            Slip(
                (0, 0, 0),
                Words(
                    "The first reads the labels: its means change places.",
                    "第一个读了标签：它的两个均值互换了。",
                ),
            ),
            Slip(
                (3, 3, 3),
                Words(
                    "The second has a fixed threshold; no support set can move it.",
                    "第二个的阈值是固定的，支持集改变不了它。",
                ),
            ),
        ),
        why=Words(
            "Only the first depends on the support labels. The second learned by heart, the third "
            "relies on the order; on a familiar, sorted task all three agree.",
            "只有第一个依赖支持集标签。第二个是背下来的，第三个靠排列顺序；"
            "在熟悉的、排好序的任务上三者一致。",
        ),
        objective=Words("See what an answer depends on.", "看出答案依赖什么。"),
        source=YIN,
        answers=("B3",),
        points=1,
    ),
    Bug(
        id="fixed_slots",
        title=Words("Training loss 0, and nothing learned", "训练损失为 0，却什么也没学会"),
        stem=Words(
            "This function chooses the classes of an episode; the first gets slot 0, and so on. A "
            "network trained with it on a few classes reaches loss 0 and ignores the support set. "
            "Every class should come in every slot, and no class twice in an episode.",
            "这个函数选出一个回合的类别，第一个得到编号 0，依此类推。"
            "用它在少数几个类上训练的网络损失为 0，却不看支持集。"
            "应当让每个类出现在每个编号上，且同一回合中没有重复的类。",
        ),
        code="""
import torch

def slots(classes, n_way, generator):
    order = torch.randperm(len(classes), generator=generator)
    chosen = order[:n_way].sort().values
    return [classes[i] for i in chosen.tolist()]
""",
        fixes=(
            Fix(
                4,
                "order = torch.randint(len(classes), (n_way,), generator=generator)",
                Words(
                    "This draws with replacement, so a class can be drawn twice, and the sorting "
                    "below is still there.",
                    "这是有放回抽样，同一个类可能抽到两次，而且下面的排序还在。",
                ),
            ),
            Fix(
                6,
                "return sorted(classes[i] for i in chosen.tolist())",
                Words(
                    "Sorting is the trouble, not the cure: the smallest class gets slot 0 always.",
                    "排序正是问题所在：最小的类总是得到编号 0。",
                ),
            ),
            Fix(
                5,
                "chosen = order[:n_way]",
                Words(
                    "A random permutation is in random order already. Sorting it ties slots to "
                    "classes, and what is tied can be learned by heart.",
                    "随机排列本来就是随机顺序。一排序，编号就和类别绑定，绑定了就能背下来。",
                ),
            ),
            Fix(
                5,
                "chosen = order[:n_way].sort(descending=True).values",
                Words(
                    "Backwards, the slots are as telling as before.",
                    "倒过来排，编号同样泄露类别。",
                ),
            ),
            Fix(
                4,
                "order = torch.randperm(len(classes))",
                Words(
                    "Another source of randomness, and one that nobody can repeat. The order is "
                    "lost in the next line all the same.",
                    "换了随机源，还无法重现。顺序照样在下一行丢掉。",
                ),
            ),
        ),
        works=slots_are_drawn,
        objective=Words(
            "Find what lets a learner do without the support set.",
            "找出让学习器不必看支持集的原因。",
        ),
        source=YIN,
        answers=("A3", "B3"),
        points=2,
    ),
    Shape(
        id="reads_everything",
        title=Words("What a black box reads", "黑箱读入什么"),
        stem=Words(
            "A model-based learner is a plain network that reads, for every query, its features "
            "beside the support means of all classes: {n_features} features, {n_way} classes, "
            "{n_query} queries in all. What is the shape of its input?",
            "一个基于模型的学习器是普通网络：对每个查询，它读入该查询的特征，以及所有类别的支持集均值。"
            "特征数 {n_features}，类别数 {n_way}，查询总数 {n_query}。它的输入形状是什么？",
        ),
        given={"n_way": (3, 4, 5), "n_features": (16, 32, 64), "n_query": (30, 45, 60)},
        key=black_box_input,
        slips=(
            Slip(
                lambda n_way, n_features, n_query: (n_query, n_way * n_features),
                Words("The query's own features have to be read, too.", "查询自己的特征也要读入。"),
            ),
            Slip(
                lambda n_way, n_features, n_query: (n_query, 2 * n_features),
                Words(
                    "All {n_way} means stand beside it, not one.",
                    "旁边有全部 {n_way} 个均值，而不是一个。",
                ),
            ),
            Slip(
                lambda n_way, n_features, n_query: (n_query + n_way, n_features),
                Words(
                    "That stacks them as further examples. The means belong to the input of each "
                    "query.",
                    "那是把均值当作更多样本。均值属于每个查询的输入。",
                ),
            ),
        ),
        why=Words(
            "{key}: one row per query. The support set is part of the input, so learning a task is "
            "a forward pass.",
            "{key}：每个查询一行。支持集是输入的一部分，所以学习一个任务就是一次前向计算。",
        ),
        objective=Words("Say how a model-based learner is fed.", "说清基于模型的学习器的输入。"),
        source=HOSPEDALES,
        answers=("A2",),
        points=1,
    ),
    Single(
        id="another_domain",
        title=Words("From natural images to X-rays", "从自然图像到 X 光片"),
        stem=Words(
            "Guo et al. trained on natural images and tested on other domains, skin lesions and "
            "chest X-rays among them. What did they find?",
            "Guo 等人在自然图像上训练，在其他领域（包括皮肤病变和胸部 X 光片）上测试。他们发现了什么？",
        ),
        options=(
            Right(
                Words(
                    "The meta-learning methods did worse than simple fine-tuning on the new tasks",
                    "元学习方法不如在新任务上简单微调",
                ),
                Words(
                    "By 12.8 points on average, and in some cases they did worse than networks with "
                    "random weights. Robustness to shift does not come by itself.",
                    "平均低 12.8 个百分点，有时甚至不如随机权重的网络。对领域变化的鲁棒性不会自动出现。",
                ),
            ),
            Wrong(
                Words(
                    "The meta-learning methods kept their lead, since they adapt to each new task",
                    "元学习方法保持领先，因为它们适应每个新任务",
                ),
                Words(
                    "So one would hope. What they learned fits tasks like those of training.",
                    "但愿如此。它们学到的只适合与训练相似的任务。",
                ),
            ),
            Wrong(
                Words(
                    "All methods were at chance, so that nothing carries over between domains",
                    "所有方法都是随机水平，领域之间什么也迁移不了",
                ),
                Words(
                    "Much carries over, early features above all: fine-tuning did use it.",
                    "能迁移的不少，尤其是底层特征：微调就用上了。",
                ),
            ),
            Wrong(
                Words(
                    "The second-order methods did best, and the metric-based ones did worst",
                    "二阶方法最好，基于度量的方法最差",
                ),
                Words(
                    "The abstract says it of all meta-learning methods alike; the order of the "
                    "gradient was not what mattered.",
                    "论文摘要说的是所有元学习方法；关键不在于梯度的阶数。",
                ),
            ),
        ),
        objective=Words(
            "Know what the literature says about tasks of another domain.",
            "知道文献对跨领域任务的结论。",
        ),
        source="Guo et al. 2020, arXiv 1912.07200, abstract",
        answers=("A3", "B3", "B9"),
        points=1,
    ),
)

CARDS = (
    Card(
        id="two_maps",
        prompt=Words(
            'An interviewer asks: "Name the three kinds of meta-learning." Which three?',
            "面试官问：“说出元学习的三类方法。”哪三类？",
        ),
        rubric=(
            Words(
                "metric, model and optimisation, each by what it does with the support set",
                "度量、模型、优化，各自怎样使用支持集",
            ),
            Words("one method for each", "每类举一个方法"),
            Words(
                "the practice map: distillation, fusion, gradient-based, and where both meet",
                "实践分组：蒸馏、融合、基于梯度，以及两者的重合处",
            ),
            Words(
                "says why distillation and fusion are not meta-learning by themselves",
                "说明蒸馏和融合本身为什么不是元学习",
            ),
        ),
        model=Words(
            "The literature asks how a method learns from the support set. Metric-based: compare in "
            "a learned embedding, as prototypical networks do. Model-based: a network reads the "
            "support set as input, and learning is a forward pass. Optimisation-based: gradient "
            "steps from a learned start, as in MAML. In practice one also hears distillation, "
            "fusion, gradient-based. The last is the same as optimisation-based; the first two are "
            "tools, compression and ensembling, that serve beside meta-learning but measure no loss "
            "after adaptation. So I would ask which map is meant, and answer on both.",
            "文献按方法怎样从支持集学习来分。基于度量：在学到的嵌入中比较，如原型网络。"
            "基于模型：网络把支持集当作输入，学习就是一次前向计算。"
            "基于优化：从学到的初始点做梯度下降，如 MAML。实践中也常听到蒸馏、融合、基于梯度。"
            "最后一种就是基于优化；前两种是压缩和集成的工具，可与元学习配合，但并不衡量适应之后的损失。"
            "所以我会先问指的是哪张图，再在两张图上都回答。",
        ),
        source=HOSPEDALES,
        answers=("A2",),
    ),
    Card(
        id="when_not",
        prompt=Words(
            "When would you advise a hospital against meta-learning?",
            "什么情况下你会建议医院不要用元学习？",
        ),
        rubric=(
            Words(
                "one fixed task with enough labels: plain supervised training",
                "任务固定且标注充足：直接监督训练",
            ),
            Words("too few classes or sets to make tasks from", "可组成任务的类别或数据集太少"),
            Words(
                "new tasks from a domain that training never saw",
                "新任务来自训练中从未出现的领域",
            ),
            Words(
                "a simple rival does as well: features of a supervised network and class means",
                "简单的对手一样好：监督网络的特征加类均值",
            ),
        ),
        model=Words(
            "If there is one task and it stays, I train on it. If new tasks do come but I have only "
            "a few classes to learn from, a meta-learner will overfit to those, and a supervised "
            "network with class means is safer. If the new tasks come from another scanner or "
            "organ, published comparisons favour fine-tuning. And before anything is meta-trained I "
            "run the simple rivals on the same episodes: raw pixels, an untrained network, "
            "supervised features. Only a paired gain whose interval excludes 0 pays for the "
            "training.",
            "如果只有一个任务，而且不变，就直接在上面训练。如果会有新任务，但可供学习的类别很少，"
            "元学习器会对它们过拟合，监督网络加类均值更稳妥。如果新任务来自别的设备或器官，"
            "已发表的比较更支持微调。在做元训练之前，我会在同样的回合上跑简单的对手："
            "原始像素、未训练的网络、监督特征。只有配对增益的区间不含 0，才值得花这份训练。",
        ),
        source="Guo et al. 2020, arXiv 1912.07200; Chen et al. 2019, arXiv 1904.04232",
        answers=("A3", "B3"),
    ),
    Card(
        id="three_challenges",
        prompt=Words(
            "Scarcity, diversity, compute: say for each how you would measure it.",
            "稀缺、多样、计算量：分别说说你会怎样测量。",
        ),
        rubric=(
            Words(
                "scarcity: accuracy against shots, and against the number of base classes",
                "稀缺：准确率随支持样本数、随基类数的变化",
            ),
            Words(
                "diversity: train on one domain, test on another, beside an untrained network",
                "多样：在一个领域训练，在另一个领域测试，并与未训练的网络比较",
            ),
            Words(
                "compute: counted, apart for training, adaptation and inference",
                "计算量：计数，训练、适应、推理分开",
            ),
            Words("paired episodes and intervals", "配对的回合和区间"),
        ),
        model=Words(
            "Scarcity has two axes. I plot accuracy against the shots of a new task, and against "
            "the number of classes that training had. For diversity I train on one kind of images "
            "and test on another, with raw pixels and an untrained network beside it, since only "
            "against those one sees whether anything carried over. Compute I count instead of "
            "timing it: multiplications and gradients, apart for training, for adapting to one "
            "task, and for one query. All methods answer the same episodes, and I report the paired "
            "difference with its interval.",
            "稀缺有两个方向：准确率随新任务支持样本数的变化，以及随训练类别数的变化。"
            "多样性：在一种图像上训练，在另一种上测试，旁边放原始像素和未训练的网络，"
            "有了对照才看得出是否有东西迁移过来。计算量用计数而不用计时：乘法次数和梯度次数，"
            "训练、适应一个任务、回答一次查询分开算。所有方法回答同样的回合，报告配对差及其区间。",
        ),
        source="lessons/02_families_and_challenges",
        answers=("A3", "B3", "B9"),
    ),
)
