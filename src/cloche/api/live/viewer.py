"""One viewer on the live WebSocket, from `hello` to its Close frame."""

import asyncio

from cloche.api.live.conversation import MALFORMED, TOO_LARGE, Conversation, Reply
from cloche.api.live.frames import Kind, Received
from cloche.api.live.hello import hello
from cloche.api.live.parts import LiveParts
from cloche.api.live.socket import LiveSocket
from cloche.api.live.streams import SocketStreams
from cloche.api.live.visit import tell_news, until_left
from cloche.ids import SessionId
from cloche.live.messages import ClientMessage, read_client_message
from cloche.sessions.live.interface import Joining, LeaveReason, LiveSeat, SessionLive


async def serve_viewer(
    parts: LiveParts,
    session_id: SessionId,
    live: SessionLive,
    joining: Joining,
    seat: LiveSeat,
    socket: LiveSocket,
    early: bytes,
    stopping: "asyncio.Future[None]",
) -> LeaveReason:
    """Serve until it leaves; say why it did. The connection is closed then."""
    streams = SocketStreams(parts, session_id, seat, socket)
    conversation = Conversation(seat, streams, parts.clock, read_one)

    def take_channel_message(data: bytes, reply: Reply) -> None:
        conversation.take(data, reply, over_webrtc=True)

    def take(received: Received) -> None:
        if received.kind is Kind.TEXT:
            conversation.take(received.data, socket.answer)
        else:
            conversation.drop(TOO_LARGE if received.kind is Kind.TOO_LARGE else MALFORMED, socket.answer)

    streams.on_channel_message = take_channel_message
    greeting = hello(
        parts.settings,
        viewer_id=seat.id,
        right=seat.right,
        session_id=session_id,
        clipboard=live.state().clipboard,
        expires_at=joining.expires_at,
        now=parts.clock.now(),
    )
    socket.send_text(greeting)
    socket.listen(take, early)
    try:
        return await until_left(
            seat, socket, stopping, tell_news(seat, socket), streams.run(), streams.watch_patience()
        )
    finally:
        await streams.close()


def read_one(data: bytes) -> tuple[ClientMessage]:
    """Raises: MalformedMessageError."""
    return (read_client_message(data),)
