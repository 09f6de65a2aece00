"""A pid 1 with and without a handler, real ones, in pid namespaces of their own."""

import signal
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent import init_process
from cloche.agent.init_process import catches, tell_init

# Pid 1 of a new namespace; its child tells it, and then ends.
INIT = """
import os, signal, sys
if {handles}:
    signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"restored"))
child = os.fork()
if child == 0:
    from cloche.agent.init_process import tell_init
    os.write(2, (tell_init() or "told").encode())
    os._exit(0)
os.waitpid(child, 0)
"""


def told_in_a_namespace(*, handles: bool) -> tuple[str, str]:
    """What pid 1 and its child write."""
    done = subprocess.run(
        ["unshare", "-Urpf", "--mount-proc", sys.executable, "-c", INIT.format(handles=handles)],
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    return done.stdout, done.stderr


def test_a_first_process_with_a_handler_is_told() -> None:
    assert told_in_a_namespace(handles=True) == ("restored", "told")


def test_a_first_process_without_one_is_left_alone() -> None:
    assert told_in_a_namespace(handles=False) == ("", "pid 1 has no handler for SIGUSR1")


def test_one_that_may_not_be_told_is_a_reason_and_no_crash(monkeypatch) -> None:
    def refuse(pid: int, number: int) -> None:
        assert (pid, number) == (1, signal.SIGUSR1)
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(init_process, "catches", lambda *_: True)
    monkeypatch.setattr("os.kill", refuse)
    assert tell_init() == "pid 1 cannot be told: Operation not permitted"


def test_a_proc_that_cannot_be_read_is_a_reason_too(monkeypatch) -> None:
    monkeypatch.setattr(init_process, "_STATUS", "/nowhere/status")
    assert tell_init() == "pid 1 cannot be told: No such file or directory"


@given(st.sets(st.integers(1, 64)), st.integers(1, 64))
def test_the_mask_holds_one_bit_for_each_signal(caught: set[int], number: int) -> None:
    mask = sum(1 << (one - 1) for one in caught)
    status = f"Name:\tinit\nSigIgn:\t{2**64 - 1:016x}\nSigCgt:\t{mask:016x}\nCapInh:\t0\n"
    assert catches(status, number) == (number in caught)


@pytest.mark.parametrize("status", ["", "Name:\tSigCgt\n", "SigBlk:\tffff\n"])
def test_without_the_line_nothing_is_caught(status: str) -> None:
    assert not catches(status, signal.SIGUSR1)


def test_our_own_handlers_are_seen() -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with open("/proc/self/status") as file:
            assert catches(file.read(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
