"""Listening for real: sockets' files and who may connect, on every transport that this machine has."""

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloche.agent.guest_protocol import listeners
from cloche.agent.guest_protocol.address import Address, parse_address
from cloche.agent.guest_protocol.listeners import Listeners
from cloche.testing import vsock
from cloche.wire.frames import encode_frame

TRANSPORTS = ["unix", *(["vsock"] if vsock.has_loopback() else [])]


@pytest.fixture
def serve(rig, tmp_path):
    """Listen, run `main`, stop; whatever happens nothing may be left."""

    def run(main, *addresses: Address) -> None:
        listening = Listeners(rig.loop, rig.log, addresses, rig.conversations)

        async def everything() -> None:
            listening.open()
            running = rig.loop.spawn(listening.run(), "listeners")
            try:
                await main(listening)
            finally:
                await listening.stop()
                await rig.loop.stop(running)

        rig.run(everything)

    return run


@pytest.fixture
def path(tmp_path) -> str:
    return str(tmp_path / "agent.sock")


def unix(path: str) -> Address:
    return Address("unix", path=path)


def dial(rig, address: Address):
    if address.kind == "vsock":
        sock = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
        sock.connect((vsock.CID_LOCAL, address.port))
    else:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(address.path)
    return rig.client(sock)


@pytest.fixture(params=TRANSPORTS)
def address(request, path) -> Address:
    return unix(path) if request.param == "unix" else Address("vsock", port=vsock.free_port(), peer_cid=None)


def test_requests_are_answered_on_every_transport(rig, serve, address) -> None:
    async def main(_) -> None:
        for _ in range(3):
            client = dial(rig, address)
            assert await client.ask(b'"Ping"') == b'"Pong"'
            assert await client.ask(b'"Ping"') == b'"Pong"'

    serve(main, address)


def test_a_unix_socket_takes_a_connect_line_to_a_port_that_is_served_or_frames_at_once(rig, serve, path) -> None:
    async def main(_) -> None:
        for port in (52, 5252):
            client = dial(rig, unix(path))
            await client.send(b"CONNECT %d\n" % port)
            assert (await client.receive()).startswith(b"OK ")
            assert await client.ask(b'"Ping"') == b'"Pong"'
        assert await dial(rig, unix(path)).ask(b'"Ping"') == b'"Pong"'
        client = dial(rig, unix(path))
        await client.send(b"CONNECT 53\n")
        assert await client.receive() == b""

    serve(main, unix(path))


if vsock.has_vsock():

    def test_a_connect_line_may_name_a_port_that_is_listened_on(rig, serve, path) -> None:
        port = vsock.free_port()

        async def main(_) -> None:
            client = dial(rig, unix(path))
            await client.send(b"CONNECT %d\n" % port)
            assert (await client.receive()).startswith(b"OK ")

        serve(main, unix(path), Address("vsock", port=port))


def test_several_addresses_are_served_at_once_and_share_nothing_but_the_work(rig, serve, tmp_path) -> None:
    addresses = [unix(str(tmp_path / name)) for name in "abc"]

    async def main(_) -> None:
        for address in addresses:
            assert await dial(rig, address).ask(b'"Ping"') == b'"Pong"'

    serve(main, *addresses)


# The socket's file


@pytest.mark.parametrize("umask", [0, 0o077])
def test_the_file_is_for_its_owner_alone_and_gone_at_the_end(serve, path, umask: int) -> None:
    async def main(_) -> None:
        status = os.stat(path)
        assert stat.S_ISSOCK(status.st_mode)
        assert stat.S_IMODE(status.st_mode) == 0o600

    before = os.umask(umask)
    try:
        serve(main, unix(path))
    finally:
        os.umask(before)
    assert not os.path.exists(path)


def test_a_file_that_another_has_put_in_its_place_stays(serve, path) -> None:
    async def main(_) -> None:
        os.unlink(path)
        Path(path).write_text("theirs")

    serve(main, unix(path))
    assert Path(path).read_text() == "theirs"


def test_a_file_that_is_gone_already_is_no_mistake(serve, path) -> None:
    async def main(_) -> None:
        os.unlink(path)

    serve(main, unix(path))


