"""The DevTools events that keep a tab's picture of its page up to date, as far as they are read."""

from typing import Final

import msgspec


class FrameFacts(msgspec.Struct):
    """CDP Page.Frame."""

    id: str
    parentId: str = ""
    loaderId: str = ""
    url: str = ""
    urlFragment: str = ""
    name: str = ""
    unreachableUrl: str = ""


class FrameTree(msgspec.Struct):
    frame: FrameFacts
    childFrames: list["FrameTree"] = []


class FrameTreeAnswer(msgspec.Struct):
    frameTree: FrameTree


class FrameAttached(msgspec.Struct):
    frameId: str
    parentFrameId: str = ""


class FrameDetached(msgspec.Struct):
    frameId: str
    reason: str = "remove"


class FrameNavigated(msgspec.Struct):
    frame: FrameFacts


class WithinDocument(msgspec.Struct):
    frameId: str
    url: str = ""


class Lifecycle(msgspec.Struct):
    frameId: str
    loaderId: str = ""
    name: str = ""


class DialogOpening(msgspec.Struct):
    url: str = ""
    message: str = ""
    type: str = ""
    defaultPrompt: str = ""


class ContextDestroyed(msgspec.Struct):
    executionContextId: int = 0


class TargetFacts(msgspec.Struct):
    """CDP Target.TargetInfo."""

    targetId: str
    type: str = ""
    title: str = ""
    url: str = ""
    openerId: str = ""
    browserContextId: str = ""


class Attached(msgspec.Struct):
    sessionId: str
    targetInfo: TargetFacts


class Detached(msgspec.Struct):
    sessionId: str = ""
    targetId: str = ""


class TargetChanged(msgspec.Struct):
    targetInfo: TargetFacts


class TargetsAnswer(msgspec.Struct):
    targetInfos: list[TargetFacts] = []


ONLY_IFRAMES: Final = [{"type": "iframe", "exclude": False}, {"exclude": True}]
ONLY_PAGES: Final = [{"type": "page", "exclude": False}, {"exclude": True}]
