"""Interview questions of unit 13: lung, heart and several views, judged as medicine judges."""

from typing import Any

import torch

from medmeta_ref import clinical
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

LESSON = ("B5", "B8")
EXERCISES = {
    "auroc": ("B8",),
    "sensitivity_at_specificity": ("B8",),
    "ppv": ("B8",),
    "bootstrap_ci": ("B8",),
    "calibration_error": ("B8",),
    "finding_rows": ("B8",),
    "bug_lines": ("B8",),
    "auroc_test": ("B8",),
}

MEDMNIST = "Yang et al. 2023, Scientific Data 10:41 (MedMNIST v2)"
BAYES = "Altman and Bland 1994, BMJ 309:102"


def alarms_for_nothing(n: int, prevalence: float, specificity: float) -> float:
    """Return how many healthy people are called ill."""
    return n * (1 - prevalence) * (1 - specificity)


def even_prevalence(sensitivity: float, specificity: float) -> float:
    """Return the prevalence at which half of those called are ill, by halving an interval."""
    low, high = 1e-9, 1 - 1e-9
    for _ in range(100):
        middle = (low + high) / 2
        if clinical.ppv(sensitivity, specificity, middle) < 0.5:
            low = middle
        else:
            high = middle
    return middle


def _rows(cut: float) -> tuple[float, float]:
    ill, healthy = torch.tensor([0.4, 0.6, 0.9]), torch.tensor([0.1, 0.2, 0.5, 0.6])
    scores, labels = torch.cat([ill, healthy]), torch.tensor([1] * 3 + [0] * 4)
    called = (scores > cut).double()
    return clinical.auroc(scores, labels), clinical.auroc(called, labels)


def draws_patients(names: dict[str, Any]) -> bool:
    """Return whether whole patients are drawn, each of a drawn one's rows every time."""
    patient = torch.tensor([5, 9, 5, 5, 9, 7, 7, 7, 7])
    g = torch.Generator().manual_seed(0)
    drawn = [names["resample"](patient, g).tolist() for _ in range(400)]
    sizes = {5: 3, 7: 4, 9: 2}
    for rows in drawn:
        times = {n: [rows.count(i) for i in range(9) if int(patient[i]) == n] for n in sizes}
        if any(len(set(each)) > 1 for each in times.values()):
            return False
        if sum(each[0] for each in times.values()) != 3:
            return False
    return len({tuple(sorted(rows)) for rows in drawn}) == 10


