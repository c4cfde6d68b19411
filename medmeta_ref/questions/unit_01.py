"""Interview questions of unit 01: what meta-learning is, episodes, splits and intervals."""

import math
from typing import Any

import torch

from medmeta_ref.episodes import sample_episode
from medmeta_ref.questions.kinds import (
    Bug,
    Card,
    Fix,
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

LESSON = ("A1", "B1", "B2")
EXERCISES = {
    "split_classes": ("A1",),
    "sample_episode": ("A1", "B1"),
    "episode_interval": ("B2",),
    "split_interval": ("B2",),
    "leaked_share": ("A1",),
    "bug_lines": ("A1", "B1"),
    "sampler_test": ("A1",),
}

HOSPEDALES = "Hospedales et al. 2022, arXiv 2004.05439"
VINYALS = "Vinyals et al. 2016, arXiv 1606.04080"
LESSON_FILE = "lessons/01_episodes"


def half_width(n_episodes: int, spread: int) -> float:
    """Return 1.96 standard errors of a mean over episodes."""
    return 1.96 * spread / math.sqrt(n_episodes)


def twin_probability(n_way: int, n_classes: int) -> float:
    """Return how likely draws with replacement are not all different."""
    all_different = 1.0
    for drawn in range(n_way):
        all_different *= (n_classes - drawn) / n_classes
    return 1 - all_different


def query_shape(n_way: int, k_shot: int, n_query: int) -> tuple[int, ...]:
    """Return the shape of an episode's query images, by drawing one."""
    labels = torch.arange(n_way).repeat_interleave(k_shot + n_query)
    episode = sample_episode(
        torch.zeros(len(labels), 28, 28, 3, dtype=torch.uint8),
        labels,
        n_way=n_way,
        k_shot=k_shot,
        n_query=n_query,
        generator=torch.Generator().manual_seed(0),
    )
    return tuple(episode.query_x.shape)


def patients_stay_whole(names: dict[str, Any]) -> bool:
    """Return whether three random patients, all of their images and no others, are the test."""
    patients = torch.tensor([40, 40, 51, 7, 51, 62, 7, 88, 93, 88, 15])
    chosen = set()
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        train, test = names["split_by_patient"](patients, 3, generator)
        tested = set(patients[test].tolist())
        everything = sorted([*train.tolist(), *test.tolist()]) == list(range(len(patients)))
        if len(tested) != 3 or tested & set(patients[train].tolist()) or not everything:
            return False
        chosen.add(frozenset(tested))
    return len(chosen) > 1


QUESTIONS = (
    Single(
        id="definition",
        title=Words("Meta-learning in one sentence", "一句话定义元学习"),
        stem=Words(
            "Which sentence says what meta-learning is?", "下面哪句话说清楚了什么是元学习？"
        ),
        options=(
            Wrong(
                Words(
                    "Train one model on all tasks together, so that it is good on all of them at once",
                    "把所有任务放在一起训练一个模型，使它同时擅长全部任务",
                ),
                Words(
                    "That is multi-task learning. Its loss is taken without any adaptation, and the "
                    "tasks of the test are those of the training.",
                    "那是多任务学习：损失在没有适应的情况下计算，测试任务就是训练任务。",
                ),
            ),
            Wrong(
                Words(
                    "Train a model on a large data set, then fine-tune it on the small one at hand",
                    "先在大数据集上训练模型，再在手头的小数据集上微调",
                ),
                Words(
                    "That is transfer learning. Nothing in the first training knew that the model "
                    "would be adapted. It is the rival to beat.",
                    "那是迁移学习：前一阶段的训练并不知道之后要适应。它是必须比较的对手。",
                ),
            ),
            Right(
                Words(
                    "Improve the learner over many tasks, by its loss after it has adapted to each",
                    "在许多任务上改进学习器本身，依据是它适应每个任务之后的损失",
                ),
                Words(
                    "Two things make it learning to learn: what is improved is the learner, and the "
                    "loss is taken on queries after adapting to the support set.",
                    "“学会学习”在于两点：被改进的是学习器；损失是适应支持集之后在查询集上计算的。",
                ),
            ),
            Wrong(
                Words(
                    "Store past samples in a pool and replay them, so that the model is updated better",
                    "把过去的样本存入经验池并重放，让模型更新得更好",
                ),
                Words(
                    "That is experience replay. It is used against forgetting, can be combined with "
                    "meta-learning, and is not its principle.",
                    "那是经验回放，用来对抗遗忘；可以与元学习结合，但不是元学习的原理。",
                ),
            ),
        ),
        objective=Words(
            "Define meta-learning so that it is told from its neighbours.",
            "给出能与相近概念区分的元学习定义。",
        ),
        source=f"{HOSPEDALES}, section 2",
        answers=("A1", "B1"),
        points=1,
    ),
    Match(
        id="vocabulary",
        title=Words("The words of an episode", "小样本学习的术语"),
        stem=Words("Which description belongs to which word?", "每个术语对应哪一种描述？"),
        pairs=(
            Pair(
                Words("support set", "支持集"),
                Words("labelled images that the learner adapts to", "学习器用来适应的有标签图像"),
                Words(
                    "The support set is what the learner is told: K images of each of N classes.",
                    "支持集是告诉学习器的内容：N 个类别各 K 张图像。",
                ),
            ),
            Pair(
                Words("query set", "查询集"),
                Words(
                    "images of the same classes that the adapted learner is judged on",
                    "同样类别的另一些图像，用来评判适应之后的学习器",
                ),
                Words(
                    "Queries show the same classes in other images: what is learnt is judged there.",
                    "查询集是同样类别的其他图像：学到的东西在这里评判。",
                ),
            ),
            Pair(
                Words("slot", "槽位"),
                Words(
                    "the number of a class within one episode, drawn anew each time",
                    "类别在一个 episode 内的编号，每次重新抽取",
                ),
                Words(
                    "A slot says which of the N classes it is here; next time the class may have "
                    "another.",
                    "槽位表示此处是 N 类中的哪一类；下一次同一类别可能得到另一个。",
                ),
            ),
            Pair(
                Words("way", "N-way 中的 N"),
                Words("how many classes an episode has", "一个 episode 有多少个类别"),
                Words("N-way: N classes, so chance is 1/N.", "N-way 即 N 个类别，随机猜测为 1/N。"),
            ),
            Pair(
                Words("shot", "K-shot 中的 K"),
                Words(
                    "how many labelled images of a class the learner gets",
                    "每个类别给学习器多少张有标签图像",
                ),
                Words(
                    "K-shot: K support images of each class. Queries are counted apart.",
                    "K-shot 即每类 K 张支持图像，查询图像另外计算。",
                ),
            ),
        ),
        extra=(Words("how often the learner sees each image", "学习器把每张图像看多少遍"),),
        objective=Words("Use the words of few-shot learning.", "正确使用小样本学习的术语。"),
        source=f"{VINYALS}, section 4.1",
        answers=("A1", "B1"),
    ),
    Numeric(
        id="usual_interval",
        title=Words("The usual ±", "常见的 ±"),
        stem=Words(
            "{n_episodes} test episodes have accuracies with a standard deviation of {spread} "
            "percentage points. Which half-width would a few-shot paper print behind its mean (95 "
            "% interval)?",
            "{n_episodes} 个测试 episode 的准确率标准差为 {spread} 个百分点。"
            "小样本论文会在均值后面写多大的半宽（95 % 区间）？",
        ),
        given={"n_episodes": (100, 200, 400, 600, 1000), "spread": (6, 8, 9, 11, 12)},
        key=half_width,
        unit=Words("percentage points", "百分点"),
        slips=(
            Slip(
                lambda n_episodes, spread: spread / math.sqrt(n_episodes),
                Words(
                    "That is one standard error; a 95 % interval has 1.96 of them.",
                    "那是一倍标准误；95 % 区间要乘 1.96。",
                ),
            ),
            Slip(
                lambda n_episodes, spread: 1.96 * spread,
                Words(
                    "Nearly all single episodes lie within that. Their mean is far steadier: divide "
                    "by the root of {n_episodes}.",
                    "那是单个 episode 的范围。均值稳定得多：还要除以 {n_episodes} 的平方根。",
                ),
            ),
            Slip(
                lambda n_episodes, spread: 2 * 1.96 * spread / math.sqrt(n_episodes),
                Words(
                    "That is the whole width; behind ± stands half of it.",
                    "那是整个宽度；± 后面写的是一半。",
                ),
            ),
            Slip(
                lambda n_episodes, spread: 1.96 * spread / n_episodes,
                Words(
                    "Divide by the root of the number of episodes, not by the number.",
                    "应除以 episode 数的平方根，而不是除以个数。",
                ),
            ),
        ),
        why=Words(
            "1.96 times {spread} over the root of {n_episodes} is {key}. It is about other episodes "
            "of the same classes.",
            "1.96 乘 {spread} 再除以 {n_episodes} 的平方根，等于 {key}。"
            "它说的只是同样类别的其他 episode。",
        ),
        objective=Words("Compute the interval that papers print.", "计算论文中常见的区间。"),
        source=LESSON_FILE,
        answers=("B2",),
    ),
    Single(
        id="what_it_covers",
        title=Words("What does the ± cover?", "± 覆盖了什么？"),
        stem=Words(
            "A paper holds out 3 of 8 cell types and reports 64.6 ± 0.7 % over 600 episodes. About "
            "what does the ± say something?",
            "一篇论文从 8 种细胞中留出 3 种，在 600 个 episode 上报告 64.6 ± 0.7 %。"
            "这个 ± 说的是什么？",
        ),
        options=(
            Right(
                Words(
                    "Other episodes of these three cell types, with this trained network",
                    "同样三种细胞、同一个训练好的网络的其他 episode",
                ),
                Words(
                    "All that was repeated is the drawing of images. In the lesson another choice of "
                    "three types moves the accuracy by 11.7 points (standard deviation).",
                    "被重复的只是抽取图像。课中换一组三种细胞，准确率的标准差达 11.7 个百分点。",
                ),
            ),
            Wrong(
                Words(
                    "Other cell types that the network has not been trained on either",
                    "网络同样没有训练过的其他细胞种类",
                ),
                Words(
                    "No other types were tested. In the lesson 2 of 56 such intervals hold the mean "
                    "over all choices of three types.",
                    "并没有测试其他种类。课中 56 个这样的区间只有 2 个包含所有组合的均值。",
                ),
            ),
            Wrong(
                Words(
                    "The same three cell types photographed in another laboratory",
                    "另一个实验室拍摄的同样三种细胞",
                ),
                Words(
                    "All images come from one laboratory. Nothing repeated here knows another one.",
                    "所有图像来自同一个实验室，重复的内容里没有别的实验室。",
                ),
            ),
            Wrong(
                Words(
                    "Other networks, trained on the same five cell types from other seeds",
                    "用其他随机种子在同样五种细胞上训练的网络",
                ),
                Words(
                    "One network answered all 600 episodes. For that the training has to be repeated.",
                    "600 个 episode 都由同一个网络回答。要覆盖这一点，必须重复训练。",
                ),
            ),
        ),
        objective=Words(
            "Say what was repeated before trusting an interval.",
            "在相信区间之前，先问重复的是什么。",
        ),
        source=LESSON_FILE,
        answers=("B2",),
        points=1,
    ),
    Numeric(
        id="twins",
        title=Words("A class drawn twice", "同一类别被抽中两次"),
        stem=Words(
            "A sampler draws the {n_way} classes of an episode out of {n_classes} *with* "
            "replacement. In which share of episodes is some class drawn twice or more?",
            "某采样器从 {n_classes} 个类别中*有放回*地抽取一个 episode 的 {n_way} 个类别。"
            "有多大比例的 episode 会重复抽到某个类别？",
        ),
        given={"n_way": (3, 4, 5), "n_classes": (6, 8, 9, 11, 20)},
        key=twin_probability,
        slips=(
            Slip(
                lambda n_way, n_classes: 1 - twin_probability(n_way, n_classes),
                Words("That is the share in which all are different.", "那是全部不同的比例。"),
            ),
            Slip(
                lambda n_way, n_classes: n_way * (n_way - 1) / 2 / n_classes,
                Words(
                    "You added up the pairs. Episodes with several twins are then counted several "
                    "times; multiply the chances of being different instead.",
                    "你把各对的概率相加，有多对重复的 episode 会被重复计算。"
                    "应当把“各不相同”的概率相乘。",
                ),
            ),
            Slip(
                lambda n_way, n_classes: n_way / n_classes,
                Words(
                    "That is how many of the classes are drawn. Draw one after the other: the second "
                    "differs from the first with which chance, the third from both?",
                    "那是抽取类别所占的比例。请逐个抽取：第二个与第一个不同的概率是多少？第三个呢？",
                ),
            ),
        ),
        why=Words(
            "All different has the chance (1 - 1/{n_classes}) (1 - 2/{n_classes}) ..., {n_way} - 1 "
            "factors; the rest is {key}. With the hundred classes of a large benchmark it is rare, "
            "with those of a medical set it is not.",
            "全部不同的概率是 (1 - 1/{n_classes})(1 - 2/{n_classes})……共 {n_way} - 1 个因子，"
            "其余为 {key}。类别上百的大型基准中很少见，医学数据集中则不然。",
        ),
        objective=Words(
            "Estimate how often a sampling mistake strikes.", "估计采样错误出现的频率。"
        ),
        source="exercises/01_episodes",
        answers=("A1",),
    ),
    Shape(
        id="query_images",
        title=Words("Shape of the queries", "查询图像的形状"),
        stem=Words(
            "`sample_episode` of this project draws a {n_way}-way {k_shot}-shot episode with "
            "{n_query} queries per class from colour images of 28 x 28 pixels. What is the shape of "
            "`query_x`, ready for a network?",
            "本项目的 `sample_episode` 从 28 x 28 的彩色图像中抽取一个 {n_way}-way {k_shot}-shot 的 "
            "episode，每类 {n_query} 张查询图像。可直接输入网络的 `query_x` 是什么形状？",
        ),
        given={"n_way": (3, 4, 5), "k_shot": (1, 2, 3), "n_query": (10, 15, 20)},
        key=query_shape,
        slips=(
            Slip(
                lambda n_way, k_shot, n_query: (n_way * (n_query + k_shot), 3, 28, 28),
                Words(
                    "The {k_shot} support images of each class are in `support_x`.",
                    "每类的 {k_shot} 张支持图像在 `support_x` 中。",
                ),
            ),
            Slip(
                lambda n_way, k_shot, n_query: (n_query, 3, 28, 28),
                Words(
                    "{n_query} is per class, and there are {n_way} classes.",
                    "{n_query} 是每类的数量，共有 {n_way} 类。",
                ),
            ),
            Slip(
                lambda n_way, k_shot, n_query: (n_way * n_query, 28, 28, 3),
                Words(
                    "That is how the images are stored. Convolutions want the channels first.",
                    "那是存储的方式；卷积网络要求通道在前。",
                ),
            ),
            Slip(
                lambda n_way, k_shot, n_query: (n_way, n_query, 3, 28, 28),
                Words(
                    "All queries stand in one row, as a network takes them; `query_y` tells their "
                    "classes.",
                    "所有查询图像排成一列以便输入网络，类别由 `query_y` 给出。",
                ),
            ),
        ),
        why=Words(
            "{n_way} classes with {n_query} queries each in one row, channels first: {key}.",
            "{n_way} 类各 {n_query} 张排成一列，通道在前：{key}。",
        ),
        objective=Words("Know what an episode is made of.", "知道 episode 由什么组成。"),
        source="medmeta_ref/episodes.py",
        answers=("A1",),
        points=1,
    ),
    Multi(
        id="leaks",
        title=Words("Too good to be true", "好得不真实"),
        stem=Words(
            "Which of these make the reported accuracy better than what new patients with new "
            "diseases will get?",
            "下列哪些做法会使报告的准确率好于新患者、新疾病实际得到的结果？",
        ),
        options=(
            Wrong(
                Words(
                    "The classes of an episode get other slots in each episode",
                    "每个 episode 中类别重新分配槽位",
                ),
                Words(
                    "That is as it should be: it keeps the network from learning slots by heart.",
                    "这是应有的做法：防止网络死记槽位。",
                ),
            ),
            Right(
                Words(
                    "Images of one patient are in the support set and among the queries",
                    "同一患者的图像既在支持集又在查询集",
                ),
                Words(
                    "The learner may recognise the patient instead of the disease. In the lesson that "
                    "was worth up to 29 points.",
                    "学习器可能认出患者而不是疾病。课中最多相差 29 个百分点。",
                ),
            ),
            Wrong(
                Words(
                    "Only 100 test episodes are drawn, where others draw 600",
                    "只抽取 100 个测试 episode，而别人抽取 600 个",
                ),
                Words(
                    "That makes the result less certain, not better.",
                    "这只会让结果更不确定，并不会更好。",
                ),
            ),
            Right(
                Words(
                    "The number of training steps is chosen on the test classes",
                    "根据测试类别的结果选择训练步数",
                ),
                Words(
                    "What was chosen on the test classes fits them. Settings are chosen on "
                    "validation classes.",
                    "在测试类别上选出的设置会迎合它们。应当用验证类别来选。",
                ),
            ),
            Right(
                Words(
                    "A test class was among the classes of meta-training",
                    "某个测试类别出现在元训练的类别中",
                ),
                Words(
                    "Then the disease is not new. It is classes that have to be split.",
                    "那么疾病就不是新的。必须按类别划分。",
                ),
            ),
            Right(
                Words(
                    "Batch norm looks at all queries of an episode at once",
                    "批归一化同时使用一个 episode 的全部查询图像",
                ),
                Words(
                    "That is transduction: balanced company helps, and a clinic has one image at a "
                    "time.",
                    "这是直推式：类别均衡的同伴有帮助，而诊所一次只有一张图像。",
                ),
            ),
            Wrong(
                Words(
                    "Every learner answers the same test episodes",
                    "所有方法回答同样的测试 episode",
                ),
                Words(
                    "That is good practice: differences become paired and steadier.",
                    "这是好做法：差值成对，更稳定。",
                ),
            ),
        ),
        objective=Words("Tell leaks from good practice.", "区分泄漏与好的做法。"),
        source=LESSON_FILE,
        answers=("A1", "B2"),
    ),
    Predict(
        id="fresh_generators",
        title=Words("Generators made on the spot", "临时新建的随机数生成器"),
        stem=Words("What is the value of the last line?", "最后一行的值是什么？"),
        code="""
import torch

labels = torch.tensor([{a}, {b}, {a}, {b}, {b}, {a}, {b}])
pool = (labels == {b}).nonzero().flatten()
one = pool[torch.randperm(4, generator=torch.Generator())]
two = pool[torch.randperm(4, generator=torch.Generator())]
torch.equal(one, two), int(pool.sum()), int(labels.unique()[0])
""",
        given={"a": (2, 5, 6, 9), "b": (3, 4, 7, 8)},
        slips=(
            Slip(
                lambda a, b: (False, 14, min(a, b)),
                Words(
                    "A new `torch.Generator()` always starts from the same seed, so two of them draw "
                    "the same. That freezes the support set of many a sampler.",
                    "新建的 `torch.Generator()` 总从同一个种子开始，所以两个抽出的结果相同。"
                    "许多采样器的支持集就这样被固定了。",
                ),
            ),
            Slip(
                lambda a, b: (True, 4 * b, min(a, b)),
                Words(
                    "`nonzero` gives positions, not labels.", "`nonzero` 给出的是位置，不是标签。"
                ),
            ),
            Slip(
                lambda a, b: (True, 14, max(a, b)),
                Words(
                    "`unique` sorts: the lowest label comes first.",
                    "`unique` 会排序：最小的标签在最前面。",
                ),
            ),
        ),
        why=Words(
            "Fresh generators share their seed, `nonzero` gives the positions 1, 3, 4 and 6, and "
            "`unique` sorts.",
            "新建的生成器种子相同；`nonzero` 给出位置 1、3、4、6；`unique` 会排序。",
        ),
        objective=Words("Foresee what a sampler's lines do.", "预见采样器每一行的行为。"),
        source="PyTorch documentation, torch.Generator",
        answers=("A1",),
    ),
    Bug(
        id="patients_by_position",
        title=Words("A patient split that works at home", "只在自家数据上有效的患者划分"),
        stem=Words(
            "This function should choose `n_test` random patients and return the positions of the "
            "training images and of the test images. With patients numbered 0, 1, 2, ... it does. In "
            "another archive, numbered 40, 51, 7, ..., hardly anybody is in the test.",
            "这个函数应随机选出 `n_test` 名患者，返回训练图像和测试图像的位置。"
            "患者编号为 0, 1, 2, … 时没有问题；换成编号 40, 51, 7, … 的数据，测试集几乎是空的。",
        ),
        code="""
import torch

def split_by_patient(patients, n_test, generator):
    people = patients.unique()
    order = torch.randperm(len(people), generator=generator)
    chosen = order[:n_test]
    is_test = torch.isin(patients, chosen)
    return (~is_test).nonzero().flatten(), is_test.nonzero().flatten()
""",
        fixes=(
            Fix(
                5,
                "order = torch.randperm(len(patients), generator=generator)",
                Words(
                    "Now images are counted in place of patients, and numbers still stand for people.",
                    "现在数的是图像而不是患者，而且仍把位置当作患者编号。",
                ),
            ),
            Fix(
                7,
                "is_test = torch.isin(people, chosen)",
                Words(
                    "That asks once per patient, not once per image, and still compares numbers of "
                    "patients with positions.",
                    "这样每名患者只判断一次，而不是每张图像；而且仍在拿患者编号与位置比较。",
                ),
            ),
            Fix(
                6,
                "chosen = people[:n_test]",
                Words(
                    "These are patients, but always the first ones: the generator no longer decides.",
                    "这确实是患者，但总是前几名：生成器不再起作用。",
                ),
            ),
            Fix(
                6,
                "chosen = people[order[:n_test]]",
                Words(
                    "`order` holds positions in `people`; looked up there, they become patients.",
                    "`order` 是在 `people` 中的位置，取出来才是患者。",
                ),
            ),
            Fix(
                4,
                "people = torch.arange(int(patients.max()) + 1)",
                Words(
                    "Then many of the people drawn have no image at all, and the test is smaller than "
                    "asked for.",
                    "这样抽到的许多编号根本没有图像，测试患者会少于要求。",
                ),
            ),
        ),
        works=patients_stay_whole,
        objective=Words("Keep positions and identifiers apart.", "分清位置与编号。"),
        source="exercises/01_episodes",
        answers=("A1",),
    ),
    Order(
        id="protocol",
        title=Words("An honest few-shot result", "一个诚实的小样本结果"),
        stem=Words(
            "Put the steps of an evaluation on new diseases in order.",
            "把在新疾病上评测的步骤按顺序排列。",
        ),
        steps=(
            Step(
                Words("Find out which images are of the same patient", "查清哪些图像属于同一患者"),
                Words(
                    "Without that no split can keep patients apart.",
                    "不知道这一点，任何划分都无法把患者分开。",
                ),
            ),
            Step(
                Words(
                    "Split classes and patients into training, validation and test",
                    "把类别和患者划分为训练、验证和测试",
                ),
                Words(
                    "The split comes before anything is learnt or chosen.",
                    "划分要先于任何学习和选择。",
                ),
            ),
            Step(
                Words(
                    "Meta-train on episodes of the training classes", "用训练类别的 episode 元训练"
                ),
                Words(
                    "Training needs the split, and choosing needs something trained.",
                    "训练需要先划分，选择则需要先训练。",
                ),
            ),
            Step(
                Words("Choose settings on the validation classes", "用验证类别选定设置"),
                Words(
                    "The choice is made before the test classes are looked at.",
                    "必须在看测试类别之前选定。",
                ),
            ),
            Step(
                Words(
                    "Let all methods and baselines answer the same test episodes",
                    "让所有方法和基线回答同样的测试 episode",
                ),
                Words("The test comes once all choices are made.", "所有选择做完之后才测试。"),
            ),
            Step(
                Words(
                    "Repeat with other splits; take the interval over splits",
                    "换其他划分重复以上步骤，对划分计算区间",
                ),
                Words(
                    "One split is one repetition; the interval comes last.",
                    "一次划分只算一次重复，区间最后计算。",
                ),
            ),
        ),
        objective=Words(
            "Plan a few-shot evaluation that can be believed.", "设计可信的小样本评测。"
        ),
        source=LESSON_FILE,
        answers=("A1", "B2"),
    ),
    Single(
        id="less_pretraining",
        title=Words("Does it save pre-training?", "它能省去预训练吗？"),
        stem=Words(
            'A candidate says: "Meta-learning reduces the need for pre-training." What is the best '
            "reply?",
            "一位候选人说：“元学习减少了预训练的需要。”怎样回答最好？",
        ),
        options=(
            Wrong(
                Words(
                    "Right: it starts from random weights and needs five images in all",
                    "对：它从随机权重开始，总共只需要五张图像",
                ),
                Words(
                    "Five images are for the new task. In the lesson 6,455 labelled ones come before.",
                    "五张图像只是用于新任务的。课中此前先用了 6,455 张有标签图像。",
                ),
            ),
            Wrong(
                Words(
                    "Right, as long as the inner loop takes no more than a few gradient steps",
                    "对，只要内循环不超过几步梯度下降",
                ),
                Words(
                    "How many steps a task takes says nothing about the training before it.",
                    "每个任务走几步，与此前的训练无关。",
                ),
            ),
            Wrong(
                Words(
                    "Wrong: it needs both large pre-training and many labels per new task",
                    "错：它既需要大规模预训练，每个新任务也需要大量标签",
                ),
                Words(
                    "Half of it. That a new task needs few labels is just what is gained.",
                    "只对了一半：新任务只需要少量标签，这正是收获所在。",
                ),
            ),
            Right(
                Words(
                    "Wrong: it adds a long training over tasks; labels per new task fall",
                    "错：它增加了跨任务的长时间训练，减少的是每个新任务的标签",
                ),
                Words(
                    "The cost is moved to the front: many labelled tasks first, few labels later.",
                    "代价移到了前面：先要有许多带标签的任务，之后每个任务标签才少。",
                ),
            ),
        ),
        objective=Words(
            "Say what meta-learning saves and what it costs.", "说清元学习省了什么、花了什么。"
        ),
        source=f"{LESSON_FILE}; {HOSPEDALES}",
        answers=("A1", "B2"),
        points=1,
    ),
    Numeric(
        id="how_many_tasks",
        title=Words("How many tasks are there?", "一共有多少个任务？"),
        stem=Words(
            "Meta-training has {n_classes} classes. How many different sets of {n_way} classes can "
            "its episodes show?",
            "元训练有 {n_classes} 个类别。它的 episode 能出现多少种不同的 {n_way} 类组合？",
        ),
        given={"n_classes": (6, 7, 8, 9, 11), "n_way": (2, 3)},
        key=lambda n_classes, n_way: math.comb(n_classes, n_way),
        slips=(
            Slip(
                lambda n_classes, n_way: math.perm(n_classes, n_way),
                Words(
                    "That counts orders as well. Other slots are no other classes.",
                    "这样把顺序也算进去了。换槽位并不是换类别。",
                ),
            ),
            Slip(
                lambda n_classes, n_way: n_classes**n_way,
                Words(
                    "That draws with replacement, and counts orders.",
                    "那是有放回抽取，并且计入了顺序。",
                ),
            ),
            Slip(
                lambda n_classes, n_way: n_classes // n_way,
                Words(
                    "Sets may share classes: they are other tasks all the same.",
                    "不同组合可以共用类别，仍算不同任务。",
                ),
            ),
        ),
        why=Words(
            "{n_classes} over {n_way} is {key}, however many thousand images there are. Scarce tasks, "
            "not scarce images, are what a network learns by heart.",
            "从 {n_classes} 中取 {n_way} 的组合数是 {key}，不论有几千张图像。"
            "被网络死记的是稀缺的任务，而不是稀缺的图像。",
        ),
        objective=Words("Count tasks, not images.", "数任务，而不是数图像。"),
        source="Yin et al. 2020, arXiv 1912.03820",
        answers=("A1", "B2"),
        points=1,
    ),
    Single(
        id="transductive",
        title=Words("Transductive or inductive", "直推式还是归纳式"),
        stem=Words(
            "How do you find out whether a few-shot learner is transductive?",
            "怎样判断一个小样本学习器是不是直推式的？",
        ),
        options=(
            Wrong(
                Words(
                    "Give it the support set in another order; see whether answers change",
                    "换一种顺序给支持集，看答案是否改变",
                ),
                Words(
                    "That tests whether the order of what it is told matters. Transduction is about "
                    "the other queries.",
                    "这检验的是支持集顺序的影响。直推式与其他查询图像有关。",
                ),
            ),
            Right(
                Words(
                    "Ask a query alone and among others; see whether its answer changes",
                    "单独问一个查询，再与其他查询一起问，看答案是否改变",
                ),
                Words(
                    "If company changes the answer, other queries were used. Batch norm does that, "
                    "and tables that mix both kinds compare different problems.",
                    "如果同伴会改变答案，就说明用到了其他查询。批归一化就会这样；"
                    "把两种结果混在一张表里，比较的是不同的问题。",
                ),
            ),
            Wrong(
                Words(
                    "Permute the support labels; see whether its accuracy falls to chance",
                    "打乱支持集标签，看准确率是否降到随机水平",
                ),
                Words(
                    "That finds out whether the support set is used at all, or slots were learnt by "
                    "heart.",
                    "这检验的是支持集是否被使用，或者槽位是否被死记。",
                ),
            ),
            Wrong(
                Words(
                    "Test it on classes it was trained on; see whether it does better there",
                    "在训练过的类别上测试，看那里是否更好",
                ),
                Words(
                    "Any learner does. It tells how far it carries over to new classes.",
                    "任何学习器都会这样。这说明的是它向新类别推广的程度。",
                ),
            ),
        ),
        objective=Words("Test for transduction.", "检验是否为直推式。"),
        source=f"{LESSON_FILE}; Nichol et al. 2018, arXiv 1803.02999",
        answers=("B1", "B2"),
        points=1,
    ),
)

CARDS = (
    Card(
        id="radiologist",
        prompt=Words(
            "Explain meta-learning, and what it could do for her, to a radiologist.",
            "向一位放射科医生解释元学习，以及它能为她做什么。",
        ),
        rubric=(
            Words("says that many small tasks are learnt from first", "说明先要从许多小任务中学习"),
            Words("support and query in plain words", "用平常的话说清支持集和查询集"),
            Words("what falls: labels per new finding", "减少的是每种新病征所需的标签"),
            Words(
                "what can fail: another scanner, too few tasks", "会失败的情形：换设备、任务太少"
            ),
            Words(
                "how it is tested: findings and patients kept apart",
                "如何检验：病征和患者都分开",
            ),
        ),
        model=Words(
            "A resident who has learnt to read many findings needs few examples of a new one: she "
            "knows what to look at. We train a program on many small reading tasks. In each it sees "
            "a few labelled images and is judged on others, and we improve it until it learns such "
            "tasks from few images. Then it gets five images of a finding it has never met. What you "
            "save are labels for the new finding, not those for the many old ones. It may fail on "
            "another scanner, so we test on findings and patients that it has not seen, and compare "
            "with simple rivals.",
            "学过许多病征的住院医师，只需要几个例子就能学会一种新的：她知道该看哪里。"
            "我们让程序做许多小的读片任务：每次看几张有标签的图像，再在另一些图像上评判，"
            "不断改进它，直到它能从少量图像学会这类任务。然后给它五张从未见过的病征。"
            "省下的是新病征的标签，而不是以前那些任务的标签。"
            "换一台设备它可能失败，所以我们用它没见过的病征和患者来检验，并与简单的方法比较。",
        ),
        source=LESSON_FILE,
        answers=("A1", "B1"),
    ),
    Card(
        id="talk",
        prompt=Words(
            'A speaker shows "95.2 ± 0.3 % over 600 episodes". What do you ask?',
            "报告人展示“95.2 ± 0.3 %，600 个 episode”。你会问什么？",
        ),
        rubric=(
            Words("how many class splits and training seeds", "用了多少种类别划分和训练种子"),
            Words("whether patients can be on both sides", "患者是否会同时出现在两边"),
            Words("transductive or not", "是否为直推式"),
            Words("simple baselines on the same episodes", "同样 episode 上的简单基线"),
            Words("chance level and the worst episodes", "随机水平和最差的 episode"),
        ),
        model=Words(
            "Which classes were held out, and how often was the split repeated? With one split the "
            "interval is about other episodes of these classes only. Can one patient be in support "
            "and query, or in training and test? Did batch norm see the queries together? What do "
            "nearest class means of raw pixels and a plainly pre-trained network reach on the same "
            "episodes? And what do the worst five per cent of episodes look like: a patient gets one "
            "of them, not the mean.",
            "留出的是哪些类别，划分重复了多少次？只有一种划分时，区间说的只是同样类别的其他 episode。"
            "同一患者会不会既在支持集又在查询集，或者既在训练又在测试？"
            "批归一化是否同时看到全部查询？原始像素的最近类均值和普通预训练网络在同样的 episode 上是多少？"
            "最差的百分之五又怎样：患者遇到的是其中一个，而不是平均。",
        ),
        source=LESSON_FILE,
        answers=("B2",),
    ),
    Card(
        id="neighbours",
        prompt=Words(
            "How does meta-learning differ from transfer learning and from multi-task learning?",
            "元学习与迁移学习、多任务学习有什么不同？",
        ),
        rubric=(
            Words(
                "multi-task: one model, good on all training tasks at once",
                "多任务：一个模型，同时擅长所有训练任务",
            ),
            Words(
                "transfer: adapted later, and not trained for that",
                "迁移：之后才适应，训练时并未为此优化",
            ),
            Words("meta: the loss is taken after adaptation", "元学习：损失在适应之后计算"),
            Words("fine-tuning is the rival, and often as good", "微调是对手，而且常常一样好"),
        ),
        model=Words(
            "Multi-task learning trains one model to be good on all of its tasks at once, and is "
            "tested on those. Transfer learning takes a model trained for one purpose and adapts it "
            "to another; its first training did not know about that. Meta-learning puts the "
            "adaptation inside the training: for each of many tasks it adapts on support images, "
            "takes the loss on queries, and changes what the adaptation starts from or works with. "
            "On new tasks a good transfer is often as good, so it belongs into every table.",
            "多任务学习训练一个模型同时擅长所有任务，并在这些任务上测试。"
            "迁移学习把为某个目的训练的模型用于另一个目的，前一阶段的训练并不知道这一点。"
            "元学习把适应放进训练之中：对许多任务，先在支持集上适应，在查询集上计算损失，"
            "再改变适应的起点或方式。在新任务上，好的迁移往往同样有效，所以每张表里都应当有它。",
        ),
        source=HOSPEDALES,
        answers=("A1", "B1"),
    ),
)
