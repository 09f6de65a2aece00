"""What viewers say, in JSON, on the live WebSocket and on the data channel `input`. Pure.

docs/reference/live-protocol.md describes it.

Every message is an object with a `type`. Unknown fields are ignored; an unknown `type`, a wrong form or a number out of
bounds makes a message malformed, which is dropped and counted.
"""

from typing import Annotated, Any, Final, Literal

import msgspec

MAX_MESSAGE_BYTES: Final = 256 << 10
"""Of one message. The largest are offers (about 10 KiB) and pasted text."""
MAX_TEXT_CHARS: Final = 64 << 10
MAX_SDP_CHARS: Final = 64 << 10
MAX_TOUCHES: Final = 16

Coordinate = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]
Side = Annotated[float, msgspec.Meta(ge=0, le=1e5)]
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT_CHARS)]
Name = Annotated[str, msgspec.Meta(max_length=64)]
Id = Annotated[str, msgspec.Meta(max_length=64)]
Key = Annotated[str, msgspec.Meta(max_length=64)]
Sdp = Annotated[str, msgspec.Meta(max_length=MAX_SDP_CHARS)]
Modifiers = Annotated[int, msgspec.Meta(ge=0, le=15)]
"""CDP's bits: Alt 1, Ctrl 2, Meta 4, Shift 8."""
ButtonName = Literal["none", "left", "middle", "right", "back", "forward"]


class _Placed(msgspec.Struct, frozen=True, kw_only=True):
    """`x` and `y` from the upper left corner, in CSS pixels of the page; or, where `width` and `height` are given, in
    those of a box of that size in which the page is shown as large as it fits, centred (letterboxed)."""

    x: Coordinate
    y: Coordinate
    width: Side = 0
    height: Side = 0
    modifiers: Modifiers = 0


class MouseMove(_Placed, frozen=True, kw_only=True, tag="mousemove"):
    pass


class MouseDown(_Placed, frozen=True, kw_only=True, tag="mousedown"):
    button: ButtonName = "left"
    clicks: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0
    """0: counted here, from time and place."""


class MouseUp(_Placed, frozen=True, kw_only=True, tag="mouseup"):
    button: ButtonName = "left"


class Wheel(_Placed, frozen=True, kw_only=True, tag="wheel"):
    delta_x: Coordinate = 0
    delta_y: Coordinate = 0
    mode: Annotated[int, msgspec.Meta(ge=0, le=2)] = 0
    """`WheelEvent.deltaMode`: pixels, lines or pages."""


class TouchPoint(msgspec.Struct, frozen=True, kw_only=True):
    id: Annotated[int, msgspec.Meta(ge=0, le=1 << 31)]
    x: Coordinate
    y: Coordinate
    force: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5


class Touch(msgspec.Struct, frozen=True, kw_only=True, tag="touch"):
    """`points`: all that touch now, as in `TouchEvent.touches`; empty when the last was lifted."""

    phase: Literal["start", "move", "end", "cancel"]
    points: Annotated[list[TouchPoint], msgspec.Meta(max_length=MAX_TOUCHES)]
    width: Side = 0
    height: Side = 0
    modifiers: Modifiers = 0


class KeyDown(msgspec.Struct, frozen=True, kw_only=True, tag="keydown"):
    """As `KeyboardEvent`: `key` is what it makes ("a", "Enter", "Dead"), `code` which key it is ("KeyA")."""

    key: Key
    code: Key = ""
    modifiers: Modifiers = 0
    repeat: bool = False
    location: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0


class KeyUp(msgspec.Struct, frozen=True, kw_only=True, tag="keyup"):
    key: Key
    code: Key = ""
    modifiers: Modifiers = 0
    location: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0


