"""A socket whose other end may do anything with it."""

import asyncio
import socket

from cloche.browser.devtools.guest_socket import GuestSocket


def pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    return ours, theirs


class Heard:
    def __init__(self) -> None:
        self.data = b""
        self.ends = 0
        self.news = asyncio.Event()

    def on_data(self, data: bytes) -> None:
        self.data += data
        self.news.set()

    def on_end(self) -> None:
        self.ends += 1
        self.news.set()

    async def until_there_is_news(self) -> None:
        async with asyncio.timeout(5):
            await self.news.wait()
        self.news.clear()


async def test_a_copy_of_the_socket_cannot_make_the_daemon_wait() -> None:
    ours, theirs = pair()
    heard = Heard()
    guest = GuestSocket(ours, heard.on_data, heard.on_end)
    copy = ours.dup()
    copy.setblocking(True)  # the flag belongs to what both descriptors stand for (fcntl(2))
    guest.write(b"x" * (8 << 20))
    assert guest.unsent_bytes > 0
    with theirs:
        received = 0
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            while received < 8 << 20:
                received += len(await loop.sock_recv(theirs, 1 << 20))
        assert guest.unsent_bytes == 0
    copy.close()
    guest.close()


async def test_the_end_is_told_once() -> None:
    ours, theirs = pair()
    heard = Heard()
    guest = GuestSocket(ours, heard.on_data, heard.on_end)
    theirs.send(b"last")
    await heard.until_there_is_news()
    theirs.close()
    await heard.until_there_is_news()
    guest.write(b"nobody there")
    guest.close()
    assert (heard.data, heard.ends, guest.is_closed) == (b"last", 1, True)


async def test_a_paused_socket_is_not_read_until_it_is_resumed() -> None:
    ours, theirs = pair()
    heard = Heard()
    guest = GuestSocket(ours, heard.on_data, heard.on_end)
    guest.pause()
    theirs.send(b"hello")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert heard.data == b""
    guest.resume()
    await heard.until_there_is_news()
    assert heard.data == b"hello"
    guest.close()
    theirs.close()
