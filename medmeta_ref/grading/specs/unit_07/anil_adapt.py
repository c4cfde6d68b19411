"""anil_adapt(loss, params, support_x, support_y, *, inner_lr, inner_steps, head)."""

import pytest
import torch

from medmeta_ref.grading.agreement import assert_agrees
from medmeta_ref.grading.sandbox.adapters import Fn
from medmeta_ref.grading.specs.unit_07 import _oracle

LR = 0.2
BOWL = Fn("bowl_of_all")
HEAD = "head"
# The registry's bowl reads the parameters in the order of their sorted names. "header" begins with
# "head" and does not belong to it.
SIZES = (
    {"body.weight": (2,), "head.bias": (1,), "head.weight": (2,)},
    {"body.bias": (1,), "body.weight": (1, 2), "head.weight": (2,), "header.scale": (1,)},
)


def _problem(sizes, generator):
    """Return parameters, the same as one vector, the moving directions, two bowls of them all."""
    params = {name: _oracle.draw(*shape, generator=generator) for name, shape in sizes.items()}
    theta = torch.cat([p.flatten() for p in params.values()])
    moves = torch.cat(
        [torch.full((p.numel(),), float(_of_the_head(n))).double() for n, p in params.items()]
    )
    bowls = [_oracle.long_bowl(len(theta), generator=generator) for _ in range(2)]
    return params, theta, moves, *bowls


def _of_the_head(name):
    return name.startswith(f"{HEAD}.")


def _parts(vector, params):
    """Return a vector over all parameters as a dict like `params`."""
    pieces = vector.split([p.numel() for p in params.values()])
    return {n: piece.view(p.shape) for (n, p), piece in zip(params.items(), pieces, strict=True)}


def _all_agree(got, wanted, mistakes, look_at, what):
    got = _oracle.tensors_named(got, wanted, what)
    for name in wanted:
        assert got[name] is not None, (
            f"No gradient gets back to {name!r}: look for .detach(), .data or torch.no_grad(). "
            "ANIL freezes the body in the *inner* loop only; the outer gradient trains it."
        )
        assert_agrees(
            got[name],
            wanted[name],
            mistakes={sentence: each[name] for sentence, each in mistakes.items()},
            look_at=look_at.format(name=name),
        )


def _ends(params, theta, moves, bowl, k):
    """Return the right end, and the ends that well-known mistakes arrive at."""

    def end(directions, rate=LR, steps=k):
        how = {"inner_lr": rate, "inner_steps": steps}
        return _parts(_oracle.head_steps(theta, bowl, directions, **how)[0], params)

    by_prefix = torch.cat(
        [torch.full((p.numel(),), float(n.startswith(HEAD))).double() for n, p in params.items()]
    )
    slope = moves * (bowl.curvature @ (theta - bowl.centre))
    mistakes = {
        "All parameters adapt: that is MAML's inner loop. Only those of the head may.": end(
            torch.ones_like(moves)
        ),
        "The body adapts and the head does not: it should be the other way round.": end(1 - moves),
        '"header.scale" is not of the module "head": its parameters are named "head." and '
        "something.": end(by_prefix),
        "That is the right result of one step; inner_steps of them were asked for.": end(
            moves, steps=1
        ),
        "Every step uses the gradient at the start. Take it where the last step ended.": _parts(
            theta - k * LR * slope, params
        ),
        "The sign is reversed: that climbs the loss.": end(moves, rate=-LR),
        "The head did not move.": params,
    }
    return end(moves), mistakes


@pytest.mark.points(7)
def test_head_takes_the_steps_and_nothing_else_moves(yours, generator):
    """3, 1 and 0 steps, by the closed form: body as it was, head where the steps lead."""
    for sizes in SIZES:
        params, theta, moves, bowl, _ = _problem(sizes, generator)
        for k in (3, 1, 0):
            [got] = yours.through(
                "on_leaves", BOWL, params, *bowl, inner_lr=LR, inner_steps=k, head=HEAD
            )
            wanted, mistakes = _ends(params, theta, moves, bowl, k)
            look_at = f"This is {{name!r}} after inner_steps={k} with head={HEAD!r}."
            _all_agree(got, wanted, mistakes, look_at, "anil_adapt(...)")


@pytest.mark.points(6)
def test_outer_gradient_reaches_body_and_head(yours, generator):
    """The gradient of a query bowl after the steps, in all parameters, by the closed form."""
    for sizes, k in zip(SIZES, (1, 3), strict=True):
        params, theta, moves, bowl, query = _problem(sizes, generator)
        _, got = yours.through(
            "meta_gradient",
            params,
            *bowl,
            before=(BOWL,),
            outer=Fn("quadratic_of_all", tuple(query)),
            inner_lr=LR,
            inner_steps=k,
            head=HEAD,
        )

        def gradient(directions, problem=(theta, bowl, query), steps=k, order=2):
            start, support, judge = problem
            end, power = _oracle.head_steps(
                start, support, directions, inner_lr=LR, inner_steps=steps
            )
            slope = judge.curvature @ (end - judge.centre)
            return power.T @ slope if order == 2 else slope

        mistakes = {
            "This is the first-order gradient: torch.autograd.grad forgets how it got its result "
            "unless create_graph=True.": gradient(moves, order=1),
            "This is MAML's gradient: all parameters have adapted.": gradient(
                torch.ones_like(moves)
            ),
            "This is the gradient before any step.": gradient(moves, steps=0),
            "This is the gradient for one step, not for inner_steps.": gradient(moves, steps=1),
        }
        _all_agree(
            got,
            _parts(gradient(moves), params),
            {sentence: _parts(value, params) for sentence, value in mistakes.items()},
            f"This is the outer gradient in {{name!r}}, inner_steps={k}. If the ends are right, "
            "look at what connects them with `params`.",
            "The gradient",
        )


@pytest.mark.points(2)
def test_a_second_call_finds_everything_unchanged(yours, generator):
    """The same call twice, on the same objects, gives the right result twice."""
    params, theta, moves, bowl, _ = _problem(SIZES[0], generator)
    wanted, _ = _ends(params, theta, moves, bowl, 2)
    again = _ends(params, theta, moves, bowl, 4)[0]
    calls = yours.through(
        "on_leaves", BOWL, params, *bowl, inner_lr=LR, inner_steps=2, head=HEAD, times=2
    )
    for got in calls:
        _all_agree(
            got,
            wanted,
            {
                "The second call began where the first had ended: your function changes `params` "
                "in place. Make new tensors and a new dict.": again
            },
            "This is {name!r}. Mend the checks above first.",
            "anil_adapt(...)",
        )