def test_a_socket_that_nobody_answers_on_is_replaced(rig, serve, path) -> None:
    with socket.socket(socket.AF_UNIX) as abandoned:
        abandoned.bind(path)
        abandoned.listen()

    async def main(_) -> None:
        assert await dial(rig, unix(path)).ask(b'"Ping"') == b'"Pong"'

    serve(main, unix(path))


def refused(rig, *addresses: Address) -> OSError:
    with pytest.raises(OSError) as refusal:
        Listeners(rig.loop, rig.log, addresses, rig.conversations).open()
    return refusal.value


@pytest.mark.parametrize("backlog", [0, 5])
def test_a_socket_that_somebody_listens_on_is_left_alone(rig, path, backlog: int) -> None:
    with socket.socket(socket.AF_UNIX) as living, socket.socket(socket.AF_UNIX) as queued:
        living.bind(path)
        living.listen(backlog)
        queued.connect(path)  # with no backlog there is no room for a second one, which is an answer too
        error = refused(rig, unix(path))
        assert (error.errno, error.strerror) == (
            errno.EADDRINUSE,
            f"cannot listen on unix:{path}: somebody listens there already",
        )
        assert stat.S_ISSOCK(os.stat(path).st_mode)


def test_what_is_no_socket_is_never_replaced(rig, path, tmp_path) -> None:
    (tmp_path / "kept").write_text("kept")
    for make in (
        lambda: Path(path).write_text("kept"),
        lambda: os.mkfifo(path),
        lambda: os.symlink(tmp_path / "kept", path),
        lambda: os.symlink(tmp_path / "nowhere", path),
    ):
        make()
        assert "no socket" in refused(rig, unix(path)).strerror
        os.unlink(path)
    os.mkdir(path)
    assert "no socket" in refused(rig, unix(path)).strerror
    assert (tmp_path / "kept").read_text() == "kept"


def test_where_one_address_cannot_be_had_none_is_and_the_error_names_it(rig, path, tmp_path) -> None:
    nowhere = str(tmp_path / "none" / "agent.sock")
    error = refused(rig, unix(path), unix(nowhere))
    assert error.errno == errno.ENOENT
    assert nowhere in error.strerror
    assert not os.path.exists(path)


# Who may connect


@contextmanager
def as_somebody_else(monkeypatch) -> Iterator[None]:
    """The kernel notes whose socket it is when it connects. Who is not root can only say that the agent is another."""
    if os.geteuid() != 0:
        monkeypatch.setattr(listeners.os, "geteuid", lambda: os.getuid() + 1)
        yield
        return
    os.seteuid(12345)
    try:
        yield
    finally:
        os.seteuid(0)


def test_another_user_is_told_that_it_is_not_served(rig, serve, tmp_path, monkeypatch) -> None:
    directory = tmp_path / "run"
    directory.mkdir(mode=0o755)
    monkeypatch.chdir(directory)

    async def main(_) -> None:
        os.chmod("agent.sock", 0o666)  # as an operator may
        with as_somebody_else(monkeypatch):
            stranger = dial(rig, unix("agent.sock"))
        assert await stranger.ask(b'"Ping"') == b'{"Error":{"message":"this user is not served here"}}'
        await stranger.ended()

    serve(main, unix("agent.sock"))
    assert "guest peer refused" in rig.logged()


def test_root_and_our_own_user_are_served_and_nobody_else(monkeypatch, path) -> None:
    class From:
        def __init__(self, uid: int) -> None:
            self.uid = uid

        def getsockopt(self, *_: int) -> bytes:
            return listeners._CREDENTIALS.pack(1, self.uid, 1)

    monkeypatch.setattr(listeners.os, "geteuid", lambda: 1000)
    listener = listeners._Listener(unix(path))
    assert [listener.may_be_served(From(uid)) for uid in (0, 1000, 1001, 65534)] == [True, True, False, False]
    listener.close()


