"""Watches what a browser downloads, over a DevTools connection of its own that attaches to no page.

Chromium holds one way of treating downloads for each browser context, whoever set it last, and forgets it when that
client leaves; it tells every client of the browser, wherever the file goes. So ours is set when the browser is new, for
each context as its first page appears, and once more whenever another client has left.
"""

import asyncio
import socket
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Final, Protocol

import msgspec

from cloche.browser.devtools.bounds import Id, Number
from cloche.browser.devtools.codec import Json, read
from cloche.browser.devtools.connection import Connection
from cloche.browser.devtools.errors import AnswerMalformedError, DevToolsError
from cloche.browser.frame import told
from cloche.browser.page_events import ONLY_PAGES, TargetChanged, TargetFacts
from cloche.browser.redact.urls import redact_url
from cloche.browser.session_browser import HOST

OPEN_S: Final = 10.0
MAX_MESSAGE_BYTES: Final = 4 << 20
"""The address of what is downloaded comes whole, also where it is a `data:` URL with all of the file in it. One that is
larger is not read, and its download has no address."""
MAX_PAGES: Final = 1000
"""Pages whose addresses are known; what others download has no referrer."""
MAX_CONTEXTS: Final = 1000
MAX_UNDER_WAY: Final = 10_000
"""Downloads of which is known where they belong."""
MAX_NAME_CHARS: Final = 8192
MAX_PATH_CHARS: Final = 4096
MAX_ADDRESS_CHARS: Final = 16_384
"""Held until it is redacted, of which a part of this is left."""

Guid = Annotated[str, msgspec.Meta(pattern="^[0-9a-f-]{1,64}$")]


class Treatment(StrEnum):
    """CDP Browser.setDownloadBehavior's."""

    SPOOL = "allowAndName"
    REFUSE = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A download that Chromium has begun. The name is Chromium's suggestion, as it stands.

    Addresses are cut, and whole otherwise: `redacted` is what may be kept. It takes milliseconds of one that is made to
    be slow, which is too much for each of thousands that nobody keeps.
    """

    guid: str
    url: str = field(default="", repr=False)
    referrer: str = field(default="", repr=False)
    suggested_name: str = ""

    def redacted(self) -> tuple[str, str]:
        """Its own address and that of its referrer, without secrets."""
        return redact_url(self.url), redact_url(self.referrer)


class Listener(Protocol):
    """Told of each download, in order. Must not block. Everything is the browser's word, and may come at any rate."""

    def began(self, download: Begun) -> None: ...

    def grew(self, guid: str, received_bytes: int, total_bytes: int) -> None:
        """`total_bytes` 0: not known."""
        ...

    def completed(self, guid: str, path: str) -> None:
        """`path`: where it lies inside the sandbox; empty where Chromium did not say."""
        ...

    def canceled(self, guid: str) -> None:
        """By whoever, or it failed, or it was refused."""
        ...


class _WillBegin(msgspec.Struct):
    guid: Guid
    frameId: Id = ""
    url: str = ""
    suggestedFilename: str = ""


class _Progress(msgspec.Struct):
    guid: Guid
    totalBytes: Number = 0.0
    receivedBytes: Number = 0.0
    state: str = "inProgress"
    filePath: str = ""


class _Destroyed(msgspec.Struct):
    targetId: Id


