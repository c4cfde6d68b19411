"""Interview questions of unit 14: small devices, prospects, and the course in review."""

import itertools
from typing import Any

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

LESSON = ("B4", "B9", "B10")
EXERCISES = {
    "network_cost": ("B4",),
    "to_int8": ("B4",),
    "from_int8": ("B4",),
    "fold_batch_norm": ("B4",),
    "parity_report": ("B4",),
    "latency_report": ("B4",),
    "bug_lines": ("B4",),
    "int8_test": ("B4",),
}

INT8 = "Krishnamoorthi 2018, arXiv 1806.08342"
ENERGY = "Han et al. 2015, arXiv 1506.02626, table 1 (45 nm, after Horowitz 2014)"
MOBILE = "Howard et al. 2017, arXiv 1704.04861, section 3.1"


def kilobytes(thousands: int, n_channels: int) -> float:
    """Return the size of int8 weights and one float32 scale per output channel."""
    return sum(1000 * [1] * thousands + 4 * [1] * n_channels) / 1000


def worst_rounding(low: float, high: float) -> float:
    """Return half the step of symmetric int8 for weights between -low and high."""
    return max(low, high) / 127 / 2


def share_in_two_parts(c: float, k: float) -> float:
    """Return the MACs of a convolution in two parts over those of the whole, for each place."""
    n_in = 7.0  # any number: it cancels
    each_channel_by_itself, one_by_one = n_in * k**2, n_in * c
    return (each_channel_by_itself + one_by_one) / (n_in * c * k**2)


def tells_the_usual_time(names: dict[str, Any]) -> bool:
    """Return whether a slow first run among quick ones leaves the latency at that of a quick one."""
    now, durations = [0.0], itertools.chain([1.0], itertools.repeat(0.01))

    def run() -> None:
        now[0] += next(durations)

    found: float = names["latency"](run, lambda: now[0], 51)
    return abs(found - 0.01) < 1e-9


