"""`/ws/sessions/{id}` of the isolation API (docs/reference/isolation-api.md): pictures in JSON, and its errors."""

import asyncio
import base64
from typing import Final

from cloche.api.live.conversation import MALFORMED, TOO_LARGE, Conversation, StreamOrder
from cloche.api.live.frames import Kind, Received
from cloche.api.live.parts import LiveParts
from cloche.api.live.socket import LiveSocket
from cloche.api.live.visit import until_left
from cloche.api.problem import Problem
from cloche.errors import AgentError, ClocheError, ConflictError, GoneError, InvalidError, NotFoundError, SandboxError
from cloche.live.legacy_messages import read_legacy_message
from cloche.live.messages import ClientMessage
from cloche.live.model import Codec, Transport
from cloche.live.watching import StreamEndedError
from cloche.sessions.live.interface import LeaveReason, LiveSeat
from cloche.sessions.machine import FAILURES

AGAIN_S: Final = 1.0
"""After a stream's end until it is asked for pictures again."""


async def show_frames(
    parts: LiveParts, seat: LiveSeat, socket: LiveSocket, early: bytes, stopping: "asyncio.Future[None]"
) -> LeaveReason:
    """Serve a viewer until it leaves; say why it did. The connection is closed then."""
    conversation = Conversation(seat, _NoStreams(), parts.clock, read_older)

    def take(received: Received) -> None:
        if received.kind is Kind.TEXT:
            conversation.take(received.data, _no_reply)
        else:
            conversation.drop(TOO_LARGE if received.kind is Kind.TOO_LARGE else MALFORMED, _no_reply)

    socket.listen(take, early)
    return await until_left(seat, socket, stopping, _send_frames(seat, socket, 1 / parts.settings.fallback_fps))


def frame_message(jpeg: bytes) -> bytes:
    """`{"type":"frame","data":"<base64 JPEG>"}`."""
    return b'{"type":"frame","data":"' + base64.b64encode(jpeg) + b'"}'


def read_older(data: bytes) -> tuple[ClientMessage, ...]:
    """Raises: MalformedMessageError."""
    return (read_legacy_message(data),)


def older_error(error: ClocheError) -> ClocheError:
    """An error of ours as the isolation API knows it."""
    match error:
        case NotFoundError():
            return NotFoundError("session not found")
        case InvalidError(fields={"field": "id"}):
            return NotFoundError("session not found")
        case GoneError():
            failed = error.fields.get("reason") in FAILURES
            return ConflictError(f"session not ready: {'error' if failed else 'terminated'}")
        case ConflictError() if not error.fields.get("reason"):
            return ConflictError("session not ready: starting")
        case SandboxError():
            return AgentError("runner unreachable")
        case _:
            return error


def older_problem(error: ClocheError) -> Problem:
    return Problem(error.http_status, {"error": error.detail})


async def _send_frames(seat: LiveSeat, socket: LiveSocket, gap_s: float) -> None:
    """Send the newest at each tick, if there is one that was not sent. Raises: UnresponsiveError, LeftError."""
    loop = asyncio.get_running_loop()
    while True:
        subscription = seat.watch(Codec.JPEG, max_fps=1 / gap_s, acknowledges=True)
        seat.transport_is(Transport.FRAMES, Codec.JPEG)
        try:
            while True:
                chunk = await subscription.next()
                await socket.writable()
                socket.send_text(frame_message(chunk.data))
                await asyncio.sleep(gap_s - loop.time() % gap_s)
                await socket.writable()
                subscription.acknowledge(chunk.seq)
        except StreamEndedError:
            await asyncio.sleep(AGAIN_S)
        finally:
            subscription.close()


def _no_reply(_message: bytes) -> None:
    """That API has no answers."""


class _NoStreams:
    """Nor may its viewers say anything of their pictures."""

    def order(self, order: StreamOrder) -> bool:
        return True

    def acknowledge(self, seq: int) -> None: ...

    def ask_key(self) -> None: ...

    def viewer_reports(self) -> None: ...
