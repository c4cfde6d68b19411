"""The contract with lessons and learners: names of arguments, docstrings, hints, no surprises."""

import copy
import importlib
import inspect
import pkgutil
import re
import typing

import pytest
import torch
from torch import Tensor, nn

import medmeta_ref
from medmeta_ref import (
    anil,
    backbones,
    clinical,
    continual,
    datasets,
    devices,
    distillation,
    drawing,
    episodes,
    few_shot,
    fusion,
    held_out,
    inner_loop,
    learners,
    maml,
    maml_pp,
    metrics,
    onnx_export,
    params,
    per_step_norm,
    pixels,
    prototypical,
    replay,
    reptile,
    resampling,
    robustness,
    support_statistics,
    synthetic,
    train,
    views,
)
from medmeta_ref.learners import gradient_based
from medmeta_ref.train import adam, gradients, shares, stopping

# As a call would be written: what stands after * has to be named, what has = may be left out.
CONTRACT = {
    datasets.load: "(name, split, *, root=None, size=28, verify=True)",
    datasets.load_or_synthetic: "(name, split, *, root=None, size=28, verify=True)",
    episodes.split_classes: "(labels, *, n_train, n_val, n_test, generator)",
    episodes.sample_episode: "(images, labels, *, n_way, k_shot, n_query, generator, classes=None)",
    episodes.sample_episodes: (
        "(images, labels, *, n_episodes, n_way, k_shot, n_query, generator, classes=None)"
    ),
    episodes.multilabel_episode: "(images, labels, *, label, k_shot, n_query, generator)",
    episodes.EpisodeSampler: "(images, labels, *, n_way, k_shot, n_query, classes=None)",
    episodes.EpisodeSampler.episode: "(self, generator)",
    episodes.EpisodeSampler.episodes: "(self, n_episodes, generator)",
    devices.count_parameters: "(params)",
    devices.count_macs: "(model, params, x)",
    devices.quantize_int8: "(weight, *, axis=None)",
    devices.dequantize: "(quantized)",
    devices.quantize_params: "(params)",
    devices.fake_quantised: "(params)",
    devices.size_in_bytes: "(params)",
    devices.export_onnx: (
        "(model, params, example_x, path, *, statistics_from=None, tolerance=0.0001)"
    ),
    distillation.soft_targets: "(logits, *, temperature)",
    distillation.distillation_loss: (
        "(student_logits, teacher_logits, labels, *, temperature, alpha)"
    ),
    distillation.distillation_gradient: "(student_logits, teacher_logits, *, temperature)",
    distillation.feature_distillation_loss: "(student_features, teacher_features, projection)",
    prototypical.prototypes: "(features, labels, n_way)",
    prototypical.prototypical_logits: "(query_features, prototypes)",
    prototypical.prototypical_loss: "(model, params, episodes)",
    prototypical.as_linear: "(prototypes)",
    prototypical.robust_prototypes: "(features, labels, n_way, *, method)",
    clinical.auroc: "(scores, labels)",
    clinical.sensitivity_at_specificity: "(scores, labels, *, specificity)",
    clinical.ppv: "(sensitivity, specificity, prevalence)",
    resampling.bootstrap_ci: "(metric, scores, labels, groups, *, n_resamples, generator)",
    resampling.hierarchical_bootstrap: "(values, *, n_resamples, generator)",
    resampling.calibration_null: "(probabilities, *, n_bins=15, n_resamples, generator)",
    robustness.flip_labels: "(labels, *, rate, n_classes, generator)",
    robustness.corrupt: "(images, kind, *, severity, generator)",
    robustness.generalised_cross_entropy: "(logits, labels, *, q)",
    robustness.outlier_scores: "(query_features, prototypes)",
    fusion.average_probabilities: "(probabilities, weights=None)",
    fusion.log_opinion_pool: "(probabilities, weights=None)",
    fusion.majority_vote: "(probabilities)",
    fusion.fit_weights: "(probabilities, labels)",
    fusion.stacking: "(out_of_fold_probabilities, labels, *, l2)",
    fusion.stacked_logits: "(combiner, probabilities)",
    fusion.ambiguity: "(predictions, targets)",
    views.orthogonal_views: "(volume)",
    views.view_gates: "(mask, gate_logits)",
    views.gated_fusion: "(features, mask, gate_logits)",
    views.modality_dropout: "(mask, *, rate, generator)",
    views.SliceCNNGRU: "(widths, *, n_hidden, n_outputs)",
    support_statistics.support_statistics_forward: "(model, params, support_x, query_x)",
    support_statistics.with_support_statistics: "(model, *, n_support)",
    inner_loop.task_loss: "(model, params, x, y)",
    inner_loop.adapt: (
        "(model, params, support_x, support_y, *, inner_lr, inner_steps, first_order=False, "
        "head=None, loss=<function task_loss>)"
    ),
    maml.maml_loss: (
        "(model, params, episodes, *, inner_lr, inner_steps, first_order=False, head=None, "
        "loss=<function task_loss>)"
    ),
    maml.maml_gradient: (
        "(model, params, episodes, *, inner_lr, inner_steps, first_order=False, head=None, "
        "loss=<function task_loss>, memory='fast', threads=None)"
    ),
    anil.anil_loss: (
        "(model, params, episodes, *, inner_lr, inner_steps, head, loss=<function task_loss>)"
    ),
    anil.anil_gradient: "(model, params, episodes, *, inner_lr, inner_steps, head, threads=None)",
    prototypical.prototypical_gradient: "(model, params, episodes, *, threads=None)",
    reptile.reptile_gradient: ("(model, params, episodes, *, inner_lr, inner_steps, threads=None)"),
    reptile.reptile_update: "(params, adapted, *, outer_lr)",
    maml_pp.multi_step_weights: "(inner_steps, epoch, anneal_epochs)",
    maml_pp.first_order_at: "(epoch, *, switch_epoch)",
    maml_pp.initial_rates: "(params, *, inner_lr, inner_steps)",
    maml_pp.maml_pp_loss: (
        "(model, params, episodes, *, inner_rates, step_weights, first_order=False, "
        "loss=<function task_loss>)"
    ),
    per_step_norm.PerStepBatchNorm2d: "(channels, n_steps)",
    per_step_norm.PerStepConvNet: "(in_channels, widths, *, n_outputs, n_steps)",
    per_step_norm.adapt_per_step: (
        "(model, params, support_x, support_y, *, inner_rates, inner_steps, statistics=None, "
        "first_order=False)"
    ),
    per_step_norm.update_statistics: "(statistics, moments, *, momentum)",
    per_step_norm.per_step_logits: "(model, params, x, *, step, statistics=None)",
    replay.ReservoirBuffer: "(capacity, *, generator)",
    replay.BalancedBuffer: "(capacity, *, generator)",
    replay.replay_loss: "(model, params, batch, replayed, *, ratio)",
    replay.meta_experience_replay_update: (
        "(model, params, batch, replayed, *, inner_lr, outer_lr)"
    ),
    continual.average_accuracy: "(accuracies)",
    continual.backward_transfer: "(accuracies)",
    continual.forward_transfer: "(accuracies, baseline)",
    continual.forgetting: "(accuracies)",
    params.initial_params: "(model, *, generator)",
    params.forward: "(model, params, x)",
    train.fit: (
        "(objective, params, sample, *, n_steps, outer_lr, generator, progress='training', "
        "validate=None, validate_every=100, patience=None, checkpoint=None, checkpoint_every=100, "
        "settings=None)"
    ),
    train.sample_minibatch: "(images, labels, *, batch_size, generator)",
}


