"""Submissions that misbehave, each with the score that it deserves.

Every submission answers all exercises of unit 03 with the published solutions, but for the ones it
attacks with. So its fair score follows from one rule: the points of the exercises that it answers
honestly and does not spoil for itself. An attack on one exercise that harms another one of the same
student, or anybody else's, or that earns anything, is found by the same number.

The names in `ROWS` are attacks that other graders were tried with; all others are aimed at this
grader's design. In cells, COURSE stands for the course folder, CANARY for a file beside it, and
PORT for a port of this machine on which somebody listens.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from medmeta_ref.grading.spec_runner import exercises, max_points

UNIT = "03_distillation"
POINTS = {
    name.partition(".")[2]: max_points(name) for name in exercises() if name.startswith("03.")
}

ROWS = """
import_ref read_solutions read_hidden_tests edit_gradebook_manual gradebook_trigger
patch_assert_close patch_check patch_pytest patch_builtins always_equal eq_object blank_cells
ast_rewrite forge_result swallow_errors frame_walk gc_hunt mutate_inputs hard_coded nan random_guess
env_addopts atexit_score thread_left catch_all sys_exit os_exit os_exit_in_call kill_parent
infinite_loop infinite_uninterruptible memory_bomb fork_bomb disk_fill huge_stdout
huge_stdout_in_call huge_return delete_files read_others network xss_output side_effects
pickle_bomb proc_environ tmpfs_fill forge_frames patch_wire html_message exfil_inputs slow_drip
json_bomb cpu_threads points_metadata edit_test_cell delete_tests delete_all_cells unmark_grade
duplicate_cells skip_tag raw_cells reorder_tests_first wrong_kernel schema_old schema_new
shadow_module shadow_torch symlink invalid_json non_utf8 empty_file not_a_dict deep_json
huge_notebook many_cells missing_notebook xss_markdown otter_force_pass otter_pickle_rce
otter_frames
""".split()

Notebook = dict[str, Any]


class Hostile(NamedTuple):
    """One submission.

    Attributes:
        name: what to call it.
        tries: what it tries, in a sentence.
        earns: the exercises that it deserves the points of.
        answers: exercise -> the cell that stands in place of the published solution.
        alter: changes the notebook in place, or returns the bytes to hand in instead.
        place: puts the bytes into the student's folder in a way of its own.
        student: the name of the folder, if it is part of the attack.
        says: a piece of what the student has to be told, or "".
        waits: whether it lasts until a time limit.
    """

    name: str
    tries: str
    earns: frozenset[str]
    answers: dict[str, str]
    alter: Callable[[Notebook], bytes | None] | None = None
    place: Callable[[Path, bytes], None] | None = None
    student: str = ""
    says: str = ""
    waits: bool = False

    @property
    def fair(self) -> float:
        """The score it deserves."""
        return sum(POINTS[name] for name in self.earns)


HOSTILE: list[Hostile] = []


def code(
    name: str,
    tries: str,
    *,
    spoils: str = "",
    says: str = "",
    waits: bool = False,
    **answers: str,
) -> None:
    """Register an attack by answer cells.

    Args:
        name: what to call it.
        tries: what it tries, in a sentence.
        spoils: exercises, besides those in `answers`, that it breaks for itself; or "-name" for one
            in `answers` that it answers honestly all the same.
        says: a piece of what the student has to be told.
        waits: whether it lasts until a time limit.
        answers: exercise -> cell.
    """
    words = spoils.split()
    lost = (set(answers) | set(words)) - {word[1:] for word in words if word[0] == "-"}
    earns = frozenset(POINTS) - lost
    HOSTILE.append(Hostile(name, tries, earns, answers, says=says, waits=waits))


def file(name: str, tries: str, *, earns: str = "", says: str = "", **fields: Any) -> None:
    """Register an attack by the notebook's file, or by what lies beside it.

    Args:
        name: what to call it.
        tries: what it tries, in a sentence.
        earns: "all", or names of exercises.
        says: a piece of what the student has to be told.
        fields: others of `Hostile`.
    """
    deserved = frozenset(POINTS) if earns == "all" else frozenset(earns.split())
    fields = {"answers": {}, "says": says} | fields
    HOSTILE.append(Hostile(name, tries, deserved, **fields))


from tests.hostile import (  # noqa: E402 - they register their submissions
    callbacks,
    cheating,
    frames,
    names,
    notebooks,
    odd_answers,
    pages,
    reaching_out,
    using_up,
)

__all__ = [
    "callbacks", "cheating", "frames", "names", "notebooks", "odd_answers", "pages",
    "reaching_out", "using_up",
]  # fmt: skip
