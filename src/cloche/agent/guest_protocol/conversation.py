"""One connection of the guest protocol, from its first byte to its end.

    CONNECT 52\\n          only where a unix socket stands for vsock, and only if the peer begins with it
    request → answer      one, or one after the other: the next request is read when the answer to the last is gone

Every wait for a peer has an end (`Patience`). What is wrong with a request is told in an `Error` frame, and the
conversation goes on; what is wrong with the stream is told in one too, and is the end of it.
"""

import time
from collections.abc import Collection
from contextlib import suppress
from socket import SHUT_WR, socket
from typing import Final, NamedTuple

from cloche.agent import streams
from cloche.agent.guest_protocol.fitting import frame_answer
from cloche.agent.guest_protocol.places import Peer, Places
from cloche.agent.guest_protocol.verbs import ENDS_WITH_ITS_PEER, Verbs
from cloche.agent.log import Log
from cloche.agent.loop import Loop, Task
from cloche.wire.frames import FrameDecoder, FrameTooLarge
from cloche.wire.guest import Answer, RequestError, Tagged, error, parse_request
from cloche.wire.vsock_handshake import HandshakeError, could_be_connect, ok_line, parse_connect, take_line

NO_PLACE: Final = "too many connections"

_NO_REQUEST: Final = "no request has come in time"
_PIECE_BYTES: Final = 64 * 1024
_MAX_UNREAD_BYTES: Final = 1024 * 1024
"""How much of what a peer still sends is read, and thrown away, while it is told why this is the end."""


class Patience(NamedTuple):
    """How long a peer may take, in seconds."""

    first_s: float = 10.0
    """To begin its first request."""
    frame_s: float = 10.0
    """To complete a frame or a line that it has begun."""
    idle_s: float = 60.0
    """To begin a further request."""
    answer_s: float = 10.0
    """To read an answer."""
    farewell_s: float = 1.0
    """To read why it has to go, and to stop sending."""
    look_s: float = 0.2
    """How often one looks whether the peer of a running command is still there."""


class _Over(Exception):
    """The conversation cannot go on; the message is for the peer, if there is one."""