def plain(function):
    """Return the signature without its annotations."""
    signature = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    text = str(signature.replace(parameters=bare, return_annotation=signature.empty))
    return re.sub(r"<function (\w+) at \w+>", r"<function \1>", text)


@pytest.mark.parametrize(
    ("function", "wanted"), CONTRACT.items(), ids=lambda x: getattr(x, "__name__", "")
)
def test_arguments_have_the_names_that_lessons_use(function, wanted):
    assert plain(function) == wanted


@pytest.mark.parametrize(
    "fields",
    [
        (episodes.Episode, "support_x support_y query_x query_y"),
        (episodes.ClassSplit, "train val test"),
        (train.Fit, "params history"),
        (metrics.Interval, "mean half_width"),
        (per_step_norm.Moments, "mean var"),
        (resampling.PercentileInterval, "estimate low high"),
        (resampling.CalibrationNull, "mean percentile_95"),
        (fusion.Ambiguity, "ensemble_error mean_error ambiguity"),
        (fusion.Combiner, "weight bias"),
        (devices.Quantized, "values scale"),
        (onnx_export.OnnxExport, "path size_in_bytes largest_difference"),
        (drawing.Pools, "members starts sizes"),
        (views.Views, "axial coronal sagittal"),
    ],
    ids=lambda pair: pair[0].__name__,
)
def test_tuples_have_the_fields_that_lessons_use(fields):
    kind, names = fields
    assert kind._fields == tuple(names.split())


