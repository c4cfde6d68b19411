"""sampler_test(sample): the learner writes the test, and it is tested in turn."""

import pytest
import torch

from medmeta_ref.grading.trials import tried


def _made(labels, chosen, *, k_shot, n_query, generator, reuse=False, slots=None):
    """Return an episode of these classes."""
    support, query = [], []
    for label in chosen.tolist():
        pool = (labels == label).nonzero().flatten()
        pool = pool[torch.randperm(len(pool), generator=generator)]
        support.append(pool[:k_shot])
        if reuse:
            pool = pool[torch.randperm(len(pool), generator=generator)]
        query.append(pool[k_shot : k_shot + n_query])
    slots = torch.arange(len(chosen)) if slots is None else slots
    return (
        torch.cat(support),
        slots.repeat_interleave(k_shot),
        torch.cat(query),
        slots.repeat_interleave(n_query),
    )


def _chosen(labels, n_way, generator):
    classes = labels.unique()
    return classes[torch.randperm(len(classes), generator=generator)[:n_way]]


def right(labels, *, n_way, k_shot, n_query, seed):
    """Class after class."""
    g = torch.Generator().manual_seed(seed)
    return _made(labels, _chosen(labels, n_way, g), k_shot=k_shot, n_query=n_query, generator=g)


def right_in_mixed_order(labels, *, n_way, k_shot, n_query, seed):
    """The images of an episode in any order, labels along with them."""
    g = torch.Generator().manual_seed(seed)
    support, support_y, query, query_y = _made(
        labels, _chosen(labels, n_way, g), k_shot=k_shot, n_query=n_query, generator=g
    )
    one = torch.randperm(len(support), generator=g)
    two = torch.randperm(len(query), generator=g)
    return support[one], support_y[one], query[two], query_y[two]


def class_twice(labels, *, n_way, k_shot, n_query, seed):
    """Classes drawn with replacement."""
    g = torch.Generator().manual_seed(seed)
    classes = labels.unique()
    chosen = classes[torch.randint(len(classes), (n_way,), generator=g)]
    return _made(labels, chosen, k_shot=k_shot, n_query=n_query, generator=g)


def seen_queries(labels, *, n_way, k_shot, n_query, seed):
    """Queries drawn from all images of the class."""
    g = torch.Generator().manual_seed(seed)
    chosen = _chosen(labels, n_way, g)
    return _made(labels, chosen, k_shot=k_shot, n_query=n_query, generator=g, reuse=True)


def own_codes(labels, *, n_way, k_shot, n_query, seed):
    """Class codes in place of slots."""
    g = torch.Generator().manual_seed(seed)
    chosen = _chosen(labels, n_way, g)
    return _made(labels, chosen, k_shot=k_shot, n_query=n_query, generator=g, slots=chosen)


def sorted_slots(labels, *, n_way, k_shot, n_query, seed):
    """The smallest code is always slot 0."""
    g = torch.Generator().manual_seed(seed)
    chosen = _chosen(labels, n_way, g).sort().values
    return _made(labels, chosen, k_shot=k_shot, n_query=n_query, generator=g)


def other_query_slots(labels, *, n_way, k_shot, n_query, seed):
    """The queries' slots are not the support's."""
    support, support_y, query, query_y = right(
        labels, n_way=n_way, k_shot=k_shot, n_query=n_query, seed=seed
    )
    return support, support_y, query, n_way - 1 - query_y


WRONG = {
    "a class can be drawn twice": class_twice,
    "queries can be support images": seen_queries,
    "labels are the archive's codes": own_codes,
    "slots follow the order of the codes": sorted_slots,
    "query slots are not the support's": other_query_slots,
}


@pytest.mark.points(2)
@pytest.mark.parametrize("mistake", WRONG)
def test_accepts_right_samplers_and_rejects(yours, mistake, generator):
    """Your test accepts two right samplers and rejects one where {mistake}."""
    trial = tried(yours, [right, right_in_mixed_order], WRONG, generator)
    assert trial.accepts_the_right(), (
        "Your test rejects a right sampler. Nothing is said about the order of the images "
        "within an episode, nor about which episode belongs to which seed."
    )
    assert trial.rejects(mistake), (
        f"A sampler where {mistake} passes your test. One episode may be right by luck: look at "
        "many, and at what only many together show."
    )
