"""The convolutions' work, judged by PyTorch's own counter and by counting multiplications."""

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from medmeta_ref.bench import floor
from medmeta_ref.bench.floor import convolution_peak, maml_flops
from medmeta_ref.bench.plain_network import PlainConvNet
from medmeta_ref.bench.workload import Setting

SETTING = Setting(width=8, k_shot=2, n_tasks=3, threads=1)


def counted_first_order(setting):
    """Return what PyTorch counts for convolutions forward and backward on the query images."""
    net = PlainConvNet(3, setting.width, n_outputs=setting.n_way)
    x = torch.zeros(setting.n_way * setting.n_query, 3, 28, 28)
    with FlopCounterMode(display=False) as counter:
        net(x).sum().backward()
    counts = counter.get_flop_counts()["Global"]
    return setting.n_tasks * sum(n for op, n in counts.items() if "convolution" in str(op))


def products_of_a_step(width, n_images):
    """Return the flops of the second-order step, by walking over the bilinear maps.

    A convolution is one bilinear map y = B(x, w); a backward pass calls one for each argument that
    wants a gradient. The three first-order maps of a layer take (x, w), (g, w) and (x, g).
    """
    total = 0
    for block in range(4):
        n_in, side = (width, 28 // 2**block) if block else (3, 28)
        wants = {"x": block > 0, "w": True, "g": True}
        maps = [("x", "w"), *([("g", "w")] if wants["x"] else []), ("x", "g")]
        calls = len(maps) + sum(wants[argument] for pair in maps for argument in pair)
        total += calls * n_images * 2 * 9 * n_in * width * side**2
    return total


def check(flops):
    no_steps = SETTING._replace(inner_steps=0)
    assert flops(no_steps) == counted_first_order(no_steps)
    for width, k_shot in product((8, 32), (1, 5)):
        one = Setting(width=width, k_shot=k_shot, n_tasks=1, threads=1, inner_steps=1)
        step = flops(one) - flops(one._replace(inner_steps=0))
        assert step == products_of_a_step(width, 5 * k_shot)
        assert flops(one._replace(inner_steps=7)) - flops(one._replace(inner_steps=5)) == 2 * step
        assert flops(one._replace(n_tasks=16)) == 16 * flops(one)


def test_the_needed_work_is_what_is_counted():
    check(maml_flops)


def with_constants(**constants):
    def flops(setting):
        before = {name: getattr(floor, name) for name in constants}
        try:
            for name, value in constants.items():
                setattr(floor, name, value)
            return maml_flops(setting)
        finally:
            for name, value in before.items():
                setattr(floor, name, value)

    return flops


WRONG = {
    "with the images' gradient": with_constants(FIRST_ORDER_FIRST_LAYER=3),
    "the first layer like the others": with_constants(SECOND_ORDER_FIRST_LAYER=9),
    "twice for the second order": with_constants(SECOND_ORDER=6),
    "multiplications only": lambda setting: maml_flops(setting) // 2,
    "without queries": lambda setting: maml_flops(setting._replace(n_query=0)),
    "one task": lambda setting: maml_flops(setting._replace(n_tasks=1)),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_other_counts_are_told(wrong):
    with pytest.raises(AssertionError):
        check(wrong)


def test_the_peak_is_the_most_work_in_a_second(monkeypatch):
    """With a clock that ticks once per look, the largest convolution sets the peak."""
    shapes = []
    monkeypatch.setattr(F, "conv2d", lambda x, w, padding: shapes.append((x.shape, w.shape)))
    ticks = iter(range(10**6))
    threads = torch.get_num_threads()
    peak = convolution_peak(threads=1, clock=lambda: float(next(ticks)))
    work = [2 * x.numel() * 9 * w[0] for x, w in shapes]
    assert peak == 5 * max(work)
    assert torch.get_num_threads() == threads
