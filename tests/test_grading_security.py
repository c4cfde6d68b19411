"""What lessons/GRADING_SECURITY.md says of the sandbox is so."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from medmeta_ref.grading.learner import LearnerError
from medmeta_ref.grading.sandbox import confine, seccomp, wire
from medmeta_ref.grading.sandbox.confine import Limits
from medmeta_ref.grading.sandbox.grade import Sandbox
from medmeta_ref.grading.submission_files import MAX_BYTES
from tests.sandboxed import BACKENDS, ROOT, run

TEXT = " ".join((ROOT / "lessons" / "GRADING_SECURITY.md").read_text(encoding="utf-8").split())


def test_the_numbers_are_those_of_the_code():
    limits = Limits()
    assert f"`/tmp` of {limits.tmpfs_mib} MiB" in TEXT
    assert f"{limits.memory_mib // 1024} GiB on top of" in TEXT
    assert f"{limits.call_seconds:g} seconds a call" in TEXT
    assert f"{limits.cpu_seconds} seconds of computing a process" in TEXT
    assert f"{limits.submission_seconds:g} seconds a submission" in TEXT
    assert f"tensors of up to {wire.MAX_TENSORS >> 20} MiB" in TEXT
    assert f"files above {MAX_BYTES >> 20} MiB" in TEXT


def test_as_many_ways_out_are_tried_as_it_says():
    tree = ast.parse(inspect.getsource(confine.self_test))
    [attempts] = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    assert len(attempts.keys) == 9
    assert "tries nine ways out" in TEXT


def test_no_call_that_it_says_is_refused_is_in_the_list():
    refused = {"socket", "connect", "fork", "vfork", "clone", "clone3", "execve", "execveat"}
    refused |= {"kill", "tkill", "tgkill", "ptrace", "mount", "unshare", "setns", "pidfd_open"}
    assert refused.isdisjoint(seccomp._ALLOWED)


@pytest.fixture(scope="module", params=BACKENDS)
def sandbox(request):
    with Sandbox(request.param) as made:
        yield made


def test_files_do_not_exist_in_bubblewrap_and_cannot_be_opened_with_landlock(sandbox):
    """With Landlock alone a path can be asked about, as item 5 says; never opened."""
    path = Path(confine.__file__)
    asked = f"import os\ndef f():\n    return os.stat({str(path)!r}).st_size\n"
    opened = f"def f():\n    return open({str(path)!r}).read()\n"
    with pytest.raises(LearnerError, match=r"FileNotFoundError|PermissionError"):
        run(opened, sandbox)
    if sandbox.name == "landlock":
        assert run(asked, sandbox) == path.stat().st_size
    else:
        with pytest.raises(LearnerError, match="FileNotFoundError"):
            run(asked, sandbox)


def test_where_it_can_write_is_as_said(sandbox):
    source = "def f(folder):\n    open(folder + '/x', 'w').write('y')\n    return 1\n"
    if sandbox.name == "bubblewrap":
        assert run(source, sandbox, "/tmp") == 1
    else:
        with pytest.raises(LearnerError, match="PermissionError"):
            run(source, sandbox, "/tmp")
    with pytest.raises(LearnerError, match=r"OSError|PermissionError|FileNotFoundError"):
        run(source, sandbox, "/")


def test_environment_is_empty(sandbox):
    assert run("import os\ndef f():\n    return dict(os.environ)\n", sandbox) == {}


def test_every_file_and_option_it_names_is_there():
    for name in re.findall(r"`((?:medmeta_ref|solutions)/[\w/.]*)`", TEXT):
        assert (ROOT / name).exists(), name