class Conversations:
    """Serves connections: one request on each, or many. Shared by everything that takes connections."""

    def __init__(self, loop: Loop, log: Log, verbs: Verbs, patience: Patience | None = None) -> None:
        self._loop, self._log, self._verbs = loop, log, verbs
        self._patience = Patience() if patience is None else patience
        self._places = Places()

    async def serve(self, connection: socket, received: bytes = b"", ports: Collection[int] = ()) -> None:
        """Answer what comes on a connection until it ends; the caller closes it.

        `received` is what has been read of it already. `ports` are those that a `CONNECT` line may name.
        """
        peer = Peer(connection)
        try:
            with self._places.taken(peer) as has_place:
                await self._converse(peer, received, ports) if has_place else await self._part(peer, NO_PLACE)
        except (_Over, FrameTooLarge) as over:
            self._log.debug("guest conversation ended", reason=str(over))
            await self._part(peer, str(over))
        except OSError as failure:
            self._log.debug("guest conversation ended", error=str(failure))

    async def refuse(self, connection: socket, why: str) -> None:
        """Tell a peer that is not served why not; the caller closes the connection."""
        await self._part(Peer(connection), why)

    def hang_up(self) -> None:
        """End every conversation but those whose requests are being worked on."""
        self._places.clear()

    async def _converse(self, peer: Peer, received: bytes, ports: Collection[int]) -> None:
        patience, decoder = self._patience, FrameDecoder()
        decoder.feed(await self._shake_hands(peer, received, ports) if ports else received)
        deadline, late = time.monotonic() + patience.first_s, _NO_REQUEST
        while (body := await self._next_body(peer, decoder, deadline, late)) is not None:
            answer = await self._answer(peer, body)
            with self._places.reading(peer):
                await self._send(peer, self._frame(answer))
            if answer.tag == Answer.MISMATCH:
                return
            # Nothing to tell one that has had its answers.
            deadline, late = time.monotonic() + patience.idle_s, ""

    async def _shake_hands(self, peer: Peer, received: bytes, ports: Collection[int]) -> bytes:
        """Answer a `CONNECT` line if there is one; return what came after it, or what came instead."""
        deadline = time.monotonic() + self._patience.first_s
        while could_be_connect(received):
            try:
                if (split := take_line(received)) is not None:
                    if (port := parse_connect(split[0])) in ports:
                        await self._send(peer, ok_line(port))
                        return split[1]
                    raise _Over
            except HandshakeError:
                raise _Over from None
            data = await self._receive(peer, deadline, _NO_REQUEST)
            if not data:
                raise _Over
            deadline = deadline if received else time.monotonic() + self._patience.frame_s
            received += data
        return received

    async def _next_body(self, peer: Peer, decoder: FrameDecoder, deadline: float, late: str) -> bytes | None:
        """Return the next request, or None when the peer has hung up before it began one.

        `deadline` is for its beginning, and `late` what there is to say when it passes.
        """
        is_begun = False
        while (body := decoder.next_frame()) is None:
            if not is_begun and not decoder.is_between_frames:
                is_begun, late = True, "the request was not complete in time"
                deadline = time.monotonic() + self._patience.frame_s
            data = await self._receive(peer, deadline, late)
            if not data and is_begun:
                raise _Over("the request was cut short")
            if not data:
                return None
            decoder.feed(data)
        return body

    async def _answer(self, peer: Peer, body: bytes) -> Tagged:
        try:
            verb, fields = parse_request(body)
        except RequestError as mistake:
            await self._loop.sleep(0)  # sixteen thousand of them fit into one piece: others have their turns between
            return error(str(mistake))
        answers: list[Tagged] = []

        async def work() -> None:
            answers.append(await self._verbs.answer(verb, fields))

        with self._places.answering(peer):
            task = self._loop.spawn(work(), "guest request")
            try:
                await self._see_through(peer, task, gives_up=verb in ENDS_WITH_ITS_PEER)
            finally:
                await self._loop.stop(task)
        return answers[0]

    async def _see_through(self, peer: Peer, task: Task, *, gives_up: bool) -> None:
        """Wait for the end of a task, where it `gives_up` only for as long as the peer is there."""
        while not task.done.is_set():
            try:
                await task.done.wait(time.monotonic() + self._patience.look_s if gives_up else None)
            except TimeoutError:
                if _has_hung_up(peer.connection):
                    raise _Over from None

    async def _receive(self, peer: Peer, deadline: float, late: str) -> bytes:
        # A wait ends well when there is something to read, however late it is: who always has one more byte never
        # runs into it.
        if time.monotonic() > deadline:
            raise _Over(late)
        try:
            data = await streams.receive(self._loop, peer.connection, _PIECE_BYTES, deadline)
        except TimeoutError:
            raise _Over(late) from None
        if peer.dismissal is not None:
            raise _Over(peer.dismissal)
        return data

    async def _send(self, peer: Peer, data: bytes) -> None:
        await streams.send_all(self._loop, peer.connection, data, time.monotonic() + self._patience.answer_s)

    def _frame(self, answer: Tagged) -> bytes:
        try:
            return frame_answer(answer)
        except (ValueError, TypeError, RecursionError) as failure:  # a number that JSON has not, say
            self._log.error("answer failed", answer=answer.tag, error=type(failure).__name__)
            return frame_answer(error("internal error"))

    async def _part(self, peer: Peer, why: str) -> None:
        """Say why this is the end, and read on until the peer has seen it: one that is busy sending does not look."""
        if not why:
            return
        deadline, unread = time.monotonic() + self._patience.farewell_s, _MAX_UNREAD_BYTES
        with self._places.leaving(peer), suppress(OSError):  # it is gone, or its time has passed
            await streams.send_all(self._loop, peer.connection, frame_answer(error(why)), deadline)
            peer.connection.shutdown(SHUT_WR)
            while unread > 0 and time.monotonic() < deadline:
                data = await streams.receive(self._loop, peer.connection, _PIECE_BYTES, deadline)
                unread -= len(data) or unread


def _has_hung_up(connection: socket) -> bool:
    """Tell a peer that is gone from one that has only ended its own sending, however much of that is still unread."""
    try:
        connection.send(b"")
    except OSError:
        return True
    return False