QUESTIONS = (
    Single(
        id="right_and_useless",
        title=Words("Right and useless", "正确却无用"),
        stem=Words(
            "Cardiomegaly is labelled on about 2.5 % of the ChestMNIST images. A model is right on "
            "97.5 % of the test images. What do you know about it?",
            "ChestMNIST 中约 2.5 % 的图像标有心脏增大。某模型在测试图像上的准确率是 97.5 %。"
            "由此你知道什么？",
        ),
        options=(
            Wrong(
                Words(
                    "It is a good model: only one image in forty is misjudged",
                    "是个好模型：四十张图像里只判错一张",
                ),
                Words(
                    "Always answering no misjudges one in forty as well, and that one is the patient.",
                    "永远回答“否”也是四十张错一张，而错的那张正是病人。",
                ),
            ),
            Right(
                Words(
                    "Next to nothing: a program that always answers no is as often right",
                    "几乎一无所知：永远回答“否”的程序也有同样的准确率",
                ),
                Words(
                    "Accuracy is carried by the many. Ask for AUROC, sensitivity at a specificity, "
                    "balanced accuracy.",
                    "准确率由多数类决定。应看 AUROC、给定特异度下的灵敏度、平衡准确率。",
                ),
            ),
            Wrong(
                Words(
                    "It finds 97.5 % of the patients whose heart is enlarged",
                    "它能找出 97.5 % 的心脏增大患者",
                ),
                Words(
                    "That would be its sensitivity. It may be 0 at this accuracy.",
                    "那是灵敏度。在这个准确率下它可能是 0。",
                ),
            ),
            Wrong(
                Words(
                    "Of those whom it calls ill, 97.5 % have an enlarged heart",
                    "被它判为阳性的人里，97.5 % 真的心脏增大",
                ),
                Words(
                    "That would be its predictive value, which is usually low where few are ill.",
                    "那是阳性预测值；患病率低时它通常很低。",
                ),
            ),
        ),
        objective=Words("Distrust accuracy where few are ill.", "患病者少时不轻信准确率。"),
        source=MEDMNIST,
        answers=("B8",),
        points=1,
    ),
    Single(
        id="spectrum",
        title=Words("The hard cases are gone", "难例被剔除了"),
        stem=Words(
            "The lung set NoduleMNIST3D has nodules that radiologists rated 1 or 2 (benign) and 4 or "
            "5 (malignant). Those rated 3 were left out. What does that do to a test on it?",
            "肺部数据集 NoduleMNIST3D 含放射科医生评为 1–2 分（良性）和 4–5 分（恶性）的结节，"
            "3 分的被去掉了。这对其上的测试有何影响？",
        ),
        options=(
            Wrong(
                Words(
                    "Nothing: cases without a clear label can't be judged anyway",
                    "没有影响：没有明确标签的病例本来就无法评判",
                ),
                Words(
                    "In the clinic they come all the same, and they are why somebody asks for help.",
                    "临床上它们照样出现，而且正是需要帮助的原因。",
                ),
            ),
            Wrong(
                Words(
                    "It makes the test harder, because there is less to learn from",
                    "测试变难了，因为可供学习的数据变少",
                ),
                Words(
                    "Less to train on, but what is left to be judged is the clear cases.",
                    "训练数据是少了，但留下来评判的都是典型病例。",
                ),
            ),
            Right(
                Words(
                    "It flatters: without the doubtful cases all models look better",
                    "结果偏乐观：没有可疑病例，所有模型都显得更好",
                ),
                Words(
                    "Spectrum bias. Sensitivity and specificity hold for the mixture of cases they "
                    "were measured on. And it is about nodules already found, so it is no screening.",
                    "谱偏倚。灵敏度和特异度只对测量时的病例组成有效。"
                    "而且都是已发现的结节，并不是筛查。",
                ),
            ),
            Wrong(
                Words(
                    "It lowers the prevalence, and with it the AUROC of a model",
                    "患病率降低，模型的 AUROC 也随之降低",
                ),
                Words(
                    "AUROC does not depend on the prevalence; it does depend on how doubtful cases "
                    "are.",
                    "AUROC 与患病率无关，但与病例的可疑程度有关。",
                ),
            ),
        ),
        objective=Words("Recognise spectrum bias.", "识别谱偏倚。"),
        source=f"{MEDMNIST}; Ransohoff and Feinstein 1978, NEJM 299:926",
        answers=("B8",),
        points=1,
    ),
    Single(
        id="heart",
        title=Words("Heart disease by fusion?", "用融合诊断心脏病？"),
        stem=Words(
            'A text gives as a case of meta-learning: "heart disease was diagnosed by model '
            'fusion". What of it can be shown on MedMNIST, honestly told?',
            "有文章把“用模型融合诊断心脏病”当作元学习的案例。诚实地说，在 MedMNIST 上能展示什么？",
        ),
        options=(
            Right(
                Words(
                    "A sign on radiographs, cardiomegaly; and fusion alone is no meta-learning",
                    "胸片上的一个征象：心脏增大；而融合本身并不是元学习",
                ),
                Words(
                    "ChestMNIST has the sign, which is no diagnosis. There is no ECG and no "
                    "ultrasound. Averaging models is ensembling; nothing there learns to learn.",
                    "ChestMNIST 有这个征象，但它不是诊断；其中没有心电图或超声。"
                    "平均多个模型是集成，没有“学会学习”。",
                ),
            ),
            Wrong(
                Words(
                    "Heart disease on CT: class 3 of OrganAMNIST is called heart",
                    "CT 上的心脏病：OrganAMNIST 的第 3 类就叫心脏",
                ),
                Words(
                    "That class says which organ a slice shows. All of them may be well.",
                    "该类别只说明切片显示的是哪个器官，它们可能都健康。",
                ),
            ),
            Wrong(
                Words(
                    "Disease of the heart's own vessels, by means of VesselMNIST3D",
                    "用 VesselMNIST3D 展示心脏血管的疾病",
                ),
                Words(
                    "Those are vessels of the brain.",
                    "那些是脑血管。",
                ),
            ),
            Wrong(
                Words(
                    "Everything that the text says, if all twelve 2-D sets are fused into one",
                    "只要把 12 个二维数据集融合起来，文章所说的都能展示",
                ),
                Words(
                    "Other organs and other patients add nothing about hearts.",
                    "其他器官、其他患者的数据对心脏毫无补充。",
                ),
            ),
        ),
        objective=Words("Say what a data set can show.", "说清数据集能展示什么。"),
        source=MEDMNIST,
        answers=("B8", "B5"),
        points=1,
    ),
    Single(
        id="modalities",
        title=Words("Several modalities?", "这算多模态吗？"),
        stem=Words(
            'A text explains: "multi-modal analysis combines the outputs of a CNN and an RNN". A '
            "colleague fuses three planes of each OrganMNIST3D volume. What is right?",
            "有文章说：“多模态分析就是结合 CNN 和 RNN 的输出。”"
            "同事把每个 OrganMNIST3D 体数据的三个平面融合起来。哪个说法正确？",
        ),
        options=(
            Wrong(
                Words(
                    "Both are multi-modal: in each of them several outputs are combined",
                    "两者都是多模态：都结合了多个输出",
                ),
                Words(
                    "A modality is a way to take images, such as CT or ultrasound; a CNN is none.",
                    "模态是成像方式，如 CT、超声；CNN 不是模态。",
                ),
            ),
            Wrong(
                Words(
                    "The text is right: two kinds of network are two modalities",
                    "文章对：两种网络就是两种模态",
                ),
                Words(
                    "Two kinds of network that look at one CT scan see one modality.",
                    "两种网络看同一份 CT，看到的仍是一种模态。",
                ),
            ),
            Wrong(
                Words(
                    "The colleague is right: three planes make three modalities",
                    "同事对：三个平面就是三种模态",
                ),
                Words(
                    "Three views of one CT scan: paired, useful, and one modality.",
                    "那是同一份 CT 的三个视图：配对、有用，但只是一种模态。",
                ),
            ),
            Right(
                Words(
                    "Neither is: one mixes up networks, the other has views of one CT scan",
                    "都不是：一个混淆了网络，一个是同一 CT 的视图",
                ),
                Words(
                    "MedMNIST has no set of paired modalities at all. Views are what can be shown; "
                    "and rows of OrganA, C and S are not even paired.",
                    "MedMNIST 根本没有配对的多模态数据。能展示的是多视图；"
                    "而 OrganA、C、S 的各行甚至不配对。",
                ),
            ),
        ),
        objective=Words("Tell views, networks and modalities apart.", "区分视图、网络与模态。"),
        source=MEDMNIST,
        answers=("B8", "B5"),
        points=1,
    ),
    Single(
        id="calibration",
        title=Words("Is 0.07 bad?", "0.07 算差吗？"),
        stem=Words(
            "On the 156 test images of BreastMNIST a model has an expected calibration error of 0.07 "
            "(15 bins). Is it badly calibrated?",
            "某模型在 BreastMNIST 的 156 张测试图像上的期望校准误差为 0.07（15 个箱）。它校准得差吗？",
        ),
        options=(
            Wrong(
                Words(
                    "Yes: its probabilities are off by 7 % for every single patient",
                    "是：对每位患者，它的概率都偏差 7 %",
                ),
                Words(
                    "It is a mean over bins, and with ten images in a bin chance alone moves it.",
                    "它是各箱的平均；每箱约十张图像，单凭偶然就会波动。",
                ),
            ),
            Right(
                Words(
                    "Not shown: with so few images chance alone gives about as much",
                    "不能断定：图像这么少，单凭偶然也会有这么大",
                ),
                Words(
                    "Draw labels from the model's own probabilities and compute the error again: "
                    "that is what a perfectly calibrated model gets. Compare with that null, not "
                    "with 0.",
                    "按模型自己的概率抽取标签再算一次误差，就是完美校准的模型会得到的值。"
                    "应与这个零分布比较，而不是与 0 比较。",
                ),
            ),
            Wrong(
                Words(
                    "No: below 0.10 all models are taken for well calibrated",
                    "否：低于 0.10 的模型都算校准良好",
                ),
                Words(
                    "There is no such line. On 18,000 images 0.07 would be clear evidence.",
                    "没有这样的界线。若有 18,000 张图像，0.07 就是明确的证据。",
                ),
            ),
            Wrong(
                Words(
                    "No: its accuracy is what counts, and calibration can't change that",
                    "否：重要的是准确率，校准改变不了它",
                ),
                Words(
                    "A doctor acts on how sure the model is. It matters, and it was asked.",
                    "医生会依据模型的把握行事。校准很重要，而且这正是所问。",
                ),
            ),
        ),
        objective=Words("Hold a calibration error against its null.", "把校准误差与零分布比较。"),
        source="Bröcker and Smith 2007, Weather and Forecasting 22:651",
        answers=("B8",),
        points=1,
    ),
    Numeric(
        id="alarms",
        title=Words("Alarmed for nothing", "虚惊一场"),
        stem=Words(
            "{n} people are screened, a share {prevalence} of them is ill. The test has specificity "
            "{specificity}. How many healthy people are called ill, on average?",
            "对 {n} 人做筛查，其中占比 {prevalence} 的人患病。检测的特异度为 {specificity}。"
            "平均有多少健康人被判为患病？",
        ),
        given={
            "n": (2000, 5000, 10000),
            "prevalence": (0.01, 0.02, 0.04),
            "specificity": (0.8, 0.85, 0.95),
        },
        key=alarms_for_nothing,
        slips=(
            Slip(
                lambda n, prevalence, specificity: n * (1 - specificity),
                Words(
                    "Only the healthy can be alarmed for nothing: leave out the ill, {prevalence} "
                    "of all.",
                    "只有健康人才会虚惊：要去掉占 {prevalence} 的患者。",
                ),
            ),
            Slip(
                lambda n, prevalence, specificity: n * (1 - prevalence) * specificity,
                Words(
                    "These are cleared. Specificity is the share of healthy who are *not* called.",
                    "这些是被排除的人。特异度是健康人中*未*被判病的比例。",
                ),
            ),
            Slip(
                lambda n, prevalence, specificity: n * prevalence * (1 - specificity),
                Words(
                    "Specificity speaks of the healthy; {prevalence} is the share of the ill.",
                    "特异度说的是健康人；{prevalence} 是患者的比例。",
                ),
            ),
        ),
        why=Words(
            "{n} x (1 - {prevalence}) x (1 - {specificity}) = {key}. Each of them is called in "
            "again, and afraid.",
            "{n} x (1 - {prevalence}) x (1 - {specificity}) = {key}。"
            "他们每个人都要复查，都会担惊受怕。",
        ),
        objective=Words("Count false alarms in people.", "用人数来计算误报。"),
        source=BAYES,
        answers=("B8",),
        points=1,
    ),
    Numeric(
        id="positive",
        title=Words("Called ill. Am I?", "判我有病，我真的有病吗？"),
        stem=Words(
            "A classifier was tested in balanced episodes: sensitivity {sensitivity}, specificity "
            "{specificity}. In the clinic a share {prevalence} is ill. Which share of those called "
            "ill there is truly ill?",
            "某分类器在均衡的 episode 中测试：灵敏度 {sensitivity}，特异度 {specificity}。"
            "临床中患病率为 {prevalence}。那里被判为患病的人中，真正患病的占多少？",
        ),
        given={
            "sensitivity": (0.8, 0.9),
            "specificity": (0.9, 0.95),
            "prevalence": (0.01, 0.025, 0.05),
        },
        key=clinical.ppv,
        slips=(
            Slip(
                lambda sensitivity, specificity, prevalence: sensitivity,
                Words(
                    "{sensitivity} is the share of the ill who are called; asked for is the share "
                    "of the called who are ill.",
                    "{sensitivity} 是患者中被判病的比例；问的是被判病者中患者的比例。",
                ),
            ),
            Slip(
                lambda sensitivity, specificity, prevalence: clinical.ppv(
                    sensitivity, specificity, 0.5
                ),
                Words(
                    "So it is in the balanced episode. In the clinic {prevalence} are ill, not half.",
                    "均衡 episode 中是这样。临床患病率是 {prevalence}，不是一半。",
                ),
            ),
            Slip(
                lambda sensitivity, specificity, prevalence: (
                    1 - clinical.ppv(sensitivity, specificity, prevalence)
                ),
                Words(
                    "That is the share alarmed for nothing.",
                    "那是虚惊的比例。",
                ),
            ),
        ),
        why=Words(
            "Found {sensitivity} x {prevalence}, alarmed for nothing (1 - {specificity}) x (1 - "
            "{prevalence}): the first over the sum of both is {key}.",
            "找到的：{sensitivity} x {prevalence}；虚惊的：(1 - {specificity}) x (1 - {prevalence})。"
            "前者除以两者之和，得 {key}。",
        ),
        objective=Words("Carry a result over to the clinic.", "把结果换算到临床。"),
        source=BAYES,
        answers=("B8",),
    ),
    Formula(
        id="even",
        title=Words("Heads or tails", "对半开"),
        stem=Words(
            "At which prevalence is exactly half of those called ill truly ill? Give it by "
            "`sensitivity` and `specificity`.",
            "患病率为多少时，被判为患病的人里恰好一半真的患病？"
            "用 `sensitivity` 和 `specificity` 表示。",
        ),
        variables={"sensitivity": (0.5, 0.95), "specificity": (0.6, 0.98)},
        key=even_prevalence,
        example="(1 - specificity) / (sensitivity + 1 - specificity)",
        slips=(
            Slip(
                "sensitivity / (sensitivity + 1 - specificity)",
                Words(
                    "That is the predictive value where half are ill. Asked for is the prevalence.",
                    "那是患病率为一半时的预测值。问的是患病率。",
                ),
            ),
            Slip(
                "1 - specificity",
                Words(
                    "Nearly, where that is small: set right and false alarms equal, and solve.",
                    "数值小时接近：令真阳性与假阳性相等再求解。",
                ),
            ),
            Slip(
                "(1 - specificity) / sensitivity",
                Words(
                    "Those are the odds, ill over healthy; the prevalence is ill over all.",
                    "那是患病与健康之比；患病率是患病占全部之比。",
                ),
            ),
        ),
        why=Words(
            "Right alarms sensitivity x p equal false ones (1 - specificity) (1 - p). Below that "
            "prevalence most alarms are false.",
            "真阳性 sensitivity x p 等于假阳性 (1 - specificity)(1 - p)。低于这个患病率，多数警报是假的。",
        ),
        objective=Words("Solve for the prevalence a test needs.", "求检测所需的患病率。"),
        source=BAYES,
        answers=("B8",),
    ),
    Match(
        id="register",
        title=Words("What is wrong with the test set?", "测试集有什么问题？"),
        stem=Words(
            "Which warning belongs to which data set?",
            "哪条警告对应哪个数据集？",
        ),
        pairs=(
            Pair(
                Words("DermaMNIST", "DermaMNIST"),
                Words(
                    "Images of one lesion on both sides of the split",
                    "同一病灶的图像分在划分两侧",
                ),
                Words(
                    "Of 2,005 test images 886 share a lesion with training images.",
                    "2,005 张测试图像中有 886 张与训练图像来自同一病灶。",
                ),
            ),
            Pair(
                Words("PneumoniaMNIST", "PneumoniaMNIST"),
                Words(
                    "Eight validation images are byte for byte in the training split",
                    "有 8 张验证图像与训练集逐字节相同",
                ),
                Words(
                    "Training and validation were split by image, so validation flatters.",
                    "训练和验证按图像划分，因此验证结果偏乐观。",
                ),
            ),
            Pair(
                Words("TissueMNIST", "TissueMNIST"),
                Words(
                    "All cells come from three specimens",
                    "所有细胞来自三个标本",
                ),
                Words(
                    "However many cells there are, an interval over specimens has three of them.",
                    "无论细胞多少，按标本算的区间只有三个样本。",
                ),
            ),
            Pair(
                Words("OrganAMNIST and OrganCMNIST", "OrganAMNIST 与 OrganCMNIST"),
                Words(
                    "The same patients' CT scans: one of them can't test the other",
                    "来自同一批患者的 CT：不能用一个测试另一个",
                ),
                Words(
                    "The planes differ, the patients do not: keep both on one side.",
                    "平面不同，患者相同：必须放在同一侧。",
                ),
            ),
            Pair(
                Words("ChestMNIST", "ChestMNIST"),
                Words(
                    "Labels were mined from reports by a program",
                    "标签由程序从报告中挖掘",
                ),
                Words(
                    "So a score measures agreement with reports, not with the truth.",
                    "得分衡量的是与报告的一致性，而不是与真相的一致性。",
                ),
            ),
        ),
        objective=Words("Know the register of leaks and shortcuts.", "熟悉泄漏与捷径清单。"),
        source=f"{MEDMNIST}; Abhishek et al. 2025, Scientific Data 12:196",
        answers=("B8",),
    ),
    Order(
        id="superior",
        title=Words("To claim that B is better", "要说 B 更好"),
        stem=Words(
            "Put the steps to the claim that method B beats method A on a finding in order.",
            "要声称方法 B 在某个病变上优于方法 A，请把步骤排好。",
        ),
        steps=(
            Step(
                Words(
                    "Write down the question, the metric and the budget of both",
                    "写下问题、指标和双方的预算",
                ),
                Words(
                    "A metric that is chosen after the results is chosen by the results.",
                    "看到结果后才选指标，就是由结果来选指标。",
                ),
            ),
            Step(
                Words("Split by patient, and look for duplicates", "按患者划分，并检查重复"),
                Words("Training before the split can't be undone.", "先训练后划分无法挽回。"),
            ),
            Step(
                Words(
                    "Train both within the same budget, with several seeds",
                    "在相同预算内用多个种子训练双方",
                ),
                Words("Settings and thresholds need trained models.", "选设置和阈值要先有模型。"),
            ),
            Step(
                Words(
                    "Choose settings and thresholds on validation patients",
                    "在验证患者上选定设置和阈值",
                ),
                Words("The test split is not for choosing.", "测试集不是用来选择的。"),
            ),
            Step(
                Words("Judge both once, on the same test patients", "在相同的测试患者上各评一次"),
                Words("Once: a second look is a choice.", "只评一次：再看就成了选择。"),
            ),
            Step(
                Words(
                    "Give the paired difference with its interval over patients, and n",
                    "给出配对差、按患者的区间和 n",
                ),
                Words(
                    "Two intervals side by side are no test; the paired difference is.",
                    "两个并列的区间不是检验，配对差才是。",
                ),
            ),
        ),
        objective=Words("Know what a claim of superiority takes.", "知道声称更优需要什么。"),
        source="lessons/13_medical_cases",
        answers=("B8",),
    ),
    Predict(
        id="called_first",
        title=Words("Called first, ordered after", "先判定，再排序"),
        stem=Words("What is the value of the last line?", "最后一行的值是什么？"),
        code="""
import torch

ill, healthy = torch.tensor([0.4, 0.6, 0.9]), torch.tensor([0.1, 0.2, 0.5, 0.6])

def area(ill, healthy):
    pairs = ill[:, None].double() - healthy
    return ((pairs > 0).double() + (pairs == 0).double() / 2).mean().item()

area(ill, healthy), area(1.0 * (ill > {cut}), 1.0 * (healthy > {cut}))
""",
        given={"cut": (0.3, 0.45, 0.55, 0.8)},
        slips=(
            Slip(
                lambda cut: (9 / 12, _rows(cut)[1]),
                Words(
                    "The pair (0.6, 0.6) is a tie, and counts one half.",
                    "(0.6, 0.6) 是平局，计一半。",
                ),
            ),
            Slip(
                lambda cut: (10 / 12, _rows(cut)[1]),
                Words(
                    "The pair (0.6, 0.6) is a tie, and counts one half, not one.",
                    "(0.6, 0.6) 是平局，计一半，不是一。",
                ),
            ),
            Slip(
                lambda cut: (_rows(cut)[0],) * 2,
                Words(
                    "A threshold at {cut} makes ties of many pairs, and a tie is worth one half.",
                    "以 {cut} 为阈值会使许多对变成平局，平局只计一半。",
                ),
            ),
        ),
        why=Words(
            "Of 12 pairs 9 are in order and one is a tie: 9.5 / 12. Called at {cut} first, most of "
            "the order is gone: what is left is the mean of sensitivity and specificity.",
            "12 对中 9 对次序正确、1 对平局：9.5 / 12。先以 {cut} 判定，次序大多丢失："
            "剩下的是灵敏度与特异度的平均。",
        ),
        objective=Words("Never compute AUROC from calls.", "绝不用判定结果计算 AUROC。"),
        source="Hanley and McNeil 1982, Radiology 143:29",
        answers=("B8",),
    ),
    Bug(
        id="ten_images_each",
        title=Words("Surer than it should be", "过分自信"),
        stem=Words(
            "This function should draw a resample for an interval over *patients*: as many patients "
            "as there are, each with all of their rows. Its intervals are too narrow.",
            "这个函数本应为按*患者*的区间重抽样：抽取同样多的患者，每位带上其所有行。"
            "可它给出的区间太窄。",
        ),
        code="""
import torch

def resample(patient, generator):
    names = patient.unique()
    drawn = patient[torch.randint(len(patient), (len(names),), generator=generator)].unique()
    rows = [(patient == name).nonzero().flatten() for name in drawn]
    return torch.cat(rows)
""",
        fixes=(
            Fix(
                5,
                "drawn = names[torch.randint(len(names), (len(names),), generator=generator)]",
                Words(
                    "Each patient is as likely as any other, and one who is drawn twice counts twice.",
                    "每位患者机会均等，抽到两次就算两次。",
                ),
            ),
            Fix(
                5,
                "drawn = patient[torch.randint(len(patient), (len(patient),), generator=generator)]",
                Words(
                    "As many patients as there are *rows*: now the intervals are far too narrow.",
                    "抽的患者与*行*一样多：区间会窄得多。",
                ),
            ),
            Fix(
                5,
                "drawn = names[torch.randperm(len(names), generator=generator)]",
                Words(
                    "All patients, every time: nothing varies.",
                    "每次都是全部患者：毫无变化。",
                ),
            ),
            Fix(
                6,
                "rows = [(patient == name).nonzero().flatten()[:1] for name in drawn]",
                Words(
                    "One image each: the others were to come along.",
                    "每人只取一张图像：其余的本应一起带上。",
                ),
            ),
            Fix(
                7,
                "return torch.cat(rows).unique()",
                Words(
                    "There are no repeated rows left to drop.",
                    "已经没有重复的行可去掉了。",
                ),
            ),
        ),
        works=draws_patients,
        objective=Words("Resample patients rightly.", "正确地按患者重抽样。"),
        source="Field and Welsh 2007, J. R. Stat. Soc. B 69:369",
        answers=("B8",),
    ),
    Multi(
        id="may_be_said",
        title=Words("What may be said", "可以说什么"),
        stem=Words(
            "A few-shot model was tested on 28 x 28 images of MedMNIST with good results. Which of "
            "these are right?",
            "一个少样本模型在 MedMNIST 的 28 x 28 图像上测试，结果很好。下列哪些说法正确？",
        ),
        options=(
            Right(
                Words(
                    "Its makers say that MedMNIST is not intended for clinical use",
                    "MedMNIST 的作者声明它不用于临床",
                ),
                Words(
                    "They do. It is for methods and for teaching.",
                    "确实如此，它用于方法研究和教学。",
                ),
            ),
            Wrong(
                Words(
                    "As the images were public, no patient's rights are concerned",
                    "图像是公开的，所以不涉及患者权利",
                ),
                Words(
                    "They come from patients: licence, purpose and privacy go with them.",
                    "图像来自患者：许可、用途和隐私依然有效。",
                ),
            ),
            Right(
                Words(
                    "Results may differ between groups of patients, so they are shown by group",
                    "结果可能因患者群体而异，所以应分组报告",
                ),
                Words(
                    "A good mean can hide a group for which the model fails.",
                    "良好的平均值可能掩盖模型失效的群体。",
                ),
            ),
            Wrong(
                Words(
                    "An AUROC above that of a doctor is enough to put it to use",
                    "AUROC 超过医生就足以投入使用",
                ),
                Words(
                    "Use needs a threshold, patients of the place, a study of what it changes, and "
                    "whoever has to approve it.",
                    "使用还需要阈值、当地患者、对实际影响的研究，以及审批。",
                ),
            ),
            Right(
                Words(
                    "Before use it has to be tested on patients of the place where it is used",
                    "使用之前必须在当地的患者上测试",
                ),
                Words(
                    "Scanners, prevalence and the mixture of cases are different there.",
                    "那里的扫描仪、患病率和病例组成都不同。",
                ),
            ),
        ),
        objective=Words("Know the limits of a benchmark.", "知道基准测试的界限。"),
        source=f"{MEDMNIST}; lessons/13_medical_cases",
        answers=("B8",),
    ),
)