def public():
    """Return dotted name -> public function or class of the library, without its commands."""
    found = {}
    for info in pkgutil.walk_packages(medmeta_ref.__path__, "medmeta_ref."):
        if info.name.split(".")[1] in ("authoring", "grading", "cli"):
            continue
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            here = getattr(value, "__module__", None) == info.name
            if here and callable(value) and not name.startswith("_"):
                is_alias = typing.get_origin(value) is not None or isinstance(value, typing.TypeVar)
                if not is_alias:
                    found[f"{info.name.removeprefix('medmeta_ref.')}.{name}"] = value
    return found


PUBLIC = public()
FUNCTIONS = {name: value for name, value in PUBLIC.items() if not inspect.isclass(value)}


def test_the_search_finds_functions_classes_and_cached_functions():
    assert {"episodes.Episode", "episodes.sample_episode", "medmnist_files.info"} <= set(PUBLIC)
    assert len(FUNCTIONS) > 40


@pytest.mark.parametrize("name", PUBLIC)
def test_everything_public_says_what_it_is(name):
    doc = inspect.getdoc(PUBLIC[name])
    assert doc
    first = doc.splitlines()[0]
    assert first.endswith((".", ":", "?")) or len(doc.splitlines()) > 1
    assert first[0].isupper()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_is_annotated_throughout(name):
    signature = inspect.signature(FUNCTIONS[name])
    missing = [p.name for p in signature.parameters.values() if p.annotation is p.empty]
    assert missing == []
    assert signature.return_annotation is not signature.empty


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_section_names_the_arguments_there_are(name):
    """Words and code agree: what `Args:` lists are arguments, in their order, none left out."""
    doc, wanted = (
        inspect.getdoc(FUNCTIONS[name]),
        list(inspect.signature(FUNCTIONS[name]).parameters),
    )
    if "\nArgs:\n" not in doc:
        return
    listed = []
    for line in doc.split("\nArgs:\n")[1].split("\n"):
        if line and not line.startswith(" "):
            break
        if line.startswith("    ") and not line.startswith("     "):
            listed += line.split(":")[0].replace(" ", "").split(",")
    assert listed == wanted


SAMPLING = [name for name, f in FUNCTIONS.items() if "generator" in inspect.signature(f).parameters]


@pytest.mark.parametrize("name", SAMPLING)
def test_whatever_draws_wants_its_generator_by_name_and_has_no_default(name):
    generator = inspect.signature(FUNCTIONS[name]).parameters["generator"]
    assert generator.kind is generator.KEYWORD_ONLY
    assert generator.default is generator.empty
    assert generator.annotation is torch.Generator


# Twice the same call gives twice the same, and its arguments are as before.


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape):
    return torch.randn(*shape, generator=seeded(1), dtype=torch.float64)


MODEL = backbones.ConvNet(1, (3, 3))
PARAMS = params.initial_params(MODEL, generator=seeded())
IMAGES = torch.randint(256, (40, 8, 8), generator=seeded(), dtype=torch.uint8)
LABELS = torch.arange(40) % 4
SIZES = {"n_way": 3, "k_shot": 2, "n_query": 3}
BATCH = episodes.sample_episodes(IMAGES, LABELS, n_episodes=2, **SIZES, generator=seeded())
EPISODE = episodes.each_episode(BATCH)[0]
SLOTS = torch.arange(12) % 3
VIEWS = torch.tensor([[True, True, False], [True, False, True]])
EXAMPLES = (EPISODE.support_x, EPISODE.support_y)
REPLAYED = (EPISODE.query_x, EPISODE.query_y)
ACCURACIES = normal(4, 4).sigmoid()
CLASSIFIER = backbones.ConvNet(1, (3, 3), n_outputs=3)
START = params.initial_params(CLASSIFIER, generator=seeded())
SUPPORT = (CLASSIFIER, START, EPISODE.support_x, EPISODE.support_y)
INNER = {"inner_lr": 0.1, "inner_steps": 2}
STEPWISE = per_step_norm.PerStepConvNet(1, (3, 3), n_outputs=3, n_steps=2)
STEPWISE_START = params.initial_params(STEPWISE, generator=seeded())
RATED = STEPWISE_START | {
    learners.maml_pp.RATES + name: torch.full((2,), 0.1)
    for name in STEPWISE_START
    if not name.startswith("norms.")
}
MOMENTS = (per_step_norm.Moments(normal(2, 3).float(), normal(2, 3).float().exp()),) * 2