if vsock.has_vsock():

    def test_vsock_is_listened_on_and_serves_the_host_alone_unless_told_otherwise() -> None:
        class From:
            def __init__(self, cid: int) -> None:
                self.cid = cid

            def getpeername(self) -> tuple[int, int]:
                if self.cid < 0:
                    raise OSError(errno.ENOTCONN, "it is gone")
                return self.cid, 1024

        for option, served in (("", [2]), (",peer=any", [1, 2, 3]), (",peer=3", [3])):
            listener = listeners._Listener(parse_address(f"vsock:{vsock.free_port()}{option}"))
            assert listener.socket.getsockname()[0] == socket.VMADDR_CID_ANY
            assert listener.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
            assert [cid for cid in (-1, 1, 2, 3) if listener.may_be_served(From(cid))] == served
            listener.close()


if vsock.has_vsock():

    def test_a_vsock_port_is_taken_once_and_free_again_after_the_end(rig) -> None:
        address = Address("vsock", port=vsock.free_port())
        listener = listeners._Listener(address)
        error = refused(rig, address)
        assert error.errno == errno.EADDRINUSE
        assert f"cannot listen on vsock:{address.port}" in error.strerror
        listener.close()
        listeners._Listener(address).close()


def test_without_vsock_the_error_says_so(rig, monkeypatch) -> None:
    address = Address("vsock", port=52)
    with monkeypatch.context() as patch:
        patch.delattr(socket, "AF_VSOCK", raising=False)
        assert refused(rig, address).strerror == "cannot listen on vsock:52: there is no vsock on this machine"

    def no_such_family(*_: object) -> None:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(socket, "AF_VSOCK", 40, raising=False)
    monkeypatch.setattr(socket, "socket", no_such_family)
    assert refused(rig, address).strerror == "cannot listen on vsock:52: there is no vsock on this machine"


# The end


def test_stopping_ends_every_connection_and_what_runs_for_it(rig, serve, address, tmp_path) -> None:
    fifo, clients = tmp_path / "fifo", []
    os.mkfifo(fifo)

    async def main(_) -> None:
        clients.extend(dial(rig, address) for _ in range(4))
        await clients[0].send(encode_frame(b'{"Exec":{"argv":["cat","%s"]}}' % str(fifo).encode()))
        await clients[1].send(b"\0\0")
        assert await clients[2].ask(b'"Ping"') == b'"Pong"'
        await rig.until(lambda: rig.stand_ins.acting_now == 1)
        clients.append(dial(rig, address))  # which nobody will have come to serve

    serve(main, address)
    assert rig.stand_ins.acting_now == 0


def test_stopping_before_running_leaves_nothing(rig, path) -> None:
    listening = Listeners(rig.loop, rig.log, [unix(path)], rig.conversations)

    async def main() -> None:
        listening.open()
        await listening.stop()
        await listening.stop()

    rig.run(main)
    assert not os.path.exists(path)


def test_hanging_up_ends_the_other_connections_and_new_ones_are_taken(rig, serve, address) -> None:
    rig.stand_ins.may_finish.clear()

    async def main(listening: Listeners) -> None:
        waking, idle = dial(rig, address), dial(rig, address)
        assert await idle.ask(b'"Ping"') == b'"Pong"'
        await waking.send(encode_frame(b'"Wake"'))
        await rig.until(lambda: rig.stand_ins.calls == ["wake"])
        rig.conversations.hang_up()
        await idle.ended()
        rig.stand_ins.may_finish.set()
        assert await waking.read() == b'{"WakeAck":{"success":true}}'
        assert await dial(rig, address).ask(b'"Ping"') == b'"Pong"'

    serve(main, address)


def test_being_out_of_descriptors_is_survived(rig, serve, path, monkeypatch) -> None:
    failures = [OSError(errno.EMFILE, "Too many open files")]
    accept = listeners.streams.accept

    async def failing(loop, listener):
        if failures:
            raise failures.pop()
        return await accept(loop, listener)

    monkeypatch.setattr(listeners.streams, "accept", failing)

    async def main(_) -> None:
        assert await dial(rig, unix(path)).ask(b'"Ping"') == b'"Pong"'

    serve(main, unix(path))
    assert "Too many open files" in rig.logged()