CARDS = (
    Card(
        id="rare_triage",
        prompt=Words(
            "Design a few-shot triage for a rare disease: ten labelled cases, and a clinic that "
            "sees thousands of others. How do you build it and how do you judge it?",
            "为一种罕见病设计少样本分诊：只有十个有标签的病例，而诊所每年看数千名其他患者。"
            "你怎么做，怎么评估？",
        ),
        rubric=(
            Words(
                "simple first: frozen features and prototypes, fine-tuning as a rival",
                "先简单：冻结特征加原型，微调作对手",
            ),
            Words(
                "negatives as they come, with other diseases among them",
                "负例按实际出现，包括其他疾病",
            ),
            Words(
                "threshold on validation patients, at a specificity the clinic can bear",
                "在验证患者上、以诊所能承受的特异度定阈值",
            ),
            Words(
                "predictive value at the clinic's prevalence; false alarms in people",
                "按诊所患病率算预测值；用人数表示误报",
            ),
            Words(
                "intervals by patient and over draws of the ten; they will be wide",
                "按患者、并对十例的抽取给区间；会很宽",
            ),
        ),
        model=Words(
            "I begin with something that ten cases can bear: features learned elsewhere, a prototype "
            "of the disease and one of everything else, with fine-tuning as the rival. Negatives are "
            "drawn as they come, so that similar diseases are among them. The clinic says how many "
            "false alarms a day it can bear; that fixes the specificity, and the threshold is set on "
            "validation patients. I report the sensitivity there, the predictive value at the "
            "clinic's own prevalence, and how many people are called in for nothing. The interval is "
            "over patients, and over which ten were the support set; it will be wide, and I say so. "
            "Triage changes the order of the queue, so nobody is sent home by it.",
            "先用十个病例撑得住的办法：别处学到的特征，一个疾病原型和一个“其余”原型，以微调作对手。"
            "负例按实际出现抽取，其中包含相似的疾病。诊所说每天能承受多少误报，由此定特异度，"
            "阈值在验证患者上确定。我报告该点的灵敏度、按诊所患病率的预测值，以及多少人白跑一趟。"
            "区间按患者、也按支持集的十例抽取；会很宽，我会明说。分诊只改变排队次序，不会把任何人打发回家。",
        ),
        source="lessons/13_medical_cases",
        answers=("B8",),
    ),
    Card(
        id="three_cases",
        prompt=Words(
            "Lung cancer screening, heart disease, several modalities: three cases that texts on "
            "meta-learning like to name. What can a public benchmark really show of each?",
            "肺癌筛查、心脏病、多模态：元学习文章爱举的三个案例。公开基准对每个究竟能展示什么？",
        ),
        rubric=(
            Words(
                "lung: malignancy of nodules already found, rated, doubtful ones left out",
                "肺：已发现结节的恶性评分，可疑的被去掉",
            ),
            Words(
                "no screening: prevalence and finding the nodule are missing",
                "不是筛查：缺少患病率和发现结节这一步",
            ),
            Words(
                "heart: cardiomegaly, a sign on radiographs, labels mined from reports",
                "心脏：心脏增大只是胸片征象，标签来自报告挖掘",
            ),
            Words(
                "several modalities: no paired set; three views of one CT volume instead",
                "多模态：没有配对数据；只有同一 CT 体数据的三个视图",
            ),
            Words(
                "fusion is not meta-learning by itself",
                "融合本身不是元学习",
            ),
        ),
        model=Words(
            "Lung: NoduleMNIST3D asks whether a nodule that was already found was rated malignant, "
            "with the doubtful ratings left out. That is spectrum bias and no screening, where one "
            "has to find the nodule first and nearly all people are healthy. Heart: ChestMNIST has "
            "cardiomegaly, a sign and not a diagnosis, on 2.5 % of the images, with labels read out "
            "of reports; the organ sets know where a heart is, not whether it is ill. Several "
            "modalities: MedMNIST has no paired ones. Three planes of a CT volume are three views of "
            "one modality; they are paired, and good to learn fusion on. And fusion, useful as it "
            "is, is ensembling: it does not learn to learn.",
            "肺：NoduleMNIST3D 问的是已发现的结节是否被评为恶性，可疑评分被剔除，这是谱偏倚；"
            "也不是筛查，筛查要先找到结节，而且几乎人人健康。心脏：ChestMNIST 有心脏增大，是征象不是诊断，"
            "只占 2.5 % 的图像，标签从报告中读出；器官数据集只知道哪里是心脏，不知道它是否有病。"
            "多模态：MedMNIST 没有配对的多模态数据。一个 CT 体数据的三个平面是同一模态的三个视图，"
            "它们配对，适合学习融合。而融合再有用也只是集成，并没有学会学习。",
        ),
        source=MEDMNIST,
        answers=("B8", "B5"),
    ),
    Card(
        id="too_good",
        prompt=Words(
            "A paper reports 99 % on a medical data set. Which five minutes do you spend on it?",
            "一篇论文在某医学数据集上报告 99 %。你用五分钟看什么？",
        ),
        rubric=(
            Words("what a constant answer would score", "常数回答能得多少"),
            Words("split by patient or by image; duplicates", "按患者还是按图像划分；有无重复"),
            Words(
                "shortcuts: does colour, site or file type give the class away",
                "捷径：颜色、医院或文件类型是否泄露类别",
            ),
            Words("where threshold and settings were chosen", "阈值和设置在哪里选定"),
            Words("interval, number of patients, seeds", "区间、患者数、种子"),
        ),
        model=Words(
            "First the share of the largest class: what does a constant answer score? Then the "
            "split: by patient or by image, and are there duplicates? In DermaMNIST 886 of 2,005 "
            "test images share a lesion with training images. Then shortcuts: does a classifier of "
            "the mean colour come near? Then choices: where were threshold, epoch and settings "
            "chosen, and how often was the test set looked at? Last the interval: how many patients, "
            "not images, and how many seeds. If these five are clean, I read the method.",
            "先看最大类的占比：常数回答能得多少？再看划分：按患者还是按图像，有无重复？"
            "DermaMNIST 的 2,005 张测试图像里，有 886 张与训练图像出自同一病灶。再看捷径："
            "只用平均颜色的分类器是否也接近？再看选择：阈值、轮数、设置在哪里选，测试集看了几次？"
            "最后看区间：多少患者而不是多少图像，多少种子。这五点都干净，我才读方法。",
        ),
        source="lessons/13_medical_cases; Abhishek et al. 2025, Scientific Data 12:196",
        answers=("B8",),
    ),
)
