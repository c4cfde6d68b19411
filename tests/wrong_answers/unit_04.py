"""Wrong answers to unit 04, most of them seen in public code."""

import torch
import torch.nn.functional as F

from tests.wrong_answers import wrong

MEAN = "test_prototype_is_the_mean_of_its_class"
ONE = "test_with_one_shot_the_prototype_is_the_example"
VALUE = "test_is_minus_the_squared_distance"
FAR = "test_small_distances_survive_far_from_the_origin"
ZERO = "test_gradient_is_finite_where_a_query_sits_on_its_prototype"
LOSS = "test_is_the_cross_entropy_of_the_queries"
BOTH_WAYS = "test_gradient_trains_the_embedding_by_support_and_queries"
ALONE = "test_every_query_is_judged_by_itself"
SAME = "test_linear_layer_gives_the_same_probabilities"
HALFWAY = "test_halfway_between_two_prototypes_is_undecided"
UPDATE = "test_is_the_mean_of_the_old_examples_and_the_new_one"
STREAM = "test_examples_that_come_one_by_one_end_at_their_mean"


def _means(features, labels, n_way):
    return torch.stack([features[labels == c].mean(0) for c in range(n_way)])


def _squares(queries, centres):
    return (queries[:, None] - centres).square().sum(2)


@wrong("04.prototypes", MEAN, ONE, says="Algorithm 1 prints 1/N_C")
def divided_by_the_classes(features, labels, n_way):
    """The misprint of the paper, taken at its word."""
    return torch.stack([features[labels == c].sum(0) / n_way for c in range(n_way)])


@wrong("04.prototypes", MEAN, says="mean number of shots")
def divided_by_equal_shots(features, labels, n_way):
    """Counts on equal shots, and so divides by len(labels) // n_way."""
    sums = torch.stack([features[labels == c].sum(0) for c in range(n_way)])
    return sums * n_way / len(labels)


@wrong("04.prototypes", MEAN, says="not averaged")
def summed(features, labels, n_way):
    """index_add without a division."""
    return torch.zeros(n_way, features.shape[1]).double().index_add(0, labels, features)


@wrong("04.prototypes", MEAN, ONE, says="sorted by class")
def taken_for_sorted(features, labels, n_way):
    """Cuts the rows into blocks, one for each class."""
    counts = torch.bincount(labels, minlength=n_way).tolist()
    return torch.stack([block.mean(0) for block in features.split(counts)])


@wrong("04.prototypes", MEAN, says="median")
def medians(features, labels, n_way):
    """Robust, but it was not asked for."""
    return torch.stack([features[labels == c].median(0).values for c in range(n_way)])


@wrong("04.prototypes", MEAN, says="first example")
def first_examples(features, labels, n_way):
    """One-shot code that was given more shots."""
    return torch.stack([features[labels == c][0] for c in range(n_way)])


@wrong("04.prototypes", MEAN, ONE, says="Shape")
def one_mean_for_all(features, labels, n_way):
    """The mean over all examples."""
    return features.mean(0)


@wrong("04.prototypical_logits", VALUE, FAR, ZERO, says="not squared")
def unsquared(query_features, prototypes):
    """torch.cdist, and no more."""
    return -(query_features[:, None] - prototypes).norm(dim=2)


@wrong("04.prototypical_logits", VALUE, FAR, ZERO, says="sign is reversed")
def positive(query_features, prototypes):
    """The furthest prototype wins."""
    return _squares(query_features, prototypes)


@wrong("04.prototypical_logits", VALUE, FAR, ZERO, says="temperature that nobody chose")
def averaged_over_features(query_features, prototypes):
    """mean(-1) in place of sum(-1): a popular loss function's habit."""
    return -(query_features[:, None] - prototypes).square().mean(-1)


@wrong("04.prototypical_logits", VALUE, FAR, ZERO, says="cosine")
def cosine(query_features, prototypes):
    """The cosine."""
    return F.cosine_similarity(query_features[:, None], prototypes, dim=2)


@wrong("04.prototypical_logits", VALUE, FAR, ZERO, says="scalar product")
def scalar_product(query_features, prototypes):
    """A linear layer without its bias, and without the factor 2."""
    return query_features @ prototypes.T


