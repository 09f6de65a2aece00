"""The DevTools events that keep a tab's picture of its page up to date, as far as they are read."""

from typing import Final

import msgspec

from cloche.browser.devtools.bounds import Id

MAX_URL_CHARS: Final = 64 << 10
"""Of an address that is kept. Chromium lets pages have two megabytes, and a page may have a thousand frames."""
MAX_TITLE_CHARS: Final = 4096
MAX_NAME_CHARS: Final = 1024


class FrameFacts(msgspec.Struct):
    """CDP Page.Frame."""

    id: Id
    parentId: Id = ""
    loaderId: Id = ""
    url: str = ""
    urlFragment: str = ""
    name: str = ""
    unreachableUrl: str = ""

    def __post_init__(self) -> None:
        self.url, self.urlFragment = self.url[:MAX_URL_CHARS], self.urlFragment[:MAX_URL_CHARS]
        self.name = self.name[:MAX_NAME_CHARS]


class FrameTree(msgspec.Struct):
    frame: FrameFacts
    childFrames: list["FrameTree"] = []


class FrameTreeAnswer(msgspec.Struct):
    frameTree: FrameTree


class FrameAttached(msgspec.Struct):
    frameId: Id
    parentFrameId: Id = ""


class FrameDetached(msgspec.Struct):
    frameId: Id
    reason: str = "remove"


class FrameNavigated(msgspec.Struct):
    frame: FrameFacts
    type: str = ""


class WithinDocument(msgspec.Struct):
    frameId: Id
    url: str = ""

    def __post_init__(self) -> None:
        self.url = self.url[:MAX_URL_CHARS]


class Lifecycle(msgspec.Struct):
    frameId: Id
    loaderId: Id = ""
    name: Id = ""


class NavigationRequested(msgspec.Struct):
    frameId: Id = ""
    url: str = ""
    disposition: str = "currentTab"

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is to be in a tab or window of its own."""
        return self.disposition in ("newTab", "newWindow")


class DialogOpening(msgspec.Struct):
    url: str = ""
    message: str = ""
    type: Id = ""
    defaultPrompt: str = ""


class ContextDestroyed(msgspec.Struct):
    executionContextId: int = 0


class TargetFacts(msgspec.Struct):
    """CDP Target.TargetInfo."""

    targetId: Id
    type: str = ""
    title: str = ""
    url: str = ""
    openerId: Id = ""
    browserContextId: Id = ""

    def __post_init__(self) -> None:
        self.title, self.url = self.title[:MAX_TITLE_CHARS], self.url[:MAX_URL_CHARS]


class Attached(msgspec.Struct):
    sessionId: Id
    targetInfo: TargetFacts


class Detached(msgspec.Struct):
    sessionId: Id = ""
    targetId: Id = ""


class TargetChanged(msgspec.Struct):
    targetInfo: TargetFacts


class TargetsAnswer(msgspec.Struct):
    targetInfos: list[TargetFacts] = []


ONLY_IFRAMES: Final = [{"type": "iframe", "exclude": False}, {"exclude": True}]
ONLY_PAGES: Final = [{"type": "page", "exclude": False}, {"exclude": True}]
