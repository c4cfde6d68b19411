"""The fifteen things that the course must answer: the items of the question bank it began with.

Part A asks for definitions, methods, challenges and two programs; part B goes through the field.
"""

from typing import Literal, NamedTuple

from medmeta_ref.questions.words import Words


class Item(NamedTuple):
    """One item.

    Attributes:
        what: in our words.
        kind: "concept", "case" or "summary"; "code" asks for a program.
    """

    what: Words
    kind: Literal["concept", "case", "summary", "code"]


ITEMS = {
    "A1": Item(
        Words(
            "What is meta-learning, and what is it for in medical imaging?",
            "什么是元学习？它在医学图像中有什么用？",
        ),
        "concept",
    ),
    "A2": Item(
        Words(
            "Three kinds of methods: distillation, model fusion, gradient-based",
            "三类方法：知识蒸馏、模型融合、基于梯度的方法",
        ),
        "concept",
    ),
    "A3": Item(
        Words(
            "Challenges: scarce data, diverse tasks, compute",
            "挑战：数据稀缺、任务多样、计算量",
        ),
        "concept",
    ),
    "A4": Item(
        Words(
            "A program that distils a large model into a small one", "把大模型蒸馏成小模型的程序"
        ),
        "code",
    ),
    "A5": Item(
        Words(
            "A program for gradient-based meta-learning on a new medical data set",
            "在新的医学数据集上做基于梯度的元学习的程序",
        ),
        "code",
    ),
    "B1": Item(
        Words(
            "Definition and principle; where experience replay belongs",
            "定义与原理；经验回放的位置",
        ),
        "concept",
    ),
    "B2": Item(
        Words(
            "Uses: fast adaptation, fewer labels, robustness",
            "用途：快速适应、少用标注、鲁棒性",
        ),
        "concept",
    ),
    "B3": Item(Words("The challenges once more, in practice", "再谈实践中的挑战"), "concept"),
    "B4": Item(
        Words(
            "Distillation: principle, and embedded or edge devices",
            "知识蒸馏：原理，以及嵌入式与边缘设备",
        ),
        "concept",
    ),
    "B5": Item(
        Words(
            "Fusion: weighted averages, CNN with RNN, several modalities",
            "模型融合：加权平均、CNN 与 RNN、多模态",
        ),
        "concept",
    ),
    "B6": Item(
        Words(
            "Gradient-based meta-learning for the fast diagnosis of a new disease",
            "用基于梯度的元学习快速诊断新疾病",
        ),
        "concept",
    ),
    "B7": Item(
        Words(
            "Frameworks: MAML, Reptile, prototypical networks, MAML++",
            "框架：MAML、Reptile、原型网络、MAML++",
        ),
        "concept",
    ),
    "B8": Item(
        Words(
            "Cases: lung, heart, several modalities",
            "案例：肺、心脏、多模态",
        ),
        "case",
    ),
    "B9": Item(Words("Prospects, and what stands in their way", "前景与障碍"), "concept"),
    "B10": Item(Words("A summary", "总结"), "summary"),
}
