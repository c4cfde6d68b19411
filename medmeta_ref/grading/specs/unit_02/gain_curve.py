"""gain_curve(ours, rival, shots, episodes) -> shots -> (mean gain, half-width), paired."""

import math

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees

SETTINGS = (((1, 5), (0, 1, 2, 3, 4, 5)), ((2, 4, 16), (11, 7, 30, 2)))


def _tables(shots, episodes, generator):
    """Return two methods' accuracies, shots and episode -> number; half of the noise is shared."""
    shared = {e: torch.randn((), generator=generator).item() for e in episodes}
    return [
        {
            (k, e): 0.1 * j * k + shared[e] + torch.randn((), generator=generator).item()
            for k in shots
            for e in episodes
        }
        for j in (2, 1)
    ]


def _spread(values):
    """Return the mean and the standard deviation with n - 1, by sums."""
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))


def _answer(answer, shots):
    """Return the learner's dict as two tensors of numbers, or say what is wrong with it."""
    assert type(answer) is dict, f"A dict was expected, gain_curve returned {answer!r:.60}."
    missing = [k for k in shots if k not in answer]
    assert not missing, f"There is no entry for {missing[0]} shots. Each element of shots is a key."
    for k in shots:
        pair = answer[k]
        ok = type(pair) in (tuple, list) and len(pair) == 2
        ok = ok and all(type(v) in (int, float, torch.Tensor) for v in pair)
        assert ok, f"At {k} shots a pair (mean, half-width) was expected, got {pair!r:.60}."
    return [torch.tensor([float(answer[k][i]) for k in shots]).double() for i in (0, 1)]


@pytest.mark.points(8)
def test_is_the_paired_gain_with_its_interval(yours, generator):
    """Mean and 1.96 s / √n of the differences, episode by episode; for 2 and 3 numbers of shots."""
    for shots, episodes in SETTINGS:
        ours, rival = _tables(shots, episodes, generator)
        n = len(episodes)
        each = [[ours[k, e] - rival[k, e] for e in episodes] for k in shots]
        mean, s = (torch.tensor(v).double() for v in zip(*map(_spread, each), strict=True))
        apart = [
            math.hypot(*(_spread([table[k, e] for e in episodes])[1] for table in (ours, rival)))
            for k in shots
        ]
        got = _answer(
            yours(
                lambda k, e, ours=ours: ours[k, e],
                lambda k, e, rival=rival: rival[k, e],
                list(shots),
                list(episodes),
            ),
            shots,
        )
        assert_agrees(
            got[0],
            mean,
            mistakes={
                "The sign is reversed: a gain is ours minus the rival's.": -mean,
                "That is our accuracy itself; the rival's has to be subtracted.": torch.tensor(
                    [_spread([ours[k, e] for e in episodes])[0] for k in shots]
                ),
                "Pair and order: the mean comes first, the half-width second.": (
                    1.96 * s / math.sqrt(n)
                ),
            },
            look_at="The first of the two is the mean over episodes of ours minus the rival's.",
        )
        assert_agrees(
            got[1],
            1.96 * s / math.sqrt(n),
            mistakes={
                "You combined two separate intervals. Both methods saw the same episodes, so take "
                "the differences first, then one standard deviation.": (
                    1.96 * torch.tensor(apart) / math.sqrt(n)
                ),
                "n stands under the root of the variance; n - 1 belongs there.": (
                    1.96 * s * math.sqrt((n - 1) / n) / math.sqrt(n)
                ),
                "That is 1.96 s, the spread of single episodes; the √n is missing.": 1.96 * s,
                "That is one standard error; a 95 % interval has 1.96 of them.": s / math.sqrt(n),
                "That is the standard deviation of the differences.": s,
                "Divided by n instead of √n.": 1.96 * s / n,
            },
            look_at="The second of the two is 1.96 s / sqrt(n), s of the differences, with n - 1.",
        )


@pytest.mark.points(3)
def test_what_both_share_does_not_widen_the_interval(yours, generator):
    """Two methods that differ by 0.1 on every episode: the gain is 0.100 ± 0.000."""
    level = torch.rand(40, generator=generator, dtype=torch.float64).tolist()
    shots, episodes = (1, 5), list(range(40))
    got = _answer(
        yours(lambda k, e: level[e] + 0.1, lambda k, e: level[e], list(shots), episodes), shots
    )
    assert_agrees(
        torch.stack(got),
        torch.tensor([[0.1, 0.1], [0.0, 0.0]]),
        mistakes={},
        look_at="Easy and hard episodes are easy and hard for both. What they share has to cancel: "
        "subtract episode by episode before anything is averaged.",
    )


@pytest.mark.points(3)
def test_both_methods_answer_every_episode_once(yours):
    """Each method is asked once for every number of shots and every episode."""
    shots, episodes = (1, 2, 8), (5, 3, 9, 4)
    asked: dict[str, list[tuple[int, int]]] = {"ours": [], "rival": []}

    def method(name):
        def measure(k, episode):
            asked[name].append((k, episode))
            return len(asked[name]) * 0.01

        return measure

    _answer(yours(method("ours"), method("rival"), list(shots), list(episodes)), shots)
    wanted = sorted((k, e) for k in shots for e in episodes)
    for name, calls in asked.items():
        assert all(type(call) is tuple and len(call) == 2 for call in calls)
        odd = [call for call in calls if call not in wanted]
        assert not odd, (
            f"{name} was asked for (shots, episode) = {odd[0]}, which is not on the list. The "
            "numbers of the episodes are in `episodes`; they need not be 0, 1, 2, ..."
        )
        assert sorted(calls) == wanted, (
            f"{name} was asked {len(calls)} times; {len(wanted)} are needed, each number of shots "
            "with each episode once. Training twice costs twice."
        )
