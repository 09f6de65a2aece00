import errno
import os
import signal
import struct
import termios
from collections.abc import Mapping
from fcntl import ioctl
from pathlib import Path

import pytest

from cloche.agent.start import (
    Started,
    WrongDirectoryError,
    find_program,
    set_window,
    start_on_pipes,
    start_on_terminal,
)

ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "MARK": "exactly this"}


def finish(started: Started) -> tuple[bytes, ...]:
    """Read each output to its end, then reap; every descriptor is closed."""
    for fd in (started.stdin, started.pidfd):
        os.close(fd)
    pid_status = os.waitpid(started.pid, 0)[1]
    if started.terminal >= 0:
        os.close(started.terminal)
    texts = tuple(map(read_all, started.outputs))
    assert os.waitstatus_to_exitcode(pid_status) == 0
    return texts


def read_all(fd: int) -> bytes:
    """A terminal has no end but an error (EIO) once nobody has it open."""
    os.set_blocking(fd, True)
    text = b""
    try:
        while data := os.read(fd, 4096):
            text += data
    except OSError as error:
        assert error.errno == errno.EIO
    finally:
        os.close(fd)
    return text


def shell(text: str, directory: str = "", env: Mapping[str, str] = ENV) -> tuple[bytes, ...]:
    return finish(start_on_pipes(("/bin/sh", "-c", text), env, directory))


def test_it_has_a_session_of_its_own_three_pipes_and_exactly_the_environment() -> None:
    started = start_on_pipes(("/bin/sh", "-c", "cut -d' ' -f1,5,6 /proc/$$/stat; env -u PWD -u _ -u SHLVL >&2"), ENV)
    stdout, stderr = finish(started)
    assert stdout.split() == [b"%d" % started.pid] * 3
    assert sorted(stderr.decode().splitlines()) == sorted(f"{key}={value}" for key, value in ENV.items())


def test_it_stands_in_the_directory_and_we_stay_where_we_are(tmp_path: Path) -> None:
    before = os.getcwd()
    assert shell("pwd", str(tmp_path))[0] == f"{tmp_path}\n".encode()
    assert os.getcwd() == before


def test_a_name_with_a_slash_counts_from_the_directory(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho here\n")
    tool.chmod(0o755)
    assert finish(start_on_pipes(("./tool",), ENV, str(tmp_path))) == (b"here\n", b"")


@pytest.mark.parametrize(
    ("directory", "number"),
    [("nowhere", errno.ENOENT), ("file", errno.ENOTDIR), ("x" * 300, errno.ENAMETOOLONG), ("loop", errno.ELOOP)],
)
def test_a_directory_that_cannot_be_entered_is_told_apart_from_the_program(
    tmp_path: Path, directory: str, number: int
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    before = os.getcwd(), len(os.listdir("/proc/self/fd"))
    with pytest.raises(WrongDirectoryError) as refusal:
        start_on_pipes(("/bin/true",), ENV, str(tmp_path / directory))
    assert refusal.value.errno == number
    assert before == (os.getcwd(), len(os.listdir("/proc/self/fd")))


@pytest.mark.parametrize("on_terminal", [False, True])
@pytest.mark.parametrize(
    ("name", "number"), [("nowhere", errno.ENOENT), ("file", errno.EACCES), ("text", errno.ENOEXEC)]
)
def test_what_cannot_be_executed_is_an_error_and_leaves_nothing(
    tmp_path: Path, name: str, number: int, on_terminal: bool
) -> None:
    (tmp_path / "file").touch(0o644)
    (tmp_path / "text").touch(0o755)
    before = os.getcwd(), len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError) as refusal:
        if on_terminal:
            start_on_terminal((f"./{name}",), ENV, str(tmp_path), rows=1, columns=1)
        else:
            start_on_pipes((f"./{name}",), ENV, str(tmp_path))
    assert refusal.value.errno == number
    assert not isinstance(refusal.value, WrongDirectoryError)
    assert before == (os.getcwd(), len(os.listdir("/proc/self/fd")))


def test_when_there_is_no_descriptor_left_for_it_nothing_runs_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_pid: int) -> int:
        raise OSError(errno.EMFILE, "none left")

    monkeypatch.setattr(os, "pidfd_open", none_left)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="none left"):
        start_on_pipes(("/bin/sleep", "60"), ENV)
    assert len(os.listdir("/proc/self/fd")) == before


def test_on_a_terminal_it_is_the_controlling_one_of_the_size_that_was_asked_for() -> None:
    command = "tty; stty size; echo by name >/dev/tty; cut -d' ' -f1,8 /proc/$$/stat"
    started = start_on_terminal(("/bin/sh", "-c", command), ENV, rows=33, columns=65535)
    name = os.ttyname(started.terminal)
    (text,) = finish(started)
    assert text.decode().splitlines() == [name, "33 65535", "by name", f"{started.pid} {started.pid}"]


def test_a_terminal_that_is_resized_tells_its_program() -> None:
    started = start_on_terminal(
        ("/bin/sh", "-c", "trap 'stty size; exit 0' WINCH; echo set; while :; do read x; done"), ENV, rows=1, columns=2
    )
    os.set_blocking(started.outputs[0], True)
    assert os.read(started.outputs[0], 100) == b"set\r\n"
    set_window(started.stdin, 30, 120)
    assert finish(started) == (b"30 120\r\n",)


def test_it_inherits_no_descriptor_and_no_ignored_signal() -> None:
    assert signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN  # as Python itself sets it
    reading, writing = os.pipe()
    try:
        opened = os.readlink(f"/proc/self/fd/{reading}")
        started = start_on_terminal(
            ("/bin/sh", "-c", "readlink /proc/$$/fd/*; grep SigIgn /proc/self/status"), ENV, rows=1, columns=1
        )
        (text,) = finish(started)
    finally:
        os.close(reading)
        os.close(writing)
    assert opened.encode() not in text
    assert text.count(b"/dev/pts/") == 3
    assert int(text.split()[-1], 16) & 0x7FFFFFFF == 0


def test_a_window_is_four_short_numbers() -> None:
    ours, theirs = os.openpty()
    set_window(ours, 65535, 1)
    assert struct.unpack("HHHH", ioctl(theirs, termios.TIOCGWINSZ, bytes(8))) == (65535, 1, 0, 0)
    os.close(ours)
    os.close(theirs)


def test_nothing_to_run_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing to run"):
        start_on_pipes((), ENV)


def test_a_program_is_found_in_the_absolute_directories_of_a_path() -> None:
    assert find_program("sh", os.defpath) == "/bin/sh"
    assert find_program("./sh", "") == "./sh"
    with pytest.raises(FileNotFoundError):
        find_program("sh", ".:bin:")
