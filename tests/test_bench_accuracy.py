"""Training by one design or another ends in the same place, if they compute the same."""

import pytest
import torch

from medmeta_ref.bench import accuracy as bench
from medmeta_ref.bench import designs, plain_loop
from medmeta_ref.bench.accuracy_report import reading, records, table
from medmeta_ref.bench.workload import Setting
from medmeta_ref.metrics import Interval

# float64: what is left of rounding after a few steps is far below any difference of method.
SETTING = Setting(8, 2, 2, threads=1, dtype="float64", n_way=3, n_query=4, inner_steps=2)
BUDGET = bench.Budget(n_steps=4, n_episodes=6, outer_lr=0.01, setting=SETTING)


def compared(family, **changes):
    how = {"budget": BUDGET, "n_seeds": 2, "errors": {}} | changes
    return bench.compare("synthetic-blood", family, [designs.PLAIN], **how)


@pytest.mark.parametrize("family", list(bench.LEARNERS))
def test_the_plain_loop_ends_where_we_do(family):
    found = compared(family)
    assert found.ours.shape == (2, 6)
    assert torch.equal(found.ours, found.peers[designs.PLAIN])
    assert found.gain(designs.PLAIN) == Interval(0.0, 0.0)


def test_a_peer_that_computes_something_else_ends_elsewhere(monkeypatch):
    other = designs.FAMILIES["maml"]._replace(plain=lambda work: negated(plain_loop.maml(work)))
    monkeypatch.setitem(designs.FAMILIES, "maml", other)
    found = compared("maml")
    assert not torch.equal(found.ours, found.peers[designs.PLAIN])


def negated(design):
    return lambda: [-g for g in design()]


def test_training_teaches_something():
    long = BUDGET._replace(n_steps=40, n_episodes=40, outer_lr=0.02)
    short = BUDGET._replace(n_steps=1, n_episodes=40, outer_lr=1e-9)
    trained, untrained = (compared("prototypical", budget=b) for b in (long, short))
    assert trained.ours.mean() > untrained.ours.mean() + 0.05


def test_a_peer_that_cannot_be_used_is_named_once_and_left_out(monkeypatch):
    errors = {}
    monkeypatch.setattr(bench.designs, "load_peer", lambda name: no_peer)
    found = bench.compare(
        "synthetic-blood", "maml", ["learn2learn"], budget=BUDGET, n_seeds=2, errors=errors
    )
    assert errors == {"learn2learn": "no such library"}
    assert found.peers == {}


class no_peer:
    module, error = None, "no such library"


def test_unknown_family_names_those_there_are():
    with pytest.raises(ValueError, match="no family 'reptile' to train; there are maml, proto"):
        compared("reptile")


def test_reading_says_what_the_interval_allows():
    assert reading(Interval(0.02, 0.01)) == "ours is better"
    assert reading(Interval(-0.02, 0.01)) == "the peer is better"
    assert reading(Interval(0.02, 0.03)) == "no difference seen"


def test_reports_hold_every_comparison():
    found = [compared("prototypical", n_seeds=2)]
    [record] = records(found, BUDGET)
    assert record["ours"] == found[0].ours.mean(1).tolist()
    assert record["peer"] == designs.PLAIN
    assert table(found, BUDGET).row_count == 1
