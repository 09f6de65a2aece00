"""A listener whose other holder takes O_NONBLOCK away."""

import errno
import socket
import threading

import pytest

from cloche.egress.accept_guard import AcceptGuard


class TreacherousListener(socket.socket):
    """Clears O_NONBLOCK on the shared description right before accept, as a guest that holds a copy could."""

    def accept(self) -> tuple[socket.socket, object]:
        with socket.socket(fileno=socket.dup(self.fileno())) as copy:
            copy.setblocking(True)
        fd, address = self._accept()  # type: ignore[attr-defined]
        return socket.socket(fileno=fd), address


@pytest.fixture
def listener() -> TreacherousListener:
    with TreacherousListener(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening


def test_an_accept_that_a_guest_holds_up_is_woken_and_the_listener_is_lost(listener: TreacherousListener) -> None:
    outcome: list[int | None] = []

    def accept() -> None:
        with AcceptGuard(look_every_s=0.02) as guard:
            try:
                guard.accept(listener).close()
            except OSError as error:
                outcome.append(error.errno)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive(), "the accept still waits"
    assert outcome == [errno.EINVAL]


def test_a_waiting_connection_is_accepted_and_does_not_block() -> None:
    with (
        AcceptGuard() as guard,
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()),
        guard.accept(listening) as client,
    ):
        assert not client.getblocking()
