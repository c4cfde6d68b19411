"""Interview questions of unit 00, the way around the course: one of each kind."""

from typing import Any

import torch

from medmeta_ref.questions.kinds import (
    Bug,
    Card,
    Fix,
    Formula,
    Match,
    Multi,
    Mutant,
    Mutants,
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

LESSON = ()  # the source bank asks nothing about how a course works
EXERCISES: dict[str, tuple[str, ...]] = {"mean_std": (), "standardise": ()}

LESSON_FILE = "lessons/00_orientation"


def own_means_shape(n: int, height: int, width: int) -> tuple[int, ...]:
    """Return the shape of one mean per image that still broadcasts over its pixels."""
    return torch.zeros(n, height, width).mean((1, 2), keepdim=True).shape


def is_prepared_by_training(names: dict[str, Any]) -> bool:
    """Return whether both sets are prepared with the numbers of the training images."""
    train, test = torch.tensor([[1.0, 5.0], [5.0, 1.0]]), torch.tensor([[3.0, 9.0]])
    got = names["prepare"](train, test)
    wanted = torch.tensor([[-1.0, 1.0], [1.0, -1.0]]), torch.tensor([[0.0, 3.0]])
    return all(map(torch.equal, got, wanted))


QUESTIONS = (
    Single(
        id="name_error",
        title=Words("Green here, red there", "这里通过，那里不通过"),
        stem=Words(
            "A check is green in your notebook. Graded, the same answer has no points: "
            "*your code raised NameError*. What has happened?",
            "在你的 notebook 里检查通过了。评分时同一个答案却没有分：*你的代码引发了 NameError*。"
            "发生了什么？",
        ),
        options=(
            Wrong(
                Words(
                    "The numbers are others at grading, and the answer fits those here only",
                    "评分时用的是别的数，而答案只适合这里的数",
                ),
                Words(
                    "The numbers are others indeed. An answer that fits only these is told *wrong*, "
                    "with both values; it does not raise.",
                    "评分时的数确实不同。只适合这里的答案会被判为*错误*，并给出两个值；不会引发异常。",
                ),
            ),
            Wrong(
                Words(
                    "A warning was printed, and at grading a warning counts as an error",
                    "打印了警告，而评分时警告算作错误",
                ),
                Words(
                    "Warnings and prints become notes beside the result. They cost nothing.",
                    "警告和打印内容只作为附注显示，不扣分。",
                ),
            ),
            Right(
                Words(
                    "It uses a name that you defined in a cell outside the answer",
                    "它用到了你在答案之外的单元格里定义的名字",
                ),
                Words(
                    "Only the text of answer cells is taken. Your notebook still remembers the "
                    "other cell; the fresh copy never had it. Define helpers inside the answer.",
                    "只有答案单元格的文本会被取走。你的 notebook 还记得另一个单元格，"
                    "而全新的副本里没有它。辅助函数请定义在答案里面。",
                ),
            ),
            Wrong(
                Words(
                    "Somebody has deleted the cell below the answer that holds its check",
                    "有人删掉了答案下面那个检查单元格",
                ),
                Words(
                    "Then nothing happens at all: the fresh copy has all of its checks.",
                    "那样什么也不会发生：全新的副本里检查一个不少。",
                ),
            ),
        ),
        objective=Words("Write answers that stand on their own.", "写出不依赖其他单元格的答案。"),
        source=LESSON_FILE,
    ),
    Match(
        id="four_states",
        title=Words("Four states", "四种状态"),
        stem=Words(
            "What does a check say of each of these answers?", "对下面各个答案，检查会怎么说？"
        ),
        pairs=(
            Pair(
                Words(
                    "The line that raises `NotImplementedError` is still there",
                    "抛出 `NotImplementedError` 的那一行还在",
                ),
                Words("not attempted", "未作答"),
                Words(
                    "By that line a check knows that you have not begun. It is no mistake.",
                    "检查靠这一行知道你还没开始。这不算错误。",
                ),
            ),
            Pair(
                Words("It says `images.sdt()`", "写成了 `images.sdt()`"),
                Words("your code raised", "代码引发异常"),
                Words(
                    "A tensor has no `sdt`, so Python raises an AttributeError in your line.",
                    "张量没有 `sdt`，Python 在你的那一行引发 AttributeError。",
                ),
            ),
            Pair(
                Words("There is no `return`", "没有 `return`"),
                Words("wrong", "错误"),
                Words(
                    "Python returns None without complaint; the check compares it and says so.",
                    "Python 会不声不响地返回 None；检查比较之后会指出来。",
                ),
            ),
            Pair(
                Words(
                    "It is right, and prints a warning at every call",
                    "答案正确，但每次调用都打印警告",
                ),
                Words("right", "正确"),
                Words("What is printed becomes a note.", "打印的内容只成为附注。"),
            ),
            Pair(
                Words(
                    "It is right for many images, and raises an error for a single one",
                    "对多张图像正确，只有一张时引发异常",
                ),
                Words("your code raised", "代码引发异常"),
                Words(
                    "A check that tries one image too meets the error: the state is that of the "
                    "first thing that goes wrong.",
                    "检查也会试一张图像，于是遇到异常：状态取决于最先出错的地方。",
                ),
            ),
            Pair(
                Words(
                    "It returns the variance in place of the standard deviation",
                    "返回了方差而不是标准差",
                ),
                Words("wrong", "错误"),
                Words(
                    "The author handed that mistake in: the message names it.",
                    "出题人预先给出了这种失误，消息会点明它。",
                ),
            ),
        ),
        objective=Words("Read what a check says.", "读懂检查给出的结果。"),
        source=LESSON_FILE,
    ),
    Multi(
        id="what_is_taken",
        title=Words("What costs points?", "什么会扣分？"),
        stem=Words("Which of these can cost points at grading?", "下列哪些在评分时可能扣分？"),
        options=(
            Wrong(
                Words("The check cell was edited by accident", "不小心改动了检查单元格"),
                Words(
                    "Your answers are put into a fresh copy, with checks of its own.",
                    "你的答案会放进全新的副本，那里有自己的检查。",
                ),
            ),
            Right(
                Words("The answer needs ten minutes to run", "答案要运行十分钟"),
                Words(
                    "An answer has some seconds. Endless loops have to end somewhere.",
                    "每个答案只有若干秒。死循环总得有个尽头。",
                ),
            ),
            Wrong(
                Words("All hints and the solution were opened", "打开了全部提示和解答"),
                Words("They cost nothing but the exercise.", "不扣分，只是少了一次练习。"),
            ),
            Right(
                Words(
                    "The answer returns a number copied from a message",
                    "答案返回从消息里抄来的数",
                ),
                Words(
                    "Grading draws other numbers, so an answer has to compute.",
                    "评分时会另外抽取数值，所以答案必须真正计算。",
                ),
            ),
            Right(
                Words("The function was given a name of your own", "函数改成了自己起的名字"),
                Words(
                    "Checks call it by the name that stands in the exercise.",
                    "检查按练习中的名字来调用它。",
                ),
            ),
            Wrong(
                Words("A progress bar fills the whole output", "进度条占满了整个输出"),
                Words("Output is not looked at.", "不看输出。"),
            ),
        ),
        objective=Words(
            "Know what grading takes from a notebook.", "知道评分从 notebook 里取走什么。"
        ),
        source=LESSON_FILE,
    ),
    Numeric(
        id="half_right",
        title=Words("Half right", "对了一半"),
        stem=Words(
            "An exercise has three checks, worth {a}, {b} and {c} points. Each tries two shapes. "
            "Your answer is right in the first check, right for one of the two shapes in the "
            "second, and right in the third. How many points is that?",
            "一道练习有三个检查，分别值 {a}、{b} 和 {c} 分，每个都试两种形状。"
            "你的答案在第一个检查里正确，在第二个里只有一种形状正确，在第三个里正确。一共得几分？",
        ),
        given={"a": (3, 5, 7), "b": (4, 6, 8), "c": (9, 12, 15)},
        key=lambda a, b, c: a + c,
        slips=(
            Slip(
                lambda a, b, c: a + b / 2 + c,
                Words(
                    "A check gives all of its {b} points or none; one shape may be luck.",
                    "一个检查要么给全部 {b} 分，要么不给；对一种形状可能只是碰巧。",
                ),
            ),
            Slip(
                lambda a, b, c: a,
                Words(
                    "Checks are run one by one: the third does not care about the second.",
                    "检查各自运行：第三个不受第二个影响。",
                ),
            ),
            Slip(
                lambda a, b, c: a + b + c,
                Words("The second check is lost.", "第二个检查没有通过。"),
            ),
        ),
        why=Words(
            "{a} + {c} = {key}: each check gives all or nothing, and for itself. Only questions "
            "like these give shares.",
            "{a} + {c} = {key}：每个检查各自计分，要么全给要么不给。只有这里的问答题会给部分分。",
        ),
        objective=Words("Work out points.", "算清得分。"),
        source=LESSON_FILE,
    ),
    Predict(
        id="same_seed",
        title=Words("What is random, and what is not", "什么是随机的，什么不是"),
        stem=Words(
            "Whatever draws at random in this course is handed a generator. What is the value of "
            "the last line?",
            "本课程中凡是随机抽取的函数都会传入一个 generator。最后一行的值是什么？",
        ),
        code="""
import torch

one, two = (torch.Generator().manual_seed(7) for _ in range(2))
a, b = torch.rand(3, generator=one), torch.rand(3, generator=one)
torch.manual_seed(0)
c = torch.rand(3, generator=two)
torch.equal(a, b), torch.equal(a, c), len({*a.tolist(), *b.tolist(), *c.tolist()})
""",
        slips=(
            Slip(
                (True, True, 3),
                Words(
                    "The second call with `one` goes on where the first stopped.",
                    "第二次用 `one` 抽取时，会接着第一次继续。",
                ),
            ),
            Slip(
                (False, False, 9),
                Words(
                    "`two` has the same seed as `one`, and `torch.manual_seed` concerns another "
                    "generator, the global one.",
                    "`two` 与 `one` 的种子相同，而 `torch.manual_seed` 管的是另一个生成器，即全局的那个。",
                ),
            ),
        ),
        why=Words(
            "A generator goes on from call to call, so a and b differ. Another one with the same "
            "seed begins with the same numbers, and nobody else can disturb it: {key}.",
            "生成器每次调用都继续往下走，所以 a 和 b 不同。"
            "种子相同的另一个生成器从同样的数开始，别人无法干扰它：{key}。",
        ),
        objective=Words("Make a random answer repeatable.", "让随机的答案可以重现。"),
        source="medmeta_ref/episodes.py",
    ),
    Order(
        id="the_way",
        title=Words("The way of an answer", "一个答案的旅程"),
        stem=Words(
            "Put the way of an answer through the course in order.",
            "把一个答案在课程中经历的步骤按先后排好。",
        ),
        steps=(
            Step(
                Words("The exercise is copied by `medmeta start`", "用 `medmeta start` 复制练习"),
                Words(
                    "First there has to be a folder of your own, which no update touches.",
                    "先要有一个自己的文件夹，课程更新不会动它。",
                ),
            ),
            Step(
                Words(
                    "The placeholder gives way to a line of yours", "用自己的代码替换占位的那一行"
                ),
                Words("There is nothing to check before.", "在此之前没有可检查的东西。"),
            ),
            Step(
                Words("The check below the answer compares", "答案下面的检查进行比较"),
                Words(
                    "It runs in your own notebook, as often as you like.",
                    "它在你自己的 notebook 里运行，次数不限。",
                ),
            ),
            Step(
                Words("The notebook is saved and handed in", "保存并提交 notebook"),
                Words(
                    "What was not saved is not there to be graded.", "没有保存的内容不会被评分。"
                ),
            ),
            Step(
                Words(
                    "The text of the answer is put into a fresh copy", "把答案的文本放进全新的副本"
                ),
                Words(
                    "Grading begins with a copy that nobody has changed.",
                    "评分从一份没人改动过的副本开始。",
                ),
            ),
            Step(
                Words("Checks with other numbers give points", "用另外的数检查并给分"),
                Words(
                    "The points come last, from numbers that nobody has seen.",
                    "最后才得出分数，用的是谁也没见过的数。",
                ),
            ),
        ),
        objective=Words(
            "Tell what happens between writing and grading.", "说清从写答案到评分之间发生了什么。"
        ),
        source=LESSON_FILE,
    ),
    Shape(
        id="own_means",
        title=Words("One mean per image", "每张图像一个均值"),
        stem=Words(
            "`images` has the shape ({n}, {height}, {width}). What is the shape of "
            "`images.mean((1, 2), keepdim=True)`?",
            "`images` 的形状是 ({n}, {height}, {width})。"
            "`images.mean((1, 2), keepdim=True)` 的形状是什么？",
        ),
        given={"n": (6, 12, 20, 32, 50), "height": (24, 28), "width": (30, 40)},
        key=own_means_shape,
        slips=(
            Slip(
                lambda n, height, width: (n,),
                Words(
                    "That is without `keepdim`; it would not broadcast over the pixels.",
                    "那是没有 `keepdim` 的结果；它不能在像素上广播。",
                ),
            ),
            Slip(
                lambda n, height, width: (n, height, width),
                Words(
                    "Two axes are averaged away: length 1 is left of each.",
                    "有两个轴被取平均：各只剩长度 1。",
                ),
            ),
            Slip(
                lambda n, height, width: (1, height, width),
                Words(
                    "That averages over the {n} images (axis 0): one mean per pixel.",
                    "那是对 {n} 张图像（第 0 轴）取平均：每个像素一个均值。",
                ),
            ),
        ),
        why=Words(
            "Axes 1 and 2 shrink to 1 and stay: {key}. So `images - mean` subtracts from each image "
            "its own mean.",
            "第 1、2 轴缩为 1 并保留：{key}。于是 `images - mean` 会从每张图像减去它自己的均值。",
        ),
        objective=Words("Follow shapes through a mean.", "追踪求均值后的形状。"),
        source=LESSON_FILE,
    ),
    Formula(
        id="pooled_variance",
        title=Words("Two images, one variance", "两张图像，一个方差"),
        stem=Words(
            "Two images of the same size have the means `a` and `b` and the variances `v` and `w`. "
            "What is the variance over all of their pixels? (Variances here divide by the number of "
            "pixels.)",
            "两张同样大小的图像，均值为 `a` 和 `b`，方差为 `v` 和 `w`。"
            "全部像素的方差是多少？（这里的方差除以像素个数。）",
        ),
        variables={"a": (-1, 1), "b": (-1, 1), "v": (0.1, 2), "w": (0.1, 2)},
        key=lambda a, b, v, w: (v + a * a + w + b * b) / 2 - ((a + b) / 2) ** 2,
        example="(v + w) / 2 + ((a - b) / 2) ** 2",
        slips=(
            Slip(
                "(v + w) / 2",
                Words(
                    "That forgets that one image may be brighter than the other: try v = w = 0.",
                    "漏了一张图像可能比另一张亮：试试 v = w = 0。",
                ),
            ),
            Slip(
                "(v + w) / 2 + (a - b) ** 2",
                Words(
                    "Each image lies half the difference away from the common mean.",
                    "每张图像与共同均值的距离是差的一半。",
                ),
            ),
            Slip(
                "v + w + ((a - b) / 2) ** 2",
                Words("The variances are averaged, not added.", "方差要取平均，不是相加。"),
            ),
        ),
        why=Words(
            "The mean of the squares less the square of the mean; worked out, the variance within "
            "images, averaged, plus that between them.",
            "平方的均值减去均值的平方；整理后就是图像内方差的平均加上图像间的方差。",
        ),
        objective=Words(
            "Say what the mean of the images' own spreads leaves out.",
            "说出各图像自身离散程度的平均漏掉了什么。",
        ),
        source="the law of total variance",
    ),
    Bug(
        id="whose_numbers",
        title=Words("Whose numbers?", "用谁的数？"),
        stem=Words(
            "Both sets should be standardised with mean and standard deviation of the *training* "
            "images. Something else happens.",
            "两个集合都应当用*训练*图像的均值和标准差来标准化。结果却不是这样。",
        ),
        code="""
import torch

def prepare(train, test):
    mean, std = train.mean(), train.std(correction=0)
    both = torch.cat([train, test])
    both = (both - both.mean()) / std
    return both[: len(train)], both[len(train) :]
""",
        fixes=(
            Fix(
                6,
                "both = (both - both.mean()) / both.std(correction=0)",
                Words(
                    "Now both numbers know the test images; before, only one did.",
                    "这样两个数都受测试图像影响；原先只有一个。",
                ),
            ),
            Fix(
                4,
                "mean, std = both.mean(), both.std(correction=0)",
                Words(
                    "There is no `both` yet at this point: Python raises an error.",
                    "这里还没有 `both`：Python 会报错。",
                ),
            ),
            Fix(
                6,
                "both = (both - mean) / std",
                Words(
                    "Both numbers come from the training images and are used for all.",
                    "两个数都来自训练图像，并用于全部图像。",
                ),
            ),
            Fix(
                7,
                "return both[: len(test)], both[len(test) :]",
                Words(
                    "The training images come first: they are cut off at their own number.",
                    "训练图像排在前面：应当按训练图像的个数切开。",
                ),
            ),
        ),
        works=is_prepared_by_training,
        objective=Words(
            "Find where test images leak into preparation.", "找出测试图像在哪里泄漏进了预处理。"
        ),
        source=LESSON_FILE,
    ),
    Mutants(
        id="test_case",
        title=Words("A test that catches them all", "一个全部抓住的测试"),
        stem=Words(
            "This function should map grey values so that `low` becomes 0 and `high` becomes 1, and "
            "go on in a straight line on both sides. Give *one* test case (a list of pixels, low, "
            "high; and the list that must come back) that the right function passes and none of the "
            "wrong ones does.",
            "这个函数应当把灰度值线性变换，使 `low` 变为 0、`high` 变为 1，两侧按同一直线延伸。"
            "请给出*一个*测试用例（像素列表、low、high，以及应返回的列表），"
            "使正确的函数通过，而下面错误的写法都通不过。",
        ),
        head="def to_unit_range(pixels, low, high):",
        right="return [(p - low) / (high - low) for p in pixels]",
        mutants=(
            Mutant(
                "return [p / high for p in pixels]",
                Words("`low` has to differ from 0.", "`low` 不能是 0。"),
            ),
            Mutant(
                "return [(p - low) / high for p in pixels]",
                Words(
                    "`low` must not be 0, and some pixel must not be `low`.",
                    "`low` 不能是 0，还要有不等于 `low` 的像素。",
                ),
            ),
            Mutant(
                "return [(p - min(pixels)) / (max(pixels) - min(pixels)) for p in pixels]",
                Words(
                    "The darkest and the brightest pixel must not be `low` and `high`.",
                    "最暗和最亮的像素不能正好是 `low` 和 `high`。",
                ),
            ),
            Mutant(
                "return [min(max((p - low) / (high - low), 0), 1) for p in pixels]",
                Words(
                    "Some pixel has to lie outside of `low` to `high`.",
                    "要有像素落在 `low` 到 `high` 之外。",
                ),
            ),
            Mutant(
                "return [(p - low) / abs(high - low) for p in pixels]",
                Words(
                    "Nothing says that `high` is larger: an X-ray film is dark where much arrives.",
                    "并没有说 `high` 更大：X 光胶片上射线多的地方反而暗。",
                ),
            ),
        ),
        example=([1, 4], 3, 1),
        careless=(
            ([0, 1], 0, 1),
            ([0, 128, 255], 0, 255),
            ([1, 2, 3], 1, 3),
            ([1, 2, 3], 0, 1),
        ),
        why=Words(
            "Numbers that are not 0, not 1 and not equal, a pixel outside the range, and the two "
            "limits the other way round: each leaves one wrong function no way out.",
            "用不是 0、不是 1、互不相等的数，放一个范围之外的像素，再把两端反过来："
            "每一条都堵住一种错误写法的退路。",
        ),
        objective=Words("Choose numbers that tell.", "挑选有区分力的数。"),
        source="DeMillo, Lipton and Sayward 1978, Computer 11(4) (mutation testing)",
    ),
)

CARDS = (
    Card(
        id="training_numbers",
        prompt=Words(
            "Why are test images standardised with the mean and the spread of the training images?",
            "为什么测试图像要用训练图像的均值和标准差来标准化？",
        ),
        rubric=(
            Words(
                "the network has learnt weights for images on that scale",
                "网络的权重是按那个尺度学到的",
            ),
            Words("a single patient has no data-set statistics", "单个病人没有数据集统计量"),
            Words(
                "test numbers taken from the test set are a leak: its images know of each other",
                "从测试集取统计量是泄漏：测试图像彼此知情",
            ),
            Words(
                "each image by itself would remove brightness, which may matter",
                "逐张标准化会抹掉亮度，而亮度可能重要",
            ),
        ),
        model=Words(
            "The network was trained on images with certain numbers subtracted and divided by, and "
            "only on that scale its weights mean anything. In a clinic images come one at a time, "
            "so there is no test set to take a mean of; and if I take one in an experiment, every "
            "test image has been told something about the others. I could standardise each image by "
            "itself, but then a dark image and a bright one look the same, and that difference may "
            "be the finding.",
            "网络训练时，图像都减去并除以了固定的数，只有在这个尺度上权重才有意义。"
            "在医院里图像是一张一张来的，没有可以求均值的测试集；若在实验中这样做，"
            "每张测试图像就知道了其他图像的一些信息。也可以逐张标准化，"
            "但那样暗的和亮的图像看起来一样，而这个差别也许正是要找的征象。",
        ),
        source=LESSON_FILE,
    ),
    Card(
        id="test_random",
        prompt=Words(
            "How would you test a function that draws at random?", "怎样测试一个随机抽取的函数？"
        ),
        rubric=(
            Words("properties that hold in every draw", "每次抽取都成立的性质"),
            Words("frequencies over many draws, with a tolerance", "多次抽取的频率，并留出容差"),
            Words("the same generator state gives the same result", "生成器状态相同，结果就相同"),
            Words("never one particular draw of one version", "不与某个版本的某一次抽取比较"),
        ),
        model=Words(
            "Some things hold in every draw: classes are distinct, no image is in two places, "
            "shapes fit. I check them over many draws. Others hold on average: every class comes "
            "up, and about equally often; I count, and allow for chance. Handed a generator with "
            "the same seed, the function has to repeat itself, and it must not touch the global "
            "state. I would not compare with one stored draw: another correct way of drawing would "
            "fail.",
            "有些性质每次抽取都成立：类别互不相同，没有图像出现在两处，形状正确，我会抽很多次来检查。"
            "另一些平均而言成立：每个类别都会出现，次数大致相等；我统计次数并考虑偶然波动。"
            "给它种子相同的生成器，它必须重复同样的结果，而且不能改动全局状态。"
            "我不会与某一次存下来的抽取比较：另一种正确的抽法会因此不通过。",
        ),
        source=LESSON_FILE,
    ),
    Card(
        id="trust_a_check",
        prompt=Words(
            "All checks are green. What do you know of your program, and what not?",
            "所有检查都通过了。关于你的程序，你知道了什么，又有什么不知道？",
        ),
        rubric=(
            Words(
                "known mistakes are ruled out for the inputs tried", "对试过的输入排除了已知的失误"
            ),
            Words("other inputs, sizes and machines were not tried", "没试过其他输入、规模和机器"),
            Words(
                "right code may still answer the wrong question", "代码正确，问的问题仍可能是错的"
            ),
            Words("so one looks at data, split and interval as well", "所以还要看数据、划分和区间"),
        ),
        model=Words(
            "The function returns the right values for the inputs that were tried, and it makes "
            "none of the mistakes that the author thought of. It may still fail for empty inputs, "
            "for sizes nobody tried or in half precision. And green code can answer the wrong "
            "question: with a patient in training and test, every function is right and the "
            "accuracy is not. So beside the checks I look at the data, the split, and how wide the "
            "interval is.",
            "对试过的输入，函数返回正确的值，也没有犯出题人想到的那些失误。"
            "对空输入、没试过的规模或半精度，它仍可能出错。而且通过检查的代码也可能回答了错误的问题："
            "若同一个病人既在训练集又在测试集，每个函数都对，准确率却不可信。"
            "所以除了检查，我还看数据、划分和区间的宽度。",
        ),
        source=LESSON_FILE,
    ),
)
