"""Have an executor grade many submissions, each once, whatever becomes of a worker."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import AbstractContextManager

from medmeta_ref.grading.executors import Crew
from medmeta_ref.grading.grade_one import GradingTask, grade_one
from medmeta_ref.grading.spec_runner import SpecError
from medmeta_ref.grading.stored_result import StoredResult

# How often the processes are started anew before the run is given up. A submission cannot end its
# grader, which is outside the sandbox; a machine that runs out of memory can.
MAX_RESTARTS = 2


class BatchError(Exception):
    """The workers keep ending; the message says what to do. What is graded is graded."""


Outcome = tuple[GradingTask, StoredResult | SpecError]


def grade_all(
    tasks: Iterable[GradingTask], start: Callable[[], AbstractContextManager[Crew]]
) -> Iterator[Outcome]:
    """Yield every task with its result, in the order in which they get ready.

    Tasks are taken from the iterable only when somebody is free to work on them, so it may be
    long, and making one may take time. A broken check takes the place of a result.

    Args:
        tasks: what to grade.
        start: starts the executor; called again if its processes have ended.

    Raises:
        SandboxError: if a sandbox does not start, or fails.
        BatchError: if processes keep ending.
    """
    waiting, source = deque[GradingTask](), iter(tasks)
    lost: Counter[str] = Counter()
    for _ in range(1 + MAX_RESTARTS):
        with start() as crew:
            flying: dict[Future[StoredResult], GradingTask] = {}
            broken = False
            while not broken:
                while len(flying) < crew.ahead and not broken:
                    task = waiting.popleft() if waiting else next(source, None)
                    if task is None:
                        break
                    try:
                        flying[crew.executor.submit(grade_one, task)] = task
                    except BrokenExecutor:
                        waiting.append(task)
                        broken = True
                if not flying and not broken:
                    return
                for future in wait(flying, return_when=FIRST_COMPLETED).done:
                    task = flying.pop(future)
                    try:
                        outcome: StoredResult | SpecError = future.result()
                    except SpecError as error:
                        outcome = error
                    except BrokenExecutor:
                        waiting.append(task)
                        broken = True
                        continue
                    yield task, outcome
            waiting.extend(flying.values())
            lost.update(task.student for task in waiting)
    often = ", ".join(student for student, _ in lost.most_common(3))
    raise BatchError(
        f"the processes that grade ended {1 + MAX_RESTARTS} times, last while grading {often}; "
        "is there enough memory? Run it again with fewer --jobs: what is graded is kept"
    )
