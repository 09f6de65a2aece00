"""Input messages of the older browser-isolation API, on `/ws/sessions/{id}` and its data channel. Pure.

    {"type": "mousedown", "x": 10, "y": 20, "button": "left", "modifiers": ["shift"]}

Both forms are read that its users write: `button` by name, as its documentation has it, or by number
(`MouseEvent.button`), as its own page sends it; `modifiers` as names or as CDP's bits. Coordinates are pixels of the
page, or of a box where `width` and `height` are given. Unknown fields are ignored; everything else is as strict as in
`messages`.
"""

from typing import Annotated, Final, assert_never

import msgspec

from cloche.live.messages import (
    MAX_MESSAGE_BYTES,
    ButtonName,
    ClientMessage,
    Coordinate,
    Key,
    KeyDown,
    KeyUp,
    MalformedMessageError,
    Modifiers,
    MouseDown,
    MouseMove,
    MouseUp,
    Side,
    Wheel,
)

BUTTONS: Final[tuple[ButtonName, ...]] = ("left", "middle", "right", "back", "forward")
"""By `MouseEvent.button`."""
MODIFIERS: Final = {
    "alt": 1,
    "option": 1,
    "ctrl": 2,
    "control": 2,
    "meta": 4,
    "cmd": 4,
    "command": 4,
    "super": 4,
    "shift": 8,
}
"""By name in lower case, CDP's bits."""

_ButtonNumber = Annotated[int, msgspec.Meta(ge=0, le=4)]
_ModifierNames = Annotated[list[Annotated[str, msgspec.Meta(max_length=16)]], msgspec.Meta(max_length=16)]
_ModifiersTold = Modifiers | _ModifierNames


class _Placed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    x: Coordinate
    y: Coordinate
    width: Side = 0
    height: Side = 0
    modifiers: _ModifiersTold = 0


class _Move(_Placed, frozen=True, kw_only=True, tag="mousemove"):
    pass


class _Down(_Placed, frozen=True, kw_only=True, tag="mousedown"):
    button: Annotated[str, msgspec.Meta(max_length=16)] | _ButtonNumber = 0


class _Up(_Placed, frozen=True, kw_only=True, tag="mouseup"):
    button: Annotated[str, msgspec.Meta(max_length=16)] | _ButtonNumber = 0


class _Scroll(_Placed, frozen=True, kw_only=True, tag="scroll", rename="camel"):
    delta_x: Coordinate = 0
    delta_y: Coordinate = 0
    delta_mode: Annotated[int, msgspec.Meta(ge=0, le=2)] = 0


class _KeyDown(msgspec.Struct, frozen=True, kw_only=True, tag="keydown"):
    key: Key
    code: Key = ""
    modifiers: _ModifiersTold = 0
    repeat: bool = False
    location: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0


class _KeyUp(msgspec.Struct, frozen=True, kw_only=True, tag="keyup"):
    key: Key
    code: Key = ""
    modifiers: _ModifiersTold = 0
    location: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0


_Message = _Move | _Down | _Up | _Scroll | _KeyDown | _KeyUp
_DECODER: Final[msgspec.json.Decoder[_Message]] = msgspec.json.Decoder(_Message)


def read_legacy_message(data: bytes | str) -> ClientMessage:
    """Raises: MalformedMessageError."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise MalformedMessageError("too large")
    try:
        return _as_client_message(_DECODER.decode(data))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MalformedMessageError(type(error).__name__) from None


def _as_client_message(message: _Message) -> ClientMessage:
    modifiers = _modifiers(message.modifiers)
    match message:
        case _KeyDown():
            return KeyDown(
                key=message.key,
                code=message.code,
                modifiers=modifiers,
                repeat=message.repeat,
                location=message.location,
            )
        case _KeyUp():
            return KeyUp(key=message.key, code=message.code, modifiers=modifiers, location=message.location)
        case _:
            return _placed(message, modifiers)


def _placed(message: _Move | _Down | _Up | _Scroll, modifiers: int) -> ClientMessage:
    x, y, width, height = message.x, message.y, message.width, message.height
    match message:
        case _Move():
            return MouseMove(x=x, y=y, width=width, height=height, modifiers=modifiers)
        case _Down():
            button = _button(message.button)
            return MouseDown(x=x, y=y, width=width, height=height, modifiers=modifiers, button=button)
        case _Up():
            button = _button(message.button)
            return MouseUp(x=x, y=y, width=width, height=height, modifiers=modifiers, button=button)
        case _Scroll():
            return Wheel(
                x=x,
                y=y,
                width=width,
                height=height,
                modifiers=modifiers,
                delta_x=message.delta_x,
                delta_y=message.delta_y,
                mode=message.delta_mode,
            )
        case _:
            assert_never(message)


def _button(told: str | int) -> ButtonName:
    if isinstance(told, int):
        return BUTTONS[told]
    for name in BUTTONS:
        if told.lower() == name:
            return name
    raise MalformedMessageError("button")


def _modifiers(told: int | list[str]) -> int:
    if isinstance(told, int):
        return told
    bits = 0
    for name in told:
        if name.lower() not in MODIFIERS:
            raise MalformedMessageError("modifiers")
        bits |= MODIFIERS[name.lower()]
    return bits