class Insert(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """Text that an input method, a dead key or a phone's keyboard has finished."""

    text: Text


class Compose(msgspec.Struct, frozen=True, kw_only=True, tag="compose"):
    """Text that an input method is still at work on; empty: it was given up."""

    text: Text
    cursor: Annotated[int, msgspec.Meta(ge=0, le=MAX_TEXT_CHARS)] = 0


class Paste(msgspec.Struct, frozen=True, kw_only=True, tag="paste"):
    text: Text


class Copy(msgspec.Struct, frozen=True, kw_only=True, tag="copy"):
    """Answered with `clipboard`: what is selected in the page."""

    cut: bool = False


class ReleaseAll(msgspec.Struct, frozen=True, kw_only=True, tag="release_all"):
    """The viewer's window has lost the focus: let go of held keys, buttons and touches."""


class Navigate(msgspec.Struct, frozen=True, kw_only=True, tag="navigate"):
    url: Annotated[str, msgspec.Meta(max_length=8192)]
    """What is typed in an address bar: without a scheme https is meant, but http for addresses and bare names."""


class Back(msgspec.Struct, frozen=True, kw_only=True, tag="back"):
    pass


class Forward(msgspec.Struct, frozen=True, kw_only=True, tag="forward"):
    pass


class Reload(msgspec.Struct, frozen=True, kw_only=True, tag="reload"):
    ignore_cache: bool = False


class StopLoading(msgspec.Struct, frozen=True, kw_only=True, tag="stop"):
    pass


class OpenTab(msgspec.Struct, frozen=True, kw_only=True, tag="open_tab"):
    url: Annotated[str, msgspec.Meta(max_length=8192)] = ""


class SwitchTab(msgspec.Struct, frozen=True, kw_only=True, tag="switch_tab"):
    tab_id: Id


class CloseTab(msgspec.Struct, frozen=True, kw_only=True, tag="close_tab"):
    tab_id: Id


class Resize(msgspec.Struct, frozen=True, kw_only=True, tag="resize"):
    """Make the page's viewport this large, in CSS pixels. Both 0: as the session was made."""

    width: Annotated[int, msgspec.Meta(ge=0, le=3840)]
    height: Annotated[int, msgspec.Meta(ge=0, le=2160)]
    scale: Annotated[float, msgspec.Meta(ge=0.5, le=3)] = 1


class Emulate(msgspec.Struct, frozen=True, kw_only=True, tag="emulate"):
    """Look like a device of the list in `hello`; empty: like none."""

    device: Name = ""


class AnswerDialog(msgspec.Struct, frozen=True, kw_only=True, tag="dialog"):
    accept: bool
    text: Text = ""


class RequestControl(msgspec.Struct, frozen=True, kw_only=True, tag="request_control"):
    """Ask whoever has control."""


class TakeControl(msgspec.Struct, frozen=True, kw_only=True, tag="take_control"):
    """Take it: from nobody, from an agent, or from who has not touched it for some time."""


class GiveControl(msgspec.Struct, frozen=True, kw_only=True, tag="give_control"):
    to: Id


class RefuseControl(msgspec.Struct, frozen=True, kw_only=True, tag="refuse_control"):
    to: Id


class ReleaseControl(msgspec.Struct, frozen=True, kw_only=True, tag="release_control"):
    """Nobody has it; an agent that was paused goes on."""


class Start(msgspec.Struct, frozen=True, kw_only=True, tag="start"):
    """Begin to send pictures, or change how. On the WebSocket only."""

    transport: Literal["webrtc", "webcodecs", "jpeg", "none"]
    codecs: Annotated[list[Literal["h264", "vp8"]], msgspec.Meta(max_length=4)] = []
    """That the viewer decodes, best first."""
    reason: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Why it is not an earlier one of the list: `webrtc_timeout`, `ice_failed`, `decoder_failed`, `no_frames`, …"""
    max_fps: Annotated[float, msgspec.Meta(ge=0, le=120)] = 0


class Ack(msgspec.Struct, frozen=True, kw_only=True, tag="ack"):
    """The picture `seq` of a binary message has been shown, or was skipped for a newer."""

    seq: Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]


class NeedKey(msgspec.Struct, frozen=True, kw_only=True, tag="need_key"):
    """The decoder has to begin anew."""


class Ping(msgspec.Struct, frozen=True, kw_only=True, tag="ping"):
    t: Annotated[float, msgspec.Meta(ge=0, le=1e15)]
    """Comes back as it is, in `pong`."""


class Report(msgspec.Struct, frozen=True, kw_only=True, tag="report"):
    """How the viewer is doing, every few seconds: shown to all and kept as metrics."""

    fps: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 0
    rtt_ms: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 0
    frame_age_ms: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 0
    bits_per_second: Annotated[float, msgspec.Meta(ge=0, le=1e10)] = 0
    dropped: Annotated[int, msgspec.Meta(ge=0, le=1 << 40)] = 0


class Hidden(msgspec.Struct, frozen=True, kw_only=True, tag="hidden"):
    """The viewer's page is (not) to be seen: nothing is sent while it is hidden."""

    hidden: bool


class Rename(msgspec.Struct, frozen=True, kw_only=True, tag="name"):
    name: Name


class Offer(msgspec.Struct, frozen=True, kw_only=True, tag="offer"):
    sdp: Sdp


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag="answer"):
    sdp: Sdp


class RequestOffer(msgspec.Struct, frozen=True, kw_only=True, tag="request_offer"):
    """Have the server make the offer."""

    codecs: Annotated[list[Literal["h264", "vp8"]], msgspec.Meta(max_length=4)] = []


class Candidate(msgspec.Struct, frozen=True, kw_only=True, tag="candidate"):
    """`RTCIceCandidateInit`; an empty candidate ends them (RFC 8838)."""

    candidate: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    sdp_mid: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    sdp_m_line_index: Annotated[int, msgspec.Meta(ge=0, le=64)] | None = None


InputMessage = (
    MouseMove | MouseDown | MouseUp | Wheel | Touch | KeyDown | KeyUp | Insert | Compose | Paste | Copy | ReleaseAll
)
BrowserMessage = (
    Navigate | Back | Forward | Reload | StopLoading | OpenTab | SwitchTab | CloseTab | Resize | Emulate | AnswerDialog
)
ControlMessage = RequestControl | TakeControl | GiveControl | RefuseControl | ReleaseControl | Rename
StreamMessage = Start | Ack | NeedKey | Ping | Report | Hidden | Offer | Answer | RequestOffer | Candidate
"""What the door itself sees to; the others go to the session."""

ClientMessage = InputMessage | BrowserMessage | ControlMessage | StreamMessage

_DECODER: Final[msgspec.json.Decoder[ClientMessage]] = msgspec.json.Decoder(ClientMessage)
_ENCODER: Final = msgspec.json.Encoder()


class MalformedMessageError(ValueError):
    """What came is no message; its text says why, and quotes nothing of it."""


def read_client_message(data: bytes | str) -> ClientMessage:
    """Raises: MalformedMessageError."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise MalformedMessageError("too large")
    try:
        return _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MalformedMessageError(type(error).__name__) from None


def write_message(type_: str, fields: dict[str, Any]) -> bytes:
    """A message to a viewer."""
    return _ENCODER.encode({"type": type_, **fields})