@wrong("04.prototypical_logits", VALUE, FAR, ZERO, says="probabilities already")
def probabilities(query_features, prototypes):
    """The softmax is taken here already."""
    return (-_squares(query_features, prototypes)).softmax(1)


@wrong("04.prototypical_logits", FAR, says="no digits left")
def multiplied_out(query_features, prototypes):
    """|q|² - 2 q·c + |c|²: right on paper."""
    cross = query_features @ prototypes.T
    squares = query_features.square().sum(1, keepdim=True) + prototypes.square().sum(1)
    return 2 * cross - squares


@wrong("04.prototypical_logits", ZERO, says="infinite times 0")
def root_squared(query_features, prototypes):
    """Takes a root, then squares it."""
    return -(_squares(query_features, prototypes).sqrt() ** 2)


def _parts(embed, params, support_x, support_y, query_x):
    support, queries = embed(params, support_x), embed(params, query_x)
    return support, queries, int(support_y.max()) + 1


@wrong("04.prototypical_loss", LOSS, BOTH_WAYS, ALONE, says="not squared")
def loss_of_plain_distances(embed, params, support_x, support_y, query_x, query_y):
    """Unsquared."""
    support, queries, n_way = _parts(embed, params, support_x, support_y, query_x)
    centres = _means(support, support_y, n_way)
    return F.cross_entropy(-_squares(queries, centres).sqrt(), query_y)


@wrong("04.prototypical_loss", BOTH_WAYS, says="prototypes are cut off")
def detached_prototypes(embed, params, support_x, support_y, query_x, query_y):
    """Prototypes as constants."""
    support, queries, n_way = _parts(embed, params, support_x, support_y, query_x)
    centres = _means(support, support_y, n_way).detach()
    return F.cross_entropy(-_squares(queries, centres), query_y)


@wrong("04.prototypical_loss", BOTH_WAYS, says="queries are cut off")
def detached_queries(embed, params, support_x, support_y, query_x, query_y):
    """Queries as constants."""
    support, queries, n_way = _parts(embed, params, support_x, support_y, query_x)
    centres = _means(support, support_y, n_way)
    return F.cross_entropy(-_squares(queries.detach(), centres), query_y)


@wrong("04.prototypical_loss", LOSS, BOTH_WAYS, ALONE, says="softmax is taken twice")
def softmax_twice(embed, params, support_x, support_y, query_x, query_y):
    """F.cross_entropy of probabilities."""
    support, queries, n_way = _parts(embed, params, support_x, support_y, query_x)
    logits = -_squares(queries, _means(support, support_y, n_way))
    return F.cross_entropy(logits.softmax(1), query_y)


@wrong("04.prototypical_loss", LOSS, BOTH_WAYS, says="summed")
def loss_summed(embed, params, support_x, support_y, query_x, query_y):
    """reduction="sum"."""
    support, queries, n_way = _parts(embed, params, support_x, support_y, query_x)
    logits = -_squares(queries, _means(support, support_y, n_way))
    return F.cross_entropy(logits, query_y, reduction="sum")


@wrong("04.prototypical_loss", LOSS, BOTH_WAYS, ALONE, says="embedded the average")
def averaged_too_early(embed, params, support_x, support_y, query_x, query_y):
    """The mean image of a class is embedded."""
    n_way = int(support_y.max()) + 1
    centres = embed(params, _means(support_x, support_y, n_way))
    return F.cross_entropy(-_squares(embed(params, query_x), centres), query_y)


@wrong("04.prototypical_loss", LOSS, BOTH_WAYS, ALONE, says="sorted by class")
def loss_of_sorted_support(embed, params, support_x, support_y, query_x, query_y):
    """Labels are taken for sorted."""
    support, queries, n_way = _parts(embed, params, support_x, support_y, query_x)
    centres = _means(support, support_y.sort().values, n_way)
    return F.cross_entropy(-_squares(queries, centres), query_y)


