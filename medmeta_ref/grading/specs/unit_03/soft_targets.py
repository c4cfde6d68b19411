"""soft_targets(logits, *, temperature): probabilities at a temperature."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.specs.unit_03 import _oracle


@pytest.mark.points(5)
def test_is_the_softmax_of_the_logits_over_the_temperature(yours, generator):
    """Every row is softmax(logits / T), for two shapes and temperatures."""
    for shape, temperature in (((5, 3), 4.0), ((2, 8), 0.5)):
        logits = _oracle.logits(*shape, generator=generator)
        assert_agrees(
            yours(logits, temperature=temperature),
            _oracle.soft_targets(logits, temperature),
            mistakes={
                "The temperature makes no difference in your function.": logits.softmax(1),
                "You multiply by the temperature; divide by it.": (logits * temperature).softmax(1),
                "Your columns sum to 1; the rows should: check dim.": (
                    (logits / temperature).softmax(0)
                ),
                "You divide the probabilities instead of the logits.": logits.softmax(1)
                / temperature,
                "These are log-probabilities; probabilities were asked for.": (
                    (logits / temperature).log_softmax(1)
                ),
            },
            look_at="Work one row out on paper: exp(z / T) over the sum of exp(z / T).",
        )


@pytest.mark.points(3)
def test_large_logits_stay_finite(yours, generator):
    """Logits of ten thousand give probabilities, not nan."""
    logits = torch.tensor([[1e4, 0.0, 0.0, -1e4, -1e4], [1e4, 1e4, 0.0, -1e4, -1e4]])
    # In an order drawn at random, so that nobody can know the answer in advance.
    logits = logits[:, torch.randperm(5, generator=generator)].double()
    assert_agrees(
        yours(logits, temperature=2.0),
        _oracle.soft_targets(logits, 2.0),
        mistakes={},
        look_at="exp(10000) overflows. Subtract the largest logit of each row first, or let "
        "torch.softmax do it.",
    )
