import os
import socket

from cloche.process.readiness import wait_readable, wait_writable


async def test_a_pipe_becomes_readable_with_its_first_byte() -> None:
    read, write = os.pipe()
    assert not await wait_readable(read, 0.01)
    os.write(write, b"x")
    assert await wait_readable(read, 5)
    os.close(read)
    os.close(write)


async def test_an_end_of_file_counts_as_readable() -> None:
    read, write = os.pipe()
    os.close(write)
    assert await wait_readable(read, 5)
    os.close(read)


async def test_a_full_socket_is_not_writable_until_it_is_read() -> None:
    one, two = socket.socketpair()
    with one, two:
        one.setblocking(False)
        sent = 0
        try:
            while True:
                sent += one.send(b"x" * 65536)
        except BlockingIOError:
            pass
        assert not await wait_writable(one.fileno(), 0.01)
        two.recv(sent, socket.MSG_WAITALL)
        assert await wait_writable(one.fileno(), 5)