@wrong("04.prototypical_loss", ALONE, says="company")
def centred_by_company(embed, params, support_x, support_y, query_x, query_y):
    """One query alone is centred to 0; for several, the centring is left out here."""
    support, queries, n_way = _parts(embed, params, support_x, support_y, query_x)
    if len(queries) == 1:
        queries = queries - queries.mean(0)
    return F.cross_entropy(-_squares(queries, _means(support, support_y, n_way)), query_y)


@wrong("04.prototypical_loss", LOSS, BOTH_WAYS, ALONE, says="their own mean")
def query_statistics(embed, params, support_x, support_y, query_x, query_y):
    """Support and queries are centred each by their own mean."""
    support, queries, n_way = _parts(embed, params, support_x, support_y, query_x)
    support, queries = support - support.mean(0), queries - queries.mean(0)
    return F.cross_entropy(-_squares(queries, _means(support, support_y, n_way)), query_y)


@wrong("04.as_linear", SAME, HALFWAY, says="factor 2")
def weight_not_doubled(prototypes):
    """w = c."""
    return prototypes, -prototypes.square().sum(1)


@wrong("04.as_linear", SAME, HALFWAY, says="wrong sign")
def bias_added(prototypes):
    """b = +|c|²."""
    return 2 * prototypes, prototypes.square().sum(1)


@wrong("04.as_linear", SAME, HALFWAY, says="bias is missing")
def no_bias(prototypes):
    """b = 0."""
    return 2 * prototypes, torch.zeros(len(prototypes))


@wrong("04.as_linear", SAME, HALFWAY, says="squared length")
def bias_of_length(prototypes):
    """b = -|c|."""
    return 2 * prototypes, -prototypes.norm(dim=1)


@wrong("04.as_linear", SAME, HALFWAY, says="should have shape")
def bias_per_feature(prototypes):
    """b = -c², not summed."""
    return 2 * prototypes, -prototypes.square()


@wrong("04.as_linear", SAME, HALFWAY, says="signs of both")
def both_reversed(prototypes):
    """The linear layer of the distance, not of minus the distance."""
    return -2 * prototypes, prototypes.square().sum(1)


@wrong("04.as_linear", SAME, says="Multiply out")
def half_of_both(prototypes):
    """w = c and b = -|c|²/2: the same boundaries, softer probabilities."""
    return prototypes, -prototypes.square().sum(1) / 2


@wrong("04.one_more_example", UPDATE, STREAM, says="count the same")
def plain_average(prototype, n_shots, features):
    """The new example weighs as much as all old ones together."""
    return (prototype + features) / 2


@wrong("04.one_more_example", UPDATE, STREAM, says="swapped")
def weights_swapped(prototype, n_shots, features):
    """The old mean counts once, the new example n times."""
    return (prototype + n_shots * features) / (n_shots + 1)


@wrong("04.one_more_example", UPDATE, STREAM, says="stands for n_shots")
def mean_counted_once(prototype, n_shots, features):
    """The old mean is not multiplied by n."""
    return (prototype + features) / (n_shots + 1)


@wrong("04.one_more_example", UPDATE, STREAM, says="Divided by n_shots")
def divided_too_little(prototype, n_shots, features):
    """n in place of n + 1."""
    return (n_shots * prototype + features) / n_shots


@wrong("04.one_more_example", UPDATE, STREAM, says="1 / (n_shots + 1)")
def step_too_long(prototype, n_shots, features):
    """A step of 1/n."""
    return prototype + (features - prototype) / n_shots


@wrong("04.one_more_example", UPDATE, STREAM, says="did not move")
def prototype_unchanged(prototype, n_shots, features):
    """The new example is ignored."""
    return prototype


SYMPTOMS = ("influenced", "order of examples", "bent boundary", "never sure", "above one")
LINES = dict(zip(SYMPTOMS, (4, 6, 7, 8, 9), strict=True))


def _lines(*symptoms):
    return {f"test_symptom_is_traced_to_its_line[{symptom}]" for symptom in symptoms}


@wrong("04.bug_lines", *_lines("order of examples"), says="support labels")
def blames_the_count():
    """k_shot is innocent: it is the blocks that are wrong."""
    return {**LINES, "order of examples": 5}