def length(params, batch):
    return sum(p.square().sum() for p in params.values())


def draw_episode():
    return EPISODE


CALLS = {
    params.initial_params: lambda: ((MODEL,), {"generator": seeded()}),
    params.forward: lambda: ((MODEL, PARAMS, EPISODE.query_x), {}),
    pixels.as_float: lambda: ((IMAGES,), {}),
    episodes.split_classes: lambda: (
        (LABELS,),
        {"n_train": 2, "n_val": 1, "n_test": 1, "generator": seeded()},
    ),
    episodes.sample_episode: lambda: (
        (IMAGES, LABELS),
        SIZES | {"generator": seeded(), "classes": [3, 1, 0]},
    ),
    episodes.sample_episodes: lambda: (
        (IMAGES, LABELS),
        SIZES | {"generator": seeded(), "n_episodes": 2},
    ),
    episodes.multilabel_episode: lambda: (
        (IMAGES, torch.stack([LABELS == 0, LABELS < 2], dim=1)),
        {"label": 1, "k_shot": 2, "n_query": 3, "generator": seeded()},
    ),
    episodes.each_episode: lambda: ((BATCH,), {}),
    drawing.make_pools: lambda: (([("all", LABELS >= 0)],), {"k_shot": 1, "n_query": 2}),
    metrics.accuracy: lambda: ((normal(12, 3), SLOTS), {}),
    metrics.balanced_accuracy: lambda: ((normal(12, 3), SLOTS), {}),
    metrics.expected_calibration_error: lambda: ((normal(12, 3).softmax(1), SLOTS), {}),
    metrics.mean_and_ci95: lambda: ((normal(12),), {}),
    metrics.mean_and_ci95_of_few: lambda: ((normal(5),), {}),
    distillation.soft_targets: lambda: ((normal(12, 3),), {"temperature": 2.0}),
    distillation.distillation_loss: lambda: (
        (normal(12, 3), normal(12, 3).flip(0), SLOTS),
        {"temperature": 2.0, "alpha": 0.5},
    ),
    distillation.distillation_gradient: lambda: (
        (normal(12, 3), normal(12, 3).flip(0)),
        {"temperature": 2.0},
    ),
    distillation.feature_distillation_loss: lambda: (
        (normal(12, 3), normal(12, 4), normal(3, 4)),
        {},
    ),
    devices.count_parameters: lambda: ((PARAMS,), {}),
    devices.count_macs: lambda: ((MODEL, PARAMS, EPISODE.query_x), {}),
    devices.quantize_int8: lambda: ((normal(3, 4),), {"axis": 0}),
    devices.dequantize: lambda: ((devices.quantize_int8(normal(3, 4)),), {}),
    devices.quantize_params: lambda: ((PARAMS,), {}),
    devices.fake_quantised: lambda: ((PARAMS,), {}),
    devices.size_in_bytes: lambda: ((PARAMS,), {}),
    prototypical.prototypes: lambda: ((normal(12, 5), SLOTS, 3), {}),
    prototypical.prototypical_logits: lambda: ((normal(12, 5), normal(3, 5)), {}),
    prototypical.as_linear: lambda: ((normal(3, 5),), {}),
    prototypical.robust_prototypes: lambda: (
        (normal(12, 5), SLOTS, 3),
        {"method": "geometric_median"},
    ),
    clinical.auroc: lambda: ((normal(12), SLOTS % 2), {}),
    clinical.sensitivity_at_specificity: lambda: ((normal(12), SLOTS % 2), {"specificity": 0.8}),
    clinical.ppv: lambda: ((0.9, 0.9, 0.025), {}),
    resampling.bootstrap_ci: lambda: (
        (clinical.auroc, normal(12), SLOTS % 2, SLOTS),
        {"n_resamples": 5, "generator": seeded()},
    ),
    resampling.hierarchical_bootstrap: lambda: (
        (normal(3, 2, 4),),
        {"n_resamples": 5, "generator": seeded()},
    ),
    resampling.calibration_null: lambda: (
        (normal(12, 3).softmax(1),),
        {"n_resamples": 5, "generator": seeded()},
    ),
    robustness.flip_labels: lambda: (
        (SLOTS,),
        {"rate": 0.5, "n_classes": 3, "generator": seeded()},
    ),
    robustness.corrupt: lambda: (
        (IMAGES, "gaussian_noise"),
        {"severity": 3, "generator": seeded()},
    ),
    robustness.generalised_cross_entropy: lambda: ((normal(12, 3), SLOTS), {"q": 0.7}),
    robustness.outlier_scores: lambda: ((normal(12, 5), normal(3, 5)), {}),
    prototypical.episode_logits: lambda: ((MODEL, PARAMS, EPISODE), {}),
    prototypical.prototypical_loss: lambda: ((MODEL, PARAMS, BATCH), {}),
    support_statistics.support_statistics_forward: lambda: (
        (CLASSIFIER, START, EPISODE.support_x, EPISODE.query_x),
        {},
    ),
    support_statistics.with_support_statistics: lambda: ((CLASSIFIER,), {"n_support": 2}),
    gradient_based.adapted_answers: lambda: ((CLASSIFIER, START, EPISODE), INNER),
    learners.reptile.dealt_minibatches: lambda: (
        (EPISODE,),
        {"inner_steps": 3, "batch_size": 4},
    ),
    learners.reptile.reptile_pseudo_gradient: lambda: ((CLASSIFIER, START, BATCH), INNER),
    learners.maml_pp.split_rates: lambda: ((RATED,), {}),
    learners.maml_pp.per_step_gradient: lambda: (
        (STEPWISE, RATED, BATCH),
        {"step_weights": torch.tensor([0.5, 0.5]), "first_order": False},
    ),
    inner_loop.task_loss: lambda: (SUPPORT, {}),
    inner_loop.adapt: lambda: (SUPPORT, INNER),
    inner_loop.split_head: lambda: ((START, "head"), {}),
    maml.maml_loss: lambda: ((CLASSIFIER, START, BATCH), INNER),
    maml.maml_gradient: lambda: ((CLASSIFIER, START, BATCH), INNER),
    anil.anil_loss: lambda: ((CLASSIFIER, START, BATCH), INNER | {"head": "head"}),
    anil.anil_gradient: lambda: ((CLASSIFIER, START, BATCH), INNER | {"head": "head"}),
    reptile.reptile_gradient: lambda: ((CLASSIFIER, START, BATCH), INNER),
    prototypical.prototypical_gradient: lambda: ((MODEL, PARAMS, BATCH), {}),
    inner_loop.require_steps: lambda: ((1,), {}),
    maml_pp.multi_step_weights: lambda: ((5, 3, 10), {}),
    maml_pp.first_order_at: lambda: ((3,), {"switch_epoch": 5}),
    maml_pp.initial_rates: lambda: ((START,), INNER),
    maml_pp.maml_pp_loss: lambda: (
        (CLASSIFIER, START, BATCH),
        {
            "inner_rates": maml_pp.initial_rates(START, **INNER),
            "step_weights": maml_pp.multi_step_weights(2, 0, 5),
        },
    ),
    maml_pp.require_rates: lambda: ((START, maml_pp.initial_rates(START, **INNER), 2), {}),
    per_step_norm.adapt_per_step: lambda: (
        (STEPWISE, STEPWISE_START, EPISODE.support_x, EPISODE.support_y),
        {"inner_rates": maml_pp.initial_rates(STEPWISE_START, **INNER), "inner_steps": 2},
    ),
    per_step_norm.update_statistics: lambda: ((MOMENTS, MOMENTS), {"momentum": 0.1}),
    per_step_norm.per_step_logits: lambda: (
        (STEPWISE, STEPWISE_START, EPISODE.query_x),
        {"step": 1, "statistics": MOMENTS},
    ),
    reptile.reptile_update: lambda: ((START, [START, START]), {"outer_lr": 0.5}),
    reptile.adapt_on_minibatches: lambda: (
        SUPPORT,
        INNER | {"batch_size": 2, "generator": seeded()},
    ),
    replay.replay_loss: lambda: ((MODEL, PARAMS, EXAMPLES, REPLAYED), {"ratio": 0.5}),
    replay.meta_experience_replay_update: lambda: (
        (MODEL, PARAMS, EXAMPLES, REPLAYED),
        {"inner_lr": 0.1, "outer_lr": 0.5},
    ),
    continual.average_accuracy: lambda: ((ACCURACIES,), {}),
    continual.backward_transfer: lambda: ((ACCURACIES,), {}),
    continual.forward_transfer: lambda: ((ACCURACIES, ACCURACIES[0]), {}),
    continual.forgetting: lambda: ((ACCURACIES,), {}),
    train.fit: lambda: (
        (length, PARAMS, lambda generator: torch.rand(2, generator=generator)),
        {"n_steps": 3, "outer_lr": 0.1, "generator": seeded(), "progress": None},
    ),
    adam.no_moments: lambda: ((PARAMS,), {}),
    adam.adam_step: lambda: (
        (PARAMS, PARAMS, adam.no_moments(PARAMS)),
        {"step": 0, "outer_lr": 0.1},
    ),
    gradients.loss_and_gradient: lambda: ((length, PARAMS, torch.ones(2)), {}),
    gradients.require_like: lambda: ((PARAMS, PARAMS), {}),
    gradients.require_finite: lambda: ((torch.ones(()), PARAMS), {"step": 0, "outer_lr": 0.1}),
    shares.share_of: lambda: ((torch.arange(5),), {"index": 0, "n_shares": 2}),
    stopping.best_score: lambda: (([train.Score(1, 0.5)],), {}),
    stopping.out_of_patience: lambda: (([train.Score(1, 0.5)], 1), {}),
    stopping.require_number: lambda: ((train.Score(1, 0.5),), {}),
    train.sample_minibatch: lambda: (
        (IMAGES, LABELS),
        {"batch_size": 5, "generator": seeded()},
    ),
    held_out.held_out_split: lambda: (("mine", LABELS), {"generator": seeded()}),
    few_shot.episode_accuracies: lambda: (
        ({"model": lambda e: prototypical.episode_logits(MODEL, PARAMS, e)}, draw_episode),
        {"n_episodes": 2, "progress": False},
    ),
    synthetic.draw: lambda: (("organ",), {"n_classes": 2, "n_per_class": 3, "generator": seeded()}),
    synthetic.class_counts: lambda: ((3, 100), {"imbalance": 0.5}),
    fusion.average_probabilities: lambda: ((normal(2, 12, 3).softmax(-1), torch.ones(2)), {}),
    fusion.log_opinion_pool: lambda: ((normal(2, 12, 3).softmax(-1), torch.ones(2)), {}),
    fusion.majority_vote: lambda: ((normal(2, 12, 3).softmax(-1),), {}),
    fusion.fit_weights: lambda: ((normal(2, 12, 3).softmax(-1), SLOTS), {}),
    fusion.stacking: lambda: ((normal(2, 12, 3).softmax(-1), SLOTS), {"l2": 0.1}),
    fusion.stacked_logits: lambda: (
        (fusion.Combiner(normal(3, 6), normal(3)), normal(2, 12, 3).softmax(-1)),
        {},
    ),
    fusion.ambiguity: lambda: ((normal(3, 12), normal(12)), {}),
    views.orthogonal_views: lambda: ((normal(2, 3, 4, 5),), {}),
    views.view_gates: lambda: ((VIEWS, normal(2, 3)), {}),
    views.gated_fusion: lambda: ((normal(2, 3, 4), VIEWS, normal(2, 3)), {}),
    views.modality_dropout: lambda: ((VIEWS,), {"rate": 0.5, "generator": seeded()}),
}
ELSEWHERE = {
    "drawing.uniforms": "returns an iterator; see test_drawing.py",
    "drawing.distinct": "uses up an iterator; see test_drawing.py",
    "drawing.draw": "uses up an iterator; see test_drawing.py",
    "onnx_export.export_onnx": "writes a file; see test_onnx_export.py",
    "backbones.conv4": "returns a new module with weights of its own; see test_backbones.py",
    "train.schedules.cosine": "returns a function; see test_train.py",
    "train.checkpoints.save": "writes a file; see test_train_checkpoints.py",
    "train.checkpoints.read": "reads a file; see test_train_checkpoints.py",
    "train.checkpoints.restore": "takes a file's bytes; see test_train_checkpoints.py",
    "train.state.initial_state": "asks where a generator stands; see test_train_checkpoints.py",
    "train.fingerprints.describe_run": "see test_train_checkpoints.py",
    "train.fingerprints.digest": "see test_train_checkpoints.py",
    "train.steps.one_step": "takes what fit makes; see test_train_checkpoints.py",
    "train.steps.validated": "takes what fit makes; see test_train_stopping.py",
    **{
        f"train.distributed.{name}": "talks to other processes; see test_train_distributed.py"
        for name in (
            "process_group",
            "world_size",
            "rank",
            "is_main",
            "sum_over_processes",
            "from_main",
            "require_alike",
        )
    },
    "few_shot.study": "takes seconds; see test_few_shot.py",
    "few_shot.meta_train": "trains; see test_few_shot.py",
}


