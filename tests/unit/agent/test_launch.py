import errno
import os
import signal
import time
from pathlib import Path

import pytest

from cloche.agent.launch import clear_stale, close_inherited, keep_from_children, launch


def run(*command: str, env: dict[str, str] | None = None) -> tuple[bytes, int]:
    started = launch(command[0], command[1:], env or {}, time.monotonic())
    assert started.error == ""
    os.set_blocking(started.output_fd, True)
    with open(started.output_fd, "rb") as output:
        text = output.read()
    return text, os.waitstatus_to_exitcode(os.waitpid(started.pid, 0)[1])


def test_a_child_gets_its_environment_null_input_and_one_pipe_for_both_outputs() -> None:
    text, code = run("/bin/sh", "-c", "cat; echo $A; echo err >&2; exit 5", env={"A": "b"})
    assert (text, code) == (b"b\nerr\n", 5)


def test_a_child_inherits_no_ignored_signal() -> None:
    assert signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN  # as Python itself sets it
    text, _ = run("/bin/sh", "-c", "grep SigIgn /proc/self/status")
    assert int(text.split()[1], 16) & (1 << (signal.SIGPIPE - 1)) == 0


def test_what_was_inherited_is_closed_or_kept_from_children() -> None:
    pid = os.fork()
    if pid == 0:  # in a process of its own: this closes everything
        left, kept = os.dup2(0, 200, inheritable=True), os.dup2(0, 201, inheritable=True)
        close_inherited(keep=[kept])
        is_left = os.path.exists(f"/proc/self/fd/{left}")
        os._exit(0 if not is_left and not os.get_inheritable(kept) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.parametrize(("name", "error"), [("nowhere", "ENOENT"), ("file", "EACCES"), ("text", "ENOEXEC")])
def test_what_cannot_be_executed_is_an_error_and_leaves_nothing_open(tmp_path: Path, name: str, error: str) -> None:
    (tmp_path / "file").touch(0o644)
    (tmp_path / "text").touch(0o755)
    before = os.listdir("/proc/self/fd")
    assert launch(str(tmp_path / name), (), {}, 0.0).error == error
    assert os.listdir("/proc/self/fd") == before


def test_arguments_of_a_wrong_type_leave_nothing_open() -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(TypeError):
        launch("/bin/true", [1], {}, 0.0)  # type: ignore[list-item]
    with pytest.raises(ValueError, match="null"):
        launch("/bin/true", ["\0"], {}, 0.0)
    assert os.listdir("/proc/self/fd") == before


def test_only_what_is_stale_is_removed(tmp_path: Path) -> None:
    (tmp_path / "DevToolsActivePort").write_text("1\n")
    (tmp_path / "SingletonLock").symlink_to("host-1")
    (tmp_path / "Cookies").write_text("kept")
    clear_stale(str(tmp_path))
    clear_stale(str(tmp_path / "not there"))
    assert [path.name for path in tmp_path.iterdir()] == ["Cookies"]


def test_what_stays_open_is_kept_from_children() -> None:
    pid = os.fork()
    if pid == 0:
        left = os.dup2(0, 200, inheritable=True)
        keep_from_children()
        os._exit(0 if os.path.exists(f"/proc/self/fd/{left}") and not os.get_inheritable(left) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_without_descriptors_a_start_fails_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> tuple[int, int]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "pipe2", none_left)
    started = launch("/bin/true", (), {}, time.monotonic())
    assert (started.pid, started.error) == (-1, "EMFILE")