QUESTIONS = (
    Single(
        id="why_median",
        title=Words("Why the median?", "为什么用中位数？"),
        stem=Words(
            "The latency of a network on a device is reported as the median of 200 runs after a "
            "warm-up. Why not the mean of all?",
            "网络在设备上的延迟报告为预热之后 200 次运行的中位数。为什么不取全部的均值？",
        ),
        options=(
            Wrong(
                Words(
                    "The mean can't be computed before the last run has come to its end",
                    "最后一次运行结束之前，均值无法计算",
                ),
                Words(
                    "Nor can the median. Both want all times.",
                    "中位数也一样，两者都要等全部时间。",
                ),
            ),
            Right(
                Words(
                    "First runs and interruptions are slow for reasons that aren't the network's",
                    "头几次运行和被打断的运行之所以慢，原因不在网络",
                ),
                Words(
                    "Times have a long tail on one side. A few interruptions move the mean at will "
                    "and leave the median alone. Whoever has to wait wants the 95th percentile too.",
                    "时间的分布有单侧长尾。几次打断就能任意移动均值，而中位数不动。"
                    "要等待的人还想知道第 95 百分位。",
                ),
            ),
            Wrong(
                Words(
                    "The median always is the smaller one, and so the product looks faster",
                    "中位数总是更小，产品看起来更快",
                ),
                Words(
                    "It often is smaller, but that is no reason: one could report the minimum.",
                    "常常更小，但这不是理由：那样不如报告最小值。",
                ),
            ),
            Wrong(
                Words(
                    "With the median one may assert in a test that a limit is never exceeded",
                    "用中位数就可以在测试中断言从不超时",
                ),
                Words(
                    "Half of the runs are slower than it. And a test that asserts a time fails on "
                    "a busy machine, whatever the code.",
                    "有一半运行比它慢。而断言时间的测试在繁忙的机器上总会失败，与代码无关。",
                ),
            ),
        ),
        objective=Words("Report a running time that can be trusted.", "报告可信的运行时间。"),
        source="lessons/14_small_devices_and_prospects",
        answers=("B4",),
        points=1,
    ),
    Single(
        id="lower_compute",
        title=Words("Less compute?", "计算量更低？"),
        stem=Words(
            'Among the prospects a text lists: "Meta-learning lowers the compute, and so brings '
            'models onto small devices." What do you answer?',
            "有文章在前景中写道：“元学习降低计算量，从而使模型能用在小型设备上。”你怎么回答？",
        ),
        options=(
            Wrong(
                Words(
                    "True: after meta-training a network has fewer parameters than before",
                    "对：元训练之后网络的参数变少了",
                ),
                Words(
                    "Meta-training changes the values of parameters, not their number.",
                    "元训练改变参数的取值，不改变数量。",
                ),
            ),
            Wrong(
                Words(
                    "True: second derivatives are only needed on the device, never in training",
                    "对：二阶导数只在设备上需要，训练时不需要",
                ),
                Words(
                    "The other way round: the meta-gradient of MAML takes them in training.",
                    "正好相反：MAML 的元梯度在训练时需要它们。",
                ),
            ),
            Wrong(
                Words(
                    "False: no few-shot method whatever could ever run on a small device",
                    "错：任何少样本方法都不可能在小型设备上运行",
                ),
                Words(
                    "Too strong: a prototype takes one forward pass per support image and a mean.",
                    "太绝对：计算原型只需对每个支持图像前向一次再求均值。",
                ),
            ),
            Right(
                Words(
                    "It adds training; distilling, quantising and pruning make answers cheaper",
                    "它增加训练量；让推理变便宜的是蒸馏、量化和剪枝",
                ),
                Words(
                    "MAML is costly in training and at inference (the MAML++ paper says so), and "
                    "the network stays as large as it was. What falls is labels for a new task.",
                    "MAML 在训练和推理时都昂贵（MAML++ 论文如是说），网络大小不变。"
                    "真正减少的是新任务所需的标注。",
                ),
            ),
        ),
        objective=Words("Tell cheap adaptation from cheap inference.", "区分适应便宜与推理便宜。"),
        source="Antoniou et al. 2019, arXiv 1810.09502, abstract",
        answers=("B9", "B4"),
        points=1,
    ),
    Single(
        id="in_one_sentence",
        title=Words("In one sentence", "一句话概括"),
        stem=Words(
            "Which sentence would you begin with, asked to sum up meta-learning for medical images?",
            "若要概括医学图像中的元学习，你会以哪句话开头？",
        ),
        options=(
            Right(
                Words(
                    "Learn from many tasks so that a new one needs few labelled images",
                    "从许多任务中学习，使新任务只需少量标注图像",
                ),
                Words(
                    "Many tasks in, few labels out: the objective is the loss on queries *after* "
                    "adapting to a support set.",
                    "输入许多任务，换来少量标注：目标是*适应*支持集之后在查询集上的损失。",
                ),
            ),
            Wrong(
                Words(
                    "Keep past images in a pool and draw from it, so that training is stable",
                    "把过去的图像放进池中随机抽取，使训练稳定",
                ),
                Words(
                    "That is experience replay, which serves other ends; it joins meta-learning "
                    "in Meta-Experience Replay only.",
                    "那是经验回放，另有用途；只在 Meta-Experience Replay 中与元学习结合。",
                ),
            ),
            Wrong(
                Words(
                    "Average many networks so that the result is better than each of them",
                    "平均许多网络，使结果优于其中任何一个",
                ),
                Words(
                    "That is an ensemble, and Jensen promises no more than the *average* member.",
                    "那是集成；Jensen 不等式只保证不差于成员的*平均*。",
                ),
            ),
            Wrong(
                Words(
                    "Train one large network on all diseases, so that none is new to it",
                    "用所有疾病训练一个大网络，使任何疾病都不新",
                ),
                Words(
                    "Useful as a start, but the question begins where a disease *is* new.",
                    "作为起点有用，但问题恰恰始于疾病*是*新的时候。",
                ),
            ),
        ),
        objective=Words("Sum the field up without a false word.", "准确地概括这一领域。"),
        source="lessons/14_small_devices_and_prospects, the summary",
        answers=("B10",),
        points=1,
    ),
    Numeric(
        id="int8_size",
        title=Words("How large in 8 bits?", "8 位有多大？"),
        stem=Words(
            "A network has {thousands} thousand weights in layers with {n_channels} output channels "
            "altogether. Weights are stored as int8, with a float32 scale for each output channel. "
            "How many bytes is that, in units of 1000?",
            "网络有 {thousands} 千个权重，各层输出通道共 {n_channels} 个。"
            "权重存为 int8，每个输出通道有一个 float32 的尺度。共多少字节（以 1000 字节为单位）？",
        ),
        given={"thousands": (20, 40, 60, 80, 120), "n_channels": (400, 500, 640)},
        key=kilobytes,
        unit=Words("kB", "千字节"),
        slips=(
            Slip(
                lambda thousands, n_channels: thousands,
                Words(
                    "The scales have to be stored, too: 4 bytes for each of {n_channels} channels.",
                    "尺度也要存储：{n_channels} 个通道各 4 字节。",
                ),
            ),
            Slip(
                lambda thousands, n_channels: 4 * thousands,
                Words(
                    "That is float32. An int8 takes one byte, not four.",
                    "那是 float32。int8 只占一个字节，不是四个。",
                ),
            ),
            Slip(
                lambda thousands, n_channels: 8 * thousands,
                Words("Eight bits are one byte.", "八个比特是一个字节。"),
            ),
            Slip(
                lambda thousands, n_channels: thousands + n_channels / 1000,
                Words(
                    "A float32 scale takes four bytes, not one.",
                    "float32 的尺度占四个字节，不是一个。",
                ),
            ),
        ),
        why=Words(
            "{thousands} thousand bytes and {n_channels} x 4 bytes: {key} kB. As float32 the weights "
            "alone would take 4 x {thousands}.",
            "{thousands} 千字节加 {n_channels} x 4 字节：{key} 千字节。"
            "若用 float32，仅权重就要 4 x {thousands}。",
        ),
        objective=Words("Estimate the size of a quantised network.", "估计量化网络的大小。"),
        source=f"{INT8}; medmeta_ref/devices.py",
        answers=("B4",),
        points=1,
    ),
    Numeric(
        id="worst_rounding",
        title=Words("The most that rounding takes", "舍入的最大误差"),
        stem=Words(
            "The weights of an output channel lie between -{low} and {high}, both included. They are "
            "stored symmetrically in int8 (steps -127 to 127, zero is zero). How far off can a "
            "weight be, at most?",
            "某输出通道的权重在 -{low} 与 {high} 之间（含两端）。"
            "用对称 int8 存储（-127 到 127 步，零仍为零）。单个权重最多偏离多少？",
        ),
        given={"low": (2.0, 3.0, 4.0, 5.0), "high": (0.5, 0.8, 1.5)},
        key=worst_rounding,
        slips=(
            Slip(
                lambda low, high: low / 127,
                Words(
                    "That is a whole step. The nearest step is at most half of one away.",
                    "那是一整步。离最近的一步最多半步。",
                ),
            ),
            Slip(
                lambda low, high: high / 254,
                Words(
                    "The largest *size* decides, here that of -{low}.",
                    "决定的是最大的*绝对值*，这里是 -{low}。",
                ),
            ),
            Slip(
                lambda low, high: (low + high) / 255 / 2,
                Words(
                    "That is asymmetric quantisation: zero would then fall between two steps.",
                    "那是非对称量化：零可能落在两步之间。",
                ),
            ),
        ),
        why=Words(
            "Step: {low} / 127; half of it: {key}. The range above {high} is bought and never used.",
            "步长 {low} / 127，一半为 {key}。{high} 以上的范围白白占用了。",
        ),
        objective=Words("Bound the error of rounding to int8.", "给出 int8 舍入误差的上界。"),
        source=f"{INT8}, section 2",
        answers=("B4",),
        points=1,
    ),
    Formula(
        id="two_parts",
        title=Words("A convolution in two parts", "分成两步的卷积"),
        stem=Words(
            "A convolution with `c` output channels and `k` x `k` kernels is replaced by two: each "
            "input channel by itself with a `k` x `k` kernel, then 1 x 1 to `c` channels. Height and "
            "width stay. Which share of the multiplications is left?",
            "一个输出通道数为 `c`、卷积核为 `k` x `k` 的卷积换成两步：先对每个输入通道单独做 "
            "`k` x `k` 卷积，再用 1 x 1 卷积变为 `c` 个通道。高和宽不变。乘法次数还剩几分之几？",
        ),
        variables={"c": (8.0, 128.0), "k": (2.0, 7.0)},
        key=share_in_two_parts,
        example="1 / c + 1 / k ** 2",
        slips=(
            Slip(
                "1 / c",
                Words("That is the first part alone.", "那只是第一步。"),
            ),
            Slip(
                "1 / k ** 2",
                Words("That is the second part alone.", "那只是第二步。"),
            ),
            Slip(
                "1 / (c * k ** 2)",
                Words(
                    "The two parts come one after the other: add them.", "两步先后进行：应相加。"
                ),
            ),
            Slip(
                "1 / c + 1 / k",
                Words("A kernel has k x k numbers.", "卷积核有 k x k 个数。"),
            ),
        ),
        why=Words(
            "For each place and input channel: k^2 and then c products, instead of c k^2. With 3 x 3 "
            "kernels and many channels about a ninth is left. Weights fall by the same share.",
            "每个位置、每个输入通道：先 k^2 次再 c 次，原来是 c k^2 次。"
            "3 x 3 核且通道多时大约剩九分之一。权重也按同样比例减少。",
        ),
        objective=Words("Count what a cheaper layer saves.", "计算更便宜的层省了多少。"),
        source=MOBILE,
        answers=("B4",),
    ),
    Predict(
        id="narrow_product",
        title=Words("A product in 8 bits", "8 位的乘积"),
        stem=Words("What is the value of the last line?", "最后一行的值是什么？"),
        code="""
import torch

step = torch.tensor({x}, dtype=torch.int8)
narrow = (step * step).item()
wide = (step.int() * step.int()).item()
narrow, wide
""",
        given={"x": (12, 13, 14, 15, 17, 18, 20)},
        slips=(
            Slip(
                lambda x: (x * x, x * x),
                Words(
                    "int8 ends at 127. A product that does not fit wraps round, without a warning.",
                    "int8 最大为 127。放不下的乘积会回绕，而且没有警告。",
                ),
            ),
            Slip(
                lambda x: (127, x * x),
                Words(
                    "PyTorch does not stop at 127 (that would be saturating); it wraps round.",
                    "PyTorch 不会停在 127（那叫饱和），而是回绕。",
                ),
            ),
            Slip(
                lambda x: "RuntimeError",
                Words(
                    "No error is raised; worse, nothing is said.", "不会报错；更糟的是毫无提示。"
                ),
            ),
        ),
        why=Words(
            "{x} x {x} does not fit into 8 bits, so 256 is taken off until it does. That is why "
            "devices multiply in 8 bits and add up in 32.",
            "{x} x {x} 放不进 8 位，于是不断减去 256 直到放得下。"
            "所以设备用 8 位相乘、用 32 位累加。",
        ),
        objective=Words("Know what overflow looks like.", "认识溢出的样子。"),
        source="Jacob et al. 2018, arXiv 1712.05877, section 2.2",
        answers=("B4",),
        points=1,
    ),
    Match(
        id="four_ways",
        title=Words("Ways to make it smaller", "缩小网络的方法"),
        stem=Words(
            "What does each of these do to a network?",
            "下列方法各对网络做了什么？",
        ),
        pairs=(
            Pair(
                Words("Distillation", "知识蒸馏"),
                Words(
                    "Trains another, smaller one on the answers of the first",
                    "用它的回答训练另一个更小的网络",
                ),
                Words(
                    "Distilling changes the architecture, and needs training data.",
                    "蒸馏改变结构，需要训练数据。",
                ),
            ),
            Pair(
                Words("Quantisation of weights", "权重量化"),
                Words(
                    "Keeps every layer and multiplication, with shorter numbers",
                    "层和乘法都不变，只是数字更短",
                ),
                Words(
                    "Quantising keeps the architecture; a few images at most are needed.",
                    "量化保留结构，最多只需少量图像。",
                ),
            ),
            Pair(
                Words("Pruning of single weights", "剪去单个权重"),
                Words(
                    "Writes zeros into it; quicker only where zeros are skipped",
                    "写入许多零；只有会跳过零时才更快",
                ),
                Words(
                    "Scattered zeros leave the shapes as they are: ordinary code multiplies them.",
                    "零散的零不改变形状：普通代码照样去乘。",
                ),
            ),
            Pair(
                Words("Pruning of whole channels", "剪去整个通道"),
                Words(
                    "Makes its layers narrower, which any runtime can use",
                    "使层变窄，任何运行环境都受益",
                ),
                Words(
                    "Without a channel both the weights that make it and those that read it go.",
                    "去掉一个通道，产生它和读取它的权重都消失。",
                ),
            ),
            Pair(
                Words("Folding of batch norm", "折叠批归一化"),
                Words(
                    "Removes a layer and leaves all answers as they were",
                    "去掉一层，而所有回答不变",
                ),
                Words(
                    "At fixed statistics batch norm is linear and goes into the layer before.",
                    "统计量固定时批归一化是线性的，可并入前一层。",
                ),
            ),
        ),
        objective=Words("Choose the right way to shrink.", "选对缩小的方法。"),
        source=f"{INT8}; Han et al. 2015, arXiv 1506.02626; Li et al. 2017, arXiv 1608.08710",
        answers=("B4",),
    ),
    Order(
        id="energy",
        title=Words("What drains the battery", "什么最耗电"),
        stem=Words(
            "Put these operations of a processor in order of energy, the thriftiest first.",
            "按能耗从低到高排列处理器的这些操作。",
        ),
        steps=(
            Step(
                Words("Add two 32-bit integers", "两个 32 位整数相加"),
                Words("0.1 pJ in 45 nm: nothing is cheaper here.", "45 nm 下 0.1 pJ：最便宜。"),
            ),
            Step(
                Words("Add two 32-bit floats", "两个 32 位浮点数相加"),
                Words("0.9 pJ: exponents have to be lined up first.", "0.9 pJ：要先对齐指数。"),
            ),
            Step(
                Words("Multiply two 32-bit floats", "两个 32 位浮点数相乘"),
                Words("3.7 pJ: four times an addition.", "3.7 pJ：是加法的四倍。"),
            ),
            Step(
                Words("Read 32 bits from memory on the chip", "从片上存储读 32 位"),
                Words(
                    "5 pJ for SRAM: more than the product itself.", "SRAM 5 pJ：比乘法本身还多。"
                ),
            ),
            Step(
                Words("Read 32 bits from memory beside the chip", "从片外内存读 32 位"),
                Words(
                    "640 pJ for DRAM: fetching a weight costs far more than using it. Fewer bytes "
                    "save more than fewer products.",
                    "DRAM 640 pJ：取一个权重远比用它贵。少读字节比少做乘法更省。",
                ),
            ),
        ),
        objective=Words("Know why bytes matter more than products.", "明白字节为何比乘法要紧。"),
        source=ENERGY,
        answers=("B4",),
        points=1,
    ),
    Multi(
        id="breaks_parity",
        title=Words("Same file, other answers", "同一文件，不同回答"),
        stem=Words(
            "The network on the device answers differently from the one in PyTorch, by far more "
            "than 0.0001. Which of these may be the cause?",
            "设备上的网络与 PyTorch 的回答不同，差异远大于 0.0001。下列哪些可能是原因？",
        ),
        options=(
            Wrong(
                Words(
                    "The two add up the products of a convolution in another order",
                    "两者对卷积中各个乘积的相加次序不同",
                ),
                Words(
                    "That happens, and differs in the last digits of a float32: about a millionth.",
                    "确实如此，但只影响 float32 的末位：约百万分之一。",
                ),
            ),
            Right(
                Words(
                    "PyTorch's answers were taken in training mode, with dropout at work",
                    "PyTorch 的回答取自训练模式，有 dropout",
                ),
                Words(
                    "Dropout draws at random in training mode; the exported network does not.",
                    "dropout 在训练模式下随机置零；导出的网络则不会。",
                ),
            ),
            Right(
                Words(
                    "Batch norm uses the images at hand, and the device sees one at a time",
                    "批归一化用当前批的图像，而设备一次只看一张",
                ),
                Words(
                    "Then an answer depends on the neighbours. Freeze the statistics first.",
                    "这样回答取决于同批的邻居。应先固定统计量。",
                ),
            ),
            Wrong(
                Words(
                    "Batch norm was folded into the convolution that stands before it",
                    "批归一化被折叠进了它前面的卷积层",
                ),
                Words(
                    "At fixed statistics that is the same function, up to rounding.",
                    "统计量固定时这是同一个函数，只有舍入误差。",
                ),
            ),
            Right(
                Words(
                    "The device feeds values of 0 to 255 where 0 to 1 were learnt",
                    "设备输入 0 到 255 的值，而训练用的是 0 到 1",
                ),
                Words(
                    "The commonest one: what happens *before* the file is not in the file.",
                    "最常见的原因：文件*之前*的处理不在文件里。",
                ),
            ),
            Wrong(
                Words(
                    "The file holds the same weights in another order of its layers' names",
                    "文件中各层名字的次序不同，但权重相同",
                ),
                Words(
                    "The graph says which weight belongs where; the order of names is nothing.",
                    "计算图说明哪个权重属于哪里；名字的次序无关紧要。",
                ),
            ),
        ),
        objective=Words("Look for lost parity in the right places.", "在正确的地方查找不一致。"),
        source="medmeta_ref/onnx_export.py; lessons/14_small_devices_and_prospects",
        answers=("B4",),
    ),
    Bug(
        id="growing_latency",
        title=Words("Slower with every run", "越测越慢"),
        stem=Words(
            "A run takes 0.01 seconds, only the first takes 1. Yet `latency(run, clock, 51)` says "
            "1.25. It should say what a usual run takes, 0.01.",
            "每次运行 0.01 秒，只有第一次是 1 秒。可 `latency(run, clock, 51)` 却返回 1.25。"
            "它本应返回通常一次运行的时间 0.01。",
        ),
        code="""
def latency(run, clock, n_runs):
    times = []
    before = clock()
    for _ in range(n_runs):
        run()
        times.append(clock() - before)
    return sorted(times)[n_runs // 2]
""",
        fixes=(
            Fix(
                7,
                "return sum(times) / n_runs",
                Words(
                    "The mean of times that are all counted from one start.",
                    "这些时间都从同一起点算起，均值也没用。",
                ),
            ),
            Fix(
                7,
                "return min(times)",
                Words(
                    "The smallest one is that of the first run, which was slow.",
                    "最小的是第一次运行，而它恰好慢。",
                ),
            ),
            Fix(
                5,
                "before = clock(); run()",
                Words(
                    "Every run has its own start now, and the median leaves the first one alone.",
                    "现在每次运行都有自己的起点，中位数不受第一次影响。",
                ),
            ),
            Fix(
                6,
                "times.append((clock() - before) / n_runs)",
                Words(
                    "The time since the start grows from run to run; dividing all by 51 does not "
                    "change that.",
                    "从起点算的时间逐次增长；全部除以 51 改变不了这一点。",
                ),
            ),
            Fix(
                3,
                "before = 0.0",
                Words(
                    "Still one start for all runs, and now one that depends on the clock.",
                    "仍是所有运行共用一个起点，而且还取决于时钟。",
                ),
            ),
        ),
        works=tells_the_usual_time,
        objective=Words("Time one run and not all so far.", "测一次运行，而不是累计时间。"),
        source="lessons/14_small_devices_and_prospects",
        answers=("B4",),
    ),
    Multi(
        id="known_or_hoped",
        title=Words("Known, or hoped?", "已知，还是希望？"),
        stem=Words(
            "Prospects of few-shot learning in medicine. Which of these has *not* been shown, and "
            "should be called a hope?",
            "关于医学少样本学习的前景。下列哪些*尚未*得到证明，应当称为希望？",
        ),
        options=(
            Right(
                Words(
                    "Features of a large pre-trained network serve every new hospital well",
                    "大型预训练网络的特征对每家新医院都好用",
                ),
                Words(
                    "They often help; *every* hospital is a matter of measuring at each of them.",
                    "常有帮助；但“每家”需要逐家测量。",
                ),
            ),
            Wrong(
                Words(
                    "A class mean over frozen features is a strong rival to meta-training",
                    "固定特征上的类均值是元训练的有力对手",
                ),
                Words(
                    "Shown again and again, in this course as well; so it belongs in every table.",
                    "一再得到证实，本课程也测过；所以每张表里都应有它。",
                ),
            ),
            Right(
                Words(
                    "A model that goes on learning at the clinic becomes safer by itself",
                    "在诊所里继续学习的模型会自己变得更安全",
                ),
                Words(
                    "It may forget, or learn an error. Who tests it after each change?",
                    "它可能遗忘，也可能学到错误。每次变化之后由谁来测试？",
                ),
            ),
            Wrong(
                Words(
                    "Adaptation at test time can make answers worse as well as better",
                    "测试时适应可能使回答变好，也可能变差",
                ),
                Words(
                    "That is known: few images of one kind mislead statistics and entropies.",
                    "这是已知的：少量同类图像会误导统计量和熵。",
                ),
            ),
            Right(
                Words(
                    "Examples in the prompt of a large model replace training in radiology",
                    "在放射学中，大模型提示里的几个示例可以取代训练",
                ),
                Words(
                    "In-context learning works for many tasks with text; for measured diagnoses, "
                    "with the leaks ruled out, that remains to be shown.",
                    "上下文学习对许多文本任务有效；在排除泄漏、有测量的诊断上还有待证明。",
                ),
            ),
            Wrong(
                Words(
                    "With a few dozen positive patients an AUC has an interval of some hundredths",
                    "只有几十个阳性患者时，AUC 的区间有百分之几宽",
                ),
                Words(
                    "Arithmetic, and no hope: unit 00 computes it.",
                    "这是算术，不是希望：第 00 单元就算过。",
                ),
            ),
        ),
        objective=Words("Tell a result from a hope.", "区分结果与希望。"),
        source="lessons/14_small_devices_and_prospects, prospects",
        answers=("B9",),
        points=1,
    ),
    Order(
        id="from_question_to_clinic",
        title=Words("From question to device", "从问题到设备"),
        stem=Words(
            "A few-shot classifier is to end up on a handheld device. Put the steps in order.",
            "一个少样本分类器最终要用在手持设备上。请把步骤排好。",
        ),
        steps=(
            Step(
                Words("Split the patients, and lock the test set away", "按患者划分，并封存测试集"),
                Words("Everything later has to respect the split.", "以后的一切都要遵守这个划分。"),
            ),
            Step(
                Words(
                    "Measure simple rivals: raw pixels, class means of a pre-trained network",
                    "测量简单对手：原始像素、预训练网络的类均值",
                ),
                Words(
                    "The rivals say whether anything cleverer is needed.",
                    "简单对手说明是否需要更巧妙的方法。",
                ),
            ),
            Step(
                Words(
                    "Train the few-shot method, and choose its settings on validation tasks",
                    "训练少样本方法，在验证任务上选定设置",
                ),
                Words(
                    "There has to be a good large network before a small one can learn from it.",
                    "先有好的大网络，小网络才能向它学习。",
                ),
            ),
            Step(
                Words("Distil a smaller network", "蒸馏出更小的网络"),
                Words(
                    "The small network is trained before its weights are rounded.",
                    "先训练好小网络，再舍入其权重。",
                ),
            ),
            Step(
                Words(
                    "Round its weights to int8 and export it, with a parity check",
                    "把权重舍入为 int8 并导出，检查一致性",
                ),
                Words("What is tested has to be what is shipped.", "测试的必须是交付的。"),
            ),
            Step(
                Words(
                    "Run the exported file on the test patients, once, with intervals by patient",
                    "用导出的文件在测试患者上运行一次，按患者给出区间",
                ),
                Words(
                    "Once, at the end, and with the very file that the device gets.",
                    "最后只做一次，用的就是设备所得的那个文件。",
                ),
            ),
        ),
        objective=Words("Put the course's parts together.", "把课程的各部分连起来。"),
        source="lessons/14_small_devices_and_prospects, the summary",
        answers=("B10", "B4"),
    ),
    Match(
        id="the_whole_course",
        title=Words("The course on one page", "一页纸的课程"),
        stem=Words(
            "What does each of these learn or keep?",
            "下列方法各学到或保留了什么？",
        ),
        pairs=(
            Pair(
                Words("Prototypical network", "原型网络"),
                Words(
                    "Features in which the mean of a few images stands for a class",
                    "一种特征，使少量图像的均值能代表类别",
                ),
                Words(
                    "Prototypes are computed, features are learned (unit 04).",
                    "原型是算出来的，特征是学出来的（第 04 单元）。",
                ),
            ),
            Pair(
                Words("MAML", "MAML"),
                Words(
                    "A start from which a few gradient steps do well on queries",
                    "一个起点，由此走几步梯度就能答好查询",
                ),
                Words(
                    "Its gradient goes through the steps (units 05 and 06).",
                    "它的梯度穿过内层步骤（第 05、06 单元）。",
                ),
            ),
            Pair(
                Words("Reptile", "Reptile"),
                Words(
                    "A start that was moved to where training on each task ends",
                    "一个起点，不断移向各任务训练的终点",
                ),
                Words(
                    "No support and query in training, no second derivatives (unit 07).",
                    "训练时不分支持与查询，也无二阶导数（第 07 单元）。",
                ),
            ),
            Pair(
                Words("Distillation", "知识蒸馏"),
                Words(
                    "One network's probabilities, in a smaller network",
                    "一个网络的概率，装进更小的网络",
                ),
                Words(
                    "It compresses, and is no meta-learning by itself (unit 03).",
                    "它是压缩，本身不是元学习（第 03 单元）。",
                ),
            ),
            Pair(
                Words("Ensemble", "模型集成"),
                Words(
                    "Nothing new: several answers are averaged into one",
                    "没有新东西：把几个回答平均成一个",
                ),
                Words(
                    "No worse than the average member under a convex loss (unit 09).",
                    "在凸损失下不差于成员的平均（第 09 单元）。",
                ),
            ),
            Pair(
                Words("Reservoir", "蓄水池"),
                Words(
                    "A random sample of all that came by, each item as likely",
                    "所有经过样本的随机子集，每个机会相等",
                ),
                Words(
                    "Replay fights forgetting; with Reptile it becomes MER (unit 11).",
                    "回放对抗遗忘；与 Reptile 结合就是 MER（第 11 单元）。",
                ),
            ),
        ),
        objective=Words("Recall what each method does.", "回忆每种方法做什么。"),
        source="lessons/14_small_devices_and_prospects, the summary",
        answers=("B10",),
    ),
)

