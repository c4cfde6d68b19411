"""Every row of the benchmark: six methods that learn to learn, and the baselines beside them."""

from medmeta_ref.benchmark import answers as a
from medmeta_ref.benchmark.method import Method

_ROWS = (
    Method("chance", "chance", "nothing", False, a.by_chance, "guesses"),
    Method(
        "majority",
        "majority class",
        "nothing",
        False,
        a.by_majority,
        "always says the class with most images in the official training split",
    ),
    Method(
        "pixel-centroid",
        "raw pixels: centroid",
        "nothing",
        False,
        a.by_pixel_centroid,
        "nearest class mean of the images themselves",
    ),
    Method(
        "pixel-1nn",
        "raw pixels: 1-NN",
        "nothing",
        False,
        a.by_nearest_pixels,
        "nearest support image",
    ),
    Method(
        "random-centroid",
        "random features: centroid",
        "random",
        False,
        a.by_feature_centroid,
        "the network as it is drawn, nearest class mean",
    ),
    Method(
        "scratch",
        "fine-tuning from scratch",
        "random",
        False,
        a.by_fine_tuning,
        "the network as it is drawn, all of it fine-tuned on the support set",
    ),
    Method(
        "joint",
        "joint training: fine-tuned",
        "joint",
        False,
        a.by_fine_tuning,
        "one network for all training episodes without inner loop, then fine-tuned",
    ),
    Method(
        "pre-centroid",
        "pre-trained: centroid",
        "supervised",
        False,
        a.by_feature_centroid,
        "a classifier of the training classes, nearest class mean of its features",
    ),
    Method(
        "pre-logistic",
        "pre-trained: logistic regression",
        "supervised",
        False,
        a.by_logistic_regression,
        "the same features, a linear probe",
    ),
    Method(
        "pre-cosine",
        "pre-trained: cosine head",
        "supervised",
        False,
        a.by_cosine_head,
        "the same features, a head of cosines",
    ),
    Method(
        "pre-finetune",
        "pre-trained: fine-tuned",
        "supervised",
        False,
        a.by_fine_tuning,
        "the same network, all of it fine-tuned on the support set",
    ),
    Method(
        "protonet",
        "prototypical network",
        "protonet",
        True,
        a.by_learner("protonet"),
        "learns features in which class means work",
    ),
    Method(
        "maml",
        "MAML",
        "maml",
        True,
        a.by_learner("maml"),
        "learns a start from which a few steps do",
    ),
    Method(
        "fomaml",
        "FOMAML",
        "fomaml",
        True,
        a.by_learner("fomaml"),
        "MAML without second derivatives",
    ),
    Method(
        "anil",
        "ANIL",
        "anil",
        True,
        a.by_learner("anil"),
        "MAML that adapts the head alone",
    ),
    Method(
        "nil",
        "NIL",
        "anil",
        True,
        a.by_support_cosines,
        "ANIL's body, no head and no step: mean cosine to the support images",
    ),
    Method(
        "reptile",
        "Reptile",
        "reptile",
        True,
        a.by_learner("reptile"),
        "moves the start to where tasks lead",
    ),
    Method(
        "maml++",
        "MAML++",
        "maml++",
        True,
        a.by_learner("maml++"),
        "MAML with learned rates, per-step norm and annealing",
    ),
)
METHODS = {method.name: method for method in _ROWS}


def chosen(names: str) -> list[Method]:
    """Return the methods of a list such as "maml,protonet"; "all" stands for all of them.

    Raises:
        ValueError: naming a method that is not there, and those that are.
    """
    wanted = list(METHODS) if names == "all" else [n.strip() for n in names.split(",")]
    strange = [name for name in wanted if name not in METHODS]
    if strange:
        raise ValueError(f"no method {', '.join(strange)}; there are {', '.join(METHODS)}")
    return [METHODS[name] for name in dict.fromkeys(wanted)]
