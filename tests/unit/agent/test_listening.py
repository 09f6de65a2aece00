import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.listening import is_listening, listening_inodes

LISTENER = "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); "
TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2406 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 0100007F:2406 0100007F:A1B2 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0 100 0 0 10 0
   2: 00000000:2406 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0 100 0 0 10 0
   3: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 444 1 0 100 0 0 10 0
"""


@pytest.fixture
def listener() -> Iterator[tuple[int, int]]:
    """A process that leads a session and listens: its pid and its port."""
    yield from _run(LISTENER + "sys.stdin.read()")


@pytest.fixture
def wrapped() -> Iterator[tuple[int, int]]:
    """As above, but a child of the leader listens."""
    yield from _run(
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {LISTENER + 'sys.stdin.read()'!r}])"
    )


def _run(program: str) -> Iterator[tuple[int, int]]:
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as child:
        assert child.stdout is not None
        yield child.pid, int(child.stdout.readline())


def test_a_port_belongs_to_the_process_that_listens(listener: tuple[int, int]) -> None:
    pid, port = listener
    assert is_listening(pid, port) is True
    assert is_listening(os.getpid(), port) is False


def test_a_port_belongs_to_whoever_leads_the_session_of_the_one_that_listens(wrapped: tuple[int, int]) -> None:
    assert is_listening(*wrapped) is True


def test_a_port_of_somebody_else_is_not_its_own(listener: tuple[int, int]) -> None:
    pid, _ = listener
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert is_listening(pid, port) is False
    assert is_listening(pid, port) is False


def test_of_a_process_that_is_gone_nothing_can_be_told() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    assert is_listening(child.pid, 9222) is None


def test_only_what_listens_counts() -> None:
    assert listening_inodes(TABLE, 9222) == {"111", "333"}
    assert listening_inodes(TABLE, 80) == {"444"}


@given(st.text(), st.integers(0, 65535))
def test_a_table_that_is_none_holds_nothing(text: str, port: int) -> None:
    assert all(isinstance(inode, str) for inode in listening_inodes(text, port))
