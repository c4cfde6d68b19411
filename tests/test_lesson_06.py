"""Lesson 06 on real images says what its text says."""

import re

import pytest

from tests.executed import in_full, mean_of

pytestmark = [pytest.mark.slow, pytest.mark.full]


@pytest.fixture(scope="module")
def lesson():
    """Return what a full run on official images prints, and the words of its figures."""
    return in_full("06_maml", "bloodmnist")


def test_it_starts_from_the_two_bowls_worked_out_on_paper(lesson):
    text, _ = lesson
    assert "joint training: start 0.90, loss after one step 0.164" in text
    assert "MAML: start 0.10, loss after one step 0.020" in text
    assert re.search(r"FOMAML +rests at 0.50, loss after one step 0.056", text)


def test_it_shows_curves_that_only_a_meta_trained_start_fits(lesson):
    _, alts = lesson
    (words,) = (alt for alt in alts if alt.startswith("Query error against adaptation steps"))
    maml, fomaml, joint = (mean_of(name, words) for name in ("MAML", "FOMAML", "joint training"))
    assert maml < 0.5 * joint
    assert fomaml < 0.5 * joint


def test_it_shows_that_query_statistics_carry_the_answer(lesson):
    text, alts = lesson
    assert "BloodMNIST (official file, MD5 verified)" in text
    (words,) = (alt for alt in alts if alt.startswith("The same weights, three ways"))
    mixed, alone, support = (
        mean_of(f"MAML, {mode}", words) for mode in ("transductive", "one class", "support")
    )
    assert alone < 0.5 < support
    assert abs(mixed - support) < 0.05


def test_it_counts_a_graph_to_which_fomaml_adds_one_subtraction_a_parameter(lesson):
    _, alts = lesson
    (words,) = (alt for alt in alts if alt.startswith("Operations in the graph"))
    sizes = {
        name: (int(a), int(b)) for name, a, b in re.findall(r"(\w+) (\d+) to (\d+)", words[40:])
    }
    assert sizes["MAML"][1] > 3 * sizes["MAML"][0]
    assert sizes["FOMAML"][1] - sizes["FOMAML"][0] == (8 - 1) * 14  # steps, parameters of conv4
