"""The order of the course: what every unit is about, and which units it builds on.

Which units are there is for the folders to say (`units.course_units`); a unit that is not on this
map is shown all the same, by the name of its folder.
"""

from typing import NamedTuple


class Topic(NamedTuple):
    """What the map says about a unit.

    Attributes:
        title: a few words.
        needs: numbers of the units that it builds on directly.
    """

    title: str
    needs: tuple[str, ...] = ()


TOPICS = {
    "00": Topic("The way around"),
    "01": Topic("Episodes and leaks", ("00",)),
    "02": Topic("Families, challenges", ("01",)),
    "03": Topic("Distillation", ("00",)),
    "04": Topic("Prototypical networks", ("01",)),
    "05": Topic("Gradients of gradients", ("01",)),
    "06": Topic("MAML and FOMAML", ("01", "05")),
    "07": Topic("Reptile and ANIL", ("06",)),
    "08": Topic("MAML++", ("06",)),
    "09": Topic("Fusion: ensembles", ("00",)),
    "10": Topic("Fusion: several views", ("09",)),
    "11": Topic("Experience replay", ("01",)),
    "12": Topic("Robustness", ("04",)),
    "13": Topic("Medical cases", ("01", "03", "04", "06", "09")),
    "14": Topic("Small devices", ("03", "04")),
}


def everything_before(number: str) -> set[str]:
    """Return the numbers of all units that a unit builds on, directly or through others.

    >>> sorted(everything_before("07"))
    ['00', '01', '05', '06']
    """
    direct = TOPICS[number].needs if number in TOPICS else ()
    return set(direct).union(*(everything_before(need) for need in direct))