def test_every_function_of_the_pure_modules_is_called_here():
    called = {f"{f.__module__.removeprefix('medmeta_ref.')}.{f.__name__}" for f in CALLS}
    for name in FUNCTIONS:
        module = name.split(".")[0]
        if module in ("params", "pixels", "episodes", "backbones", "metrics", "distillation"):
            assert name in called | set(ELSEWHERE), f"{name} is not called here"
        if module in ("prototypical", "inner_loop", "maml", "anil", "reptile"):
            assert name in called | set(ELSEWHERE), f"{name} is not called here"
        if module in ("clinical", "resampling", "robustness"):
            assert name in called | set(ELSEWHERE), f"{name} is not called here"
        if module in ("fusion", "views", "devices", "drawing", "class_splits", "onnx_export"):
            assert name in called | set(ELSEWHERE), f"{name} is not called here"
        if module in ("maml_pp", "per_step_norm"):
            assert name in called | set(ELSEWHERE), f"{name} is not called here"
        if module in ("replay", "continual"):
            assert name in called | set(ELSEWHERE), f"{name} is not called here"
        if module in ("train", "few_shot", "held_out", "support_statistics"):
            assert name in called | set(ELSEWHERE), f"{name} is not called here"


def same(a, b):
    """Return whether two values are equal, tensors by their bits."""
    if isinstance(a, Tensor):
        return a.dtype == b.dtype and torch.equal(a, b) and a.requires_grad == b.requires_grad
    if isinstance(a, nn.Module):
        return a.training == b.training and same(dict(a.state_dict()), dict(b.state_dict()))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, torch.Generator) or inspect.isfunction(a):
        return True  # a generator is there to be moved on
    return a == b


