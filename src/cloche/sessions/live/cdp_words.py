"""What the live view reads of DevTools' events and answers, held to what is true of every honest browser. Pure."""

from typing import Annotated, Final

import msgspec

from cloche.browser.devtools.bounds import Id, Number, Whole

MAX_DIALOG_CHARS: Final = 4096
MAX_SAID_CHARS: Final = 512 << 10
"""Of what our script says at once: 64 Ki characters of copied text, all of them escaped."""

Side = Annotated[float, msgspec.Meta(ge=0, le=1e5)]


class FrameMetadata(msgspec.Struct):
    """CDP Page.ScreencastFrameMetadata."""

    deviceWidth: Side = 0
    deviceHeight: Side = 0
    timestamp: Number = 0


class ScreencastFrame(msgspec.Struct):
    data: bytes
    """Base64 in the message, bytes here."""
    metadata: FrameMetadata
    sessionId: Whole


class Visibility(msgspec.Struct):
    visible: bool = True


class OfFrame(msgspec.Struct):
    frameId: Id = ""


class BindingCalled(msgspec.Struct):
    name: Id
    payload: Annotated[str, msgspec.Meta(max_length=MAX_SAID_CHARS)]
    executionContextId: Whole


class Entry(msgspec.Struct):
    id: Whole


class History(msgspec.Struct):
    """CDP Page.getNavigationHistory, without the addresses."""

    currentIndex: Whole = 0
    entries: list[Entry] = []


class TargetId(msgspec.Struct):
    targetId: Id = ""


class Navigated(msgspec.Struct):
    """The answer to Page.navigate."""

    errorText: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    isDownload: bool = False


class Box(msgspec.Struct):
    pageX: Number = 0
    pageY: Number = 0
    clientWidth: Side = 0
    clientHeight: Side = 0


class LayoutMetrics(msgspec.Struct):
    cssVisualViewport: Box


class Screenshot(msgspec.Struct):
    data: bytes


class Version(msgspec.Struct):
    product: Id = ""


class Said(msgspec.Struct):
    """What our script in the page tells: `in_page.js`. A page that has broken out of its world can say all of it."""

    cursor: Annotated[str, msgspec.Meta(max_length=64)] = ""
    editing: bool | None = None
    copied: str | None = None