class DownloadWatch:
    """Made by `open`; ends with `close`, or by itself when the browser does."""

    def __init__(self, listener: Listener, spool: str, treatment: Treatment) -> None:
        self._listener = listener
        self._spool = spool
        self._treatment = treatment
        self._connection: Connection | None = None
        self._pages: dict[str, TargetFacts] = {}
        self._contexts: set[str] = set()
        self._where: dict[str, str] = {}
        """The context of each download that has not ended."""

    @classmethod
    async def open(
        cls, sock: socket.socket, path: str, listener: Listener, *, spool: str, treatment: Treatment
    ) -> "DownloadWatch":
        """Connect over a socket that leads to Chromium's DevTools port; it is the watch's from here on.

        When this returns, downloads are treated so. Raises: ActionError (`browser_restarted`, `browser_failed`).
        """
        watch = cls(listener, spool, treatment)
        try:
            connection = await Connection.connect(sock, path, HOST, watch._take, max_bytes=MAX_MESSAGE_BYTES)
            watch._connection = connection
            discovering: Json = {"discover": True, "filter": ONLY_PAGES}
            async with asyncio.timeout(OPEN_S):
                # Both are on their way before either is answered.
                treated = connection.begin("Browser.setDownloadBehavior", watch._treated())
                discovered = connection.begin("Target.setDiscoverTargets", discovering)
                await treated
                await discovered
        except TimeoutError:
            watch.close()
            raise told(DevToolsError("the browser did not answer")) from None
        except DevToolsError as error:
            watch.close()
            raise told(error) from None
        except BaseException:
            watch.close()
            raise
        return watch

    @property
    def is_closed(self) -> bool:
        return self._connection is None or self._connection.is_closed

    def close(self) -> None:
        """End the connection. Chromium goes back to its own way with downloads; those under way go on."""
        if self._connection is not None:
            self._connection.close()

    async def ended(self) -> None:
        """Wait until the connection has ended, for whatever reason."""
        if self._connection is not None:
            await asyncio.shield(self._connection.ended)

    def treat(self, treatment: Treatment) -> None:
        """Have all downloads that begin from now on treated so, in every context."""
        self._treatment = treatment
        self.insist()

    def insist(self) -> None:
        """Set it again: a client that had set something else has left, and Chromium forgets ours with that."""
        self._send("Browser.setDownloadBehavior", self._treated())
        for context in self._contexts:
            self._send("Browser.setDownloadBehavior", self._treated(context))

    def cancel(self, guid: str) -> None:
        """End a download that is under way; Chromium removes what there is of it."""
        context = self._where.get(guid, "")
        self._send("Browser.cancelDownload", {"guid": guid} | ({"browserContextId": context} if context else {}))

    def _treated(self, context: str = "") -> Json:
        params: Json = {"behavior": self._treatment.value, "eventsEnabled": True}
        if self._treatment is Treatment.SPOOL:
            params["downloadPath"] = self._spool
        if context:
            params["browserContextId"] = context
        return params

    def _send(self, method: str, params: dict[str, Any]) -> None:
        if self._connection is not None:
            # A context, or a download, may be gone by the time it is named; then there is nothing to be done about it.
            self._connection.begin(method, params).add_done_callback(lambda done: done.cancelled() or done.exception())

    # --- events -----------------------------------------------------------------------------------------------------

    def _take(self, session_id: str, method: str, params: msgspec.Raw) -> None:
        try:
            match method:
                case "Target.targetCreated" | "Target.targetInfoChanged":
                    self._page_is(read(params, TargetChanged).targetInfo)
                case "Target.targetDestroyed":
                    self._page_gone(read(params, _Destroyed).targetId)
                case "Browser.downloadWillBegin":
                    self._will_begin(read(params, _WillBegin))
                case "Browser.downloadProgress":
                    self._progressed(read(params, _Progress))
                case _:
                    return
        except AnswerMalformedError:
            if self._connection is not None:
                self._connection.not_understood(method)

    def _page_is(self, facts: TargetFacts) -> None:
        context = facts.browserContextId
        if facts.targetId in self._pages or len(self._pages) < MAX_PAGES:
            self._pages[facts.targetId] = facts
        if context and context not in self._contexts and len(self._contexts) < MAX_CONTEXTS:
            self._contexts.add(context)
            self._send("Browser.setDownloadBehavior", self._treated(context))

    def _page_gone(self, target_id: str) -> None:
        facts = self._pages.pop(target_id, None)
        if facts is not None and all(page.browserContextId != facts.browserContextId for page in self._pages.values()):
            self._contexts.discard(facts.browserContextId)

    def _will_begin(self, event: _WillBegin) -> None:
        page = self._pages.get(event.frameId)
        if page is not None and len(self._where) < MAX_UNDER_WAY:
            self._where[event.guid] = page.browserContextId
        self._listener.began(
            Begun(
                guid=event.guid,
                url=event.url[:MAX_ADDRESS_CHARS],
                referrer=self._referrer(page)[:MAX_ADDRESS_CHARS],
                suggested_name=event.suggestedFilename[:MAX_NAME_CHARS],
            )
        )

    def _referrer(self, page: TargetFacts | None) -> str:
        """A tab that was opened only for the download has no address; whoever opened it has."""
        if page is not None and page.url in ("", "about:blank"):
            page = self._pages.get(page.openerId)
        return page.url if page is not None else ""

    def _progressed(self, event: _Progress) -> None:
        match event.state:
            case "completed":
                self._where.pop(event.guid, None)
                self._listener.completed(event.guid, event.filePath[:MAX_PATH_CHARS])
            case "canceled":
                self._where.pop(event.guid, None)
                self._listener.canceled(event.guid)
            case _:
                self._listener.grew(event.guid, int(event.receivedBytes), int(event.totalBytes))