def assert_is_pure(function, arguments):
    args, settings = arguments()
    before = [copy.deepcopy(a) if not inspect.isfunction(a) else a for a in args]
    settings_before = {k: v for k, v in settings.items() if k != "generator"}
    settings_before = copy.deepcopy(settings_before)
    state = torch.get_rng_state()
    first = function(*args, **settings)
    kept = copy.deepcopy(first)
    assert torch.equal(torch.get_rng_state(), state), "the global generator moved"
    assert same(tuple(args), tuple(before)), "an argument changed"
    assert same({k: settings[k] for k in settings_before}, settings_before), "a setting changed"
    if "generator" in settings:
        settings = settings | {"generator": seeded()}
    again = function(*args, **settings)
    assert same(first, kept), "the first result changed with the second call"
    assert same(again, kept), "the second call gave something else"


@pytest.mark.parametrize(
    ("function", "arguments"), CALLS.items(), ids=lambda x: getattr(x, "__name__", "")
)
def test_the_same_call_twice_gives_the_same_and_changes_nothing(function, arguments):
    assert_is_pure(function, arguments)


def counting():
    calls = []

    def function(x):
        calls.append(x)
        return x * len(calls)

    return function


REMEMBERED = torch.zeros(4)


def remembering(x):
    REMEMBERED.add_(x)
    return REMEMBERED


IMPURE = {
    "changes its argument": lambda x: x.mul_(2),
    "draws from the global generator": lambda x: x + torch.rand(4),
    "counts its calls": counting(),
    "returns what it goes on changing": remembering,
    "asks for gradient": lambda x: x.requires_grad_(),
}


@pytest.mark.parametrize("wrong", IMPURE.values(), ids=IMPURE.keys())
def test_impure_functions_are_told(wrong):
    with pytest.raises(AssertionError):
        assert_is_pure(wrong, lambda: ((torch.ones(4),), {}))