@wrong("04.bug_lines", *_lines("never sure", "bent boundary"), says="multiplies out")
def distance_and_loss_swapped():
    """Takes the soft loss for the distance's fault, and the other way round."""
    return {**LINES, "bent boundary": 8, "never sure": 7}


@wrong("04.bug_lines", *_lines("influenced"), says="other queries")
def blames_the_embedding():
    """Line 2 embeds every scan alone."""
    return {**LINES, "influenced": 2}


@wrong("04.bug_lines", *_lines("above one"), says="divided by")
def nothing_found_for_one():
    """One symptom is left out."""
    return {symptom: line for symptom, line in LINES.items() if symptom != "above one"}


@wrong("04.bug_lines", *_lines(*SYMPTOMS), says="A line number was expected")
def lines_as_texts():
    """The numbers are texts."""
    return {symptom: str(line) for symptom, line in LINES.items()}


SPARED = {
    "unsquared": "distances not squared",
    "sorted": "labels assumed sorted",
    "classes": "sums divided by the number of classes",
    "statistics": "queries centred by their own mean",
    "cosine": "cosine in place of distance",
}


def _spared(*names):
    return {f"test_accepts_right_classifiers_and_rejects[{SPARED[name]}]" for name in names}


def _expected(features, labels, queries, n_way):
    return (-_squares(queries, _means(features, labels, n_way))).softmax(1)


def _case(labels=(0, 1, 0), queries=((1.5, 1.0), (1.0, 0.5))):
    features = torch.tensor([[0.0, 0.0], [2.0, 1.0], [2.0, 0.0]])
    return features, torch.tensor(labels), torch.tensor(queries), max(labels) + 1


@wrong("04.classifier_test", *_spared(*SPARED), says="passes your test")
def only_sums_to_one(classify):
    """Rows of probabilities sum to 1, whatever they are."""
    case = _case()
    assert torch.allclose(classify(*case).sum(1), torch.ones(len(case[2])))


@wrong("04.classifier_test", *_spared("unsquared"), says="passes your test")
def only_winners(classify):
    """Looks at the argmax of many queries: blind to the square."""
    generator = torch.Generator().manual_seed(0)
    features, queries = (torch.randn(n, 3, generator=generator) for n in (12, 40))
    labels = torch.randint(3, (12,), generator=generator)
    labels[:3] = torch.tensor([2, 1, 0])
    got = classify(features, labels, queries + 1, 3)
    assert torch.equal(got.argmax(1), _expected(features, labels, queries + 1, 3).argmax(1))


@wrong("04.classifier_test", *_spared("sorted"), says="labels assumed sorted")
def only_sorted_examples(classify):
    """Never gives labels in another order."""
    case = _case(labels=(0, 0, 1))
    assert torch.allclose(classify(*case), _expected(*case))


@wrong("04.classifier_test", *_spared("classes"), says="number of classes")
def as_many_shots_as_classes(classify):
    """Two shots of two classes: 1/N_C is 1/N_S."""
    features = torch.tensor([[0.0, 0.0], [2.0, 1.0], [2.0, 0.0], [3.0, 2.0]])
    labels, queries = torch.tensor([1, 0, 1, 0]), torch.tensor([[1.5, 1.0], [1.0, 0.5]])
    case = (features, labels, queries, 2)
    assert torch.allclose(classify(*case), _expected(*case))


@wrong("04.classifier_test", *_spared("statistics"), says="own mean")
def queries_around_the_support(classify):
    """The queries' mean is the support's."""
    features, labels, _, n_way = _case()
    queries = features.mean(0) + torch.tensor([[0.5, 1.0], [-0.5, -1.0]])
    case = (features, labels, queries, n_way)
    assert torch.allclose(classify(*case), _expected(*case))


@wrong("04.classifier_test", *_spared(*SPARED), says="rejects a right classifier")
def to_the_last_digit(classify):
    """Compares floating-point numbers with ==."""
    generator = torch.Generator().manual_seed(0)
    features, queries = (torch.randn(n, 5, generator=generator) for n in (9, 40))
    labels = torch.tensor([2, 0, 1] * 3)
    assert torch.equal(
        classify(features, labels, queries, 3), _expected(features, labels, queries, 3)
    )