CARDS = (
    Card(
        id="onto_the_device",
        prompt=Words(
            "Your classifier has to run on a handheld device without a network connection. What do "
            "you do, and how do you know that it still is your classifier?",
            "你的分类器要在没有网络连接的手持设备上运行。你怎么做？怎样确认它仍是原来的分类器？",
        ),
        rubric=(
            Words(
                "budget first: bytes, multiplications, latency on the device itself",
                "先定预算：字节、乘法次数、在设备上的延迟",
            ),
            Words(
                "distil into a smaller network, against the same network trained on labels",
                "蒸馏到更小的网络，并与只用标签训练的同一网络比较",
            ),
            Words(
                "int8 per channel: a quarter of the bytes, at most half a step off",
                "按通道 int8：字节为四分之一，误差不超过半步",
            ),
            Words(
                "evaluation mode, frozen batch norm, same preprocessing; parity on real images",
                "评估模式、固定批归一化、相同预处理；在真实图像上检查一致性",
            ),
            Words(
                "median latency and slow end; accuracy of the shipped file by patient",
                "中位延迟与慢端；按患者评估所交付文件的准确率",
            ),
        ),
        model=Words(
            "First I ask for the budget: how many bytes, how many milliseconds, on which processor. "
            "Then I distil into a smaller network, and hold it against the same small network "
            "trained on labels alone, over several seeds, because the teacher does not always help. "
            "Its weights go to int8 with a scale per output channel: a quarter of the bytes, and no "
            "weight more than half a step off. I export in evaluation mode with batch norm frozen, "
            "and compare outputs on real images, alone and in batches, with the largest difference "
            "and the number of changed decisions. Latency I measure on the device, as a median with "
            "a 95th percentile. What I report is the accuracy of the exported file, with an "
            "interval by patient.",
            "先问预算：多少字节、多少毫秒、什么处理器。"
            "然后蒸馏到更小的网络，并用多个种子与只用标签训练的同一小网络比较，因为老师并不总有帮助。"
            "权重按输出通道量化为 int8：字节为四分之一，每个权重误差不超过半步。"
            "在评估模式下、固定批归一化后导出，用真实图像逐张和成批地比较输出，"
            "看最大差异和改变的决定数。延迟在设备上测，报告中位数和第 95 百分位。"
            "最后报告的是导出文件的准确率，并按患者给出区间。",
        ),
        source=f"{INT8}; lessons/14_small_devices_and_prospects",
        answers=("B4",),
    ),
    Card(
        id="next_two_years",
        prompt=Words(
            "What would you try in the next two years in few-shot learning for medicine, and what "
            "stands in the way?",
            "未来两年，你会在医学少样本学习中尝试什么？障碍是什么？",
        ),
        rubric=(
            Words(
                "pre-trained features with a simple head as the rival to beat",
                "以预训练特征加简单分类头作为要超越的对手",
            ),
            Words(
                "one or two ideas, each with an experiment that could refute it",
                "一两个想法，各有可能推翻它的实验",
            ),
            Words(
                "tasks are scarce, more than images: few data sets, few hospitals",
                "稀缺的是任务，而不只是图像：数据集少、医院少",
            ),
            Words(
                "compute in training, and who pays for it",
                "训练的计算量，以及由谁承担",
            ),
            Words(
                "uncertainty, monitoring, approval of a model that changes",
                "不确定性、监测、对会变化的模型的审批",
            ),
        ),
        model=Words(
            "I would begin with frozen features of a large pre-trained network and class means, "
            "since that is the rival that meta-training has to beat. Then one question: does "
            "meta-training on top of such features still gain anything for a new hospital, over "
            "several class splits, with paired intervals? If not, I say so. Second: can a model "
            "abstain when an image fits no class, at a rate that was promised? In the way stand "
            "tasks rather than images, since there are few public data sets and fewer hospitals in "
            "them; the compute of training; and the approval of a model that changes at the clinic: "
            "somebody has to test it after each change.",
            "我会从大型预训练网络的固定特征加类均值开始，因为这是元训练必须超越的对手。"
            "第一个问题：在这样的特征之上再做元训练，对新医院还有没有增益？"
            "用多个类别划分、配对区间来回答；若没有，就如实说。"
            "第二个：图像不属于任何类别时，模型能否按承诺的比例弃权？"
            "障碍是任务而不只是图像：公开数据集少，其中的医院更少；还有训练的计算量；"
            "以及对会在诊所里变化的模型的审批：每次变化之后都要有人测试。",
        ),
        source="Hu et al. 2022, arXiv 2204.07305; lessons/14_small_devices_and_prospects",
        answers=("B9",),
    ),
    Card(
        id="five_minutes",
        prompt=Words(
            "Sum up meta-learning for medical images in five minutes, for a colleague who has read "
            "a popular article about it.",
            "用五分钟向一位读过科普文章的同事概括医学图像中的元学习。",
        ),
        rubric=(
            Words(
                "the aim: many tasks in training, few labels for a new one",
                "目标：训练用许多任务，新任务只需少量标注",
            ),
            Words(
                "families: metric, gradient-based, model-based; one example of each at least of two",
                "分类：基于度量、基于梯度、基于模型；至少各举两类的例子",
            ),
            Words(
                "what it is not: distillation, ensembles and replay are neighbours",
                "它不是什么：蒸馏、集成和回放只是近邻",
            ),
            Words(
                "evidence: simple rivals, intervals, splits by patient",
                "证据：简单对手、区间、按患者划分",
            ),
            Words(
                "limits: few tasks, no robustness by default, dear training",
                "局限：任务少、默认不鲁棒、训练昂贵",
            ),
        ),
        model=Words(
            "Meta-learning trains on many small tasks so that a new one needs few labelled images. "
            "Metric methods learn features in which a class is the mean of its examples; "
            "gradient-based ones, like MAML, learn a start from which a few steps suffice; "
            "model-based ones let a network read the examples. Distillation, ensembles and replay "
            "are often counted in; they are useful neighbours, and not meta-learning by themselves. "
            "Does it help? Against pre-trained features with class means often little; so one "
            "measures, on new classes, split by patient, with intervals. Limits: few tasks, no "
            "robustness by default, dear training. What it saves is labels, not compute.",
            "元学习在许多小任务上训练，使新任务只需少量标注图像。"
            "基于度量的方法学习特征，类别就是样本的均值；基于梯度的方法（如 MAML）学习起点，几步即可；"
            "基于模型的方法让网络直接读样本。蒸馏、集成和回放常被算在内，"
            "它们是有用的近邻，但本身不是元学习。有用吗？与预训练特征加类均值相比，增益常常很小；"
            "所以要在新类别上、按患者划分、带区间地测量。"
            "局限：任务少、默认不鲁棒、训练昂贵。它省的是标注，不是计算。",
        ),
        source="lessons/14_small_devices_and_prospects, the summary",
        answers=("B10",),
    ),
)
