"""Which designs compete in which family, ours and each peer's."""

from collections.abc import Callable
from typing import Any, NamedTuple

from medmeta_ref.bench import (
    easyfsl_peer,
    higher_peer,
    learn2learn_peer,
    ours,
    plain_loop,
    torchopt_peer,
)
from medmeta_ref.bench.peers import load_peer
from medmeta_ref.bench.workload import Design, Setting, Workload, make_workload

OURS = "ours"
LOW_MEMORY = "ours, memory=low"
PLAIN = "plain loop"


class Family(NamedTuple):
    """One method and everybody who has it.

    Attributes:
        ours: variant -> our design; the first is the one that is compared.
        plain: the plain loop.
        peers: library -> design that takes the imported library first.
        differs: library -> in what it computes something else, if it does.
        head: whether the network has a linear head.
    """

    ours: dict[str, Callable[[Workload], Design]]
    plain: Callable[[Workload], Design]
    peers: dict[str, Callable[[Any, Workload], Design]]
    differs: dict[str, str] = {}  # noqa: RUF012 - never changed
    head: bool = True


FAMILIES = {
    "maml": Family(
        {OURS: ours.maml, LOW_MEMORY: ours.maml_low_memory},
        plain_loop.maml,
        {
            "learn2learn": learn2learn_peer.maml,
            "higher": higher_peer.maml,
            "torchopt": torchopt_peer.maml,
        },
    ),
    "fomaml": Family(
        {OURS: ours.fomaml},
        plain_loop.fomaml,
        {"learn2learn": learn2learn_peer.fomaml, "higher": higher_peer.fomaml},
    ),
    "reptile": Family(
        {OURS: ours.reptile}, plain_loop.reptile, {"learn2learn": learn2learn_peer.reptile}
    ),
    "anil": Family({OURS: ours.anil}, plain_loop.anil, {"learn2learn": learn2learn_peer.anil}),
    "prototypical": Family(
        {OURS: ours.prototypical},
        plain_loop.prototypical,
        {"learn2learn": learn2learn_peer.prototypical, "easyfsl": easyfsl_peer.prototypical},
        differs={"easyfsl": easyfsl_peer.DIFFERS},
        head=False,
    ),
}


def names(family: str) -> list[str]:
    """Return the names of all designs of a family: ours, the plain loop, the libraries."""
    return [*FAMILIES[family].ours, PLAIN, *FAMILIES[family].peers]


def prepare(family: str, name: str, setting: Setting) -> Design:
    """Return one design on a workload of its own.

    Raises:
        RuntimeError: if its library cannot be used.
    """
    return build(family, name, make_workload(setting, head=FAMILIES[family].head))


def build(family: str, name: str, work: Workload) -> Design:
    """Return one design on a workload.

    Raises:
        RuntimeError: if its library cannot be used.
    """
    members = FAMILIES[family]
    if name in members.ours:
        return members.ours[name](work)
    if name == PLAIN:
        return members.plain(work)
    peer = load_peer(name)
    if peer.module is None:
        raise RuntimeError(peer.error)
    return members.peers[name](peer.module, work)
