"""What kind of thing a viewer did, as the metrics count it. Pure."""

from cloche.live.messages import (
    BrowserMessage,
    Compose,
    Copy,
    InputMessage,
    Insert,
    KeyDown,
    KeyUp,
    MouseDown,
    MouseMove,
    MouseUp,
    Paste,
    ReleaseAll,
    Touch,
    Wheel,
)


def kind_of(message: InputMessage | BrowserMessage) -> str:
    """A word of `live.metrics.INPUT_EVENTS`."""
    match message:
        case MouseMove() | MouseDown() | MouseUp():
            return "mouse"
        case Wheel():
            return "wheel"
        case Touch():
            return "touch"
        case KeyDown() | KeyUp() | ReleaseAll():
            return "key"
        case Insert() | Compose():
            return "text"
        case Paste() | Copy():
            return "clipboard"
        case _:
            return "browser"
