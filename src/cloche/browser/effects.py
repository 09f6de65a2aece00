"""What an action causes: watched from before it until shortly after, told in its answer."""

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import msgspec

from cloche.browser.contract.actions import DownloadInfo, Effects
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.devtools.bounds import Id
from cloche.browser.devtools.codec import read
from cloche.browser.devtools.session import TargetSession
from cloche.browser.page_events import FrameNavigated, NavigationRequested, WithinDocument
from cloche.browser.redact.urls import redact_url
from cloche.browser.tab import OnEvent, Tab

TAB_S: Final = 1.0
"""How long a tab that the page has asked for may take to open; Chromium may also refuse it without a word."""
CHOOSER_S: Final = 0.3
"""How long Chromium may take to tell of a file chooser."""
DOWNLOAD_S: Final = 0.15
"""How long after a navigation that came to nothing Chromium may take to tell of the download that it became."""
LINKED_DOWNLOAD_S: Final = 1.0
"""How long one may take that a link names as such. The page may also have kept it from beginning."""
MAX_DOWNLOADS: Final = 16


class _Starting(msgspec.Struct):
    frameId: str = ""
    url: str = ""


class _Download(msgspec.Struct):
    guid: Id = ""
    url: str = ""
    suggestedFilename: str = ""


@dataclass(slots=True)
class Watch:
    """Made by `watching`, for one action on one tab."""

    tab: Tab
    navigated_url: str = ""
    file_chooser: bool = False
    download_due: bool = False
    """A link to a download was clicked, which Chromium tells of only when the server has answered."""
    _before: frozenset[str] = frozenset()
    _going_to: str = ""
    """Where the main frame is on its way to."""
    _came_to_nothing: bool = False
    _windows: int = 0
    _elsewhere: int = 0
    """Windows and tabs that the page has asked for; Chromium tells of some in both ways."""
    _opened_before: int = 0
    _downloads: list[DownloadInfo] = field(default_factory=list)

    @property
    def is_navigating(self) -> bool:
        """Whether the main frame has left its document, or is about to."""
        return bool(self._going_to or self.navigated_url)

    async def chooser_may_come(self, deadline: float) -> None:
        """Wait for it a moment: the page has used up a click, for which a tab it asked for would be a reason too."""
        soon = min(deadline, asyncio.get_running_loop().time() + CHOOSER_S)
        with contextlib.suppress(ActionError):  # a tab that has closed, or crashed, is for `settle` to tell
            await self.tab.until(lambda: self.file_chooser or self._windows > 0 or self._is_held_up(), soon)

    async def settle(self, deadline: float) -> Effects:
        """Wait until what was begun shows: a navigation's commit, a tab's opening. Then tell all of it.

        Raises: ActionError (`page_crashed`).
        """
        soon = min(deadline, asyncio.get_running_loop().time() + TAB_S)
        try:
            await self.tab.until(lambda: self._is_held_up() or self.has_tabs(), soon)
            await self.tab.until(lambda: self._is_held_up() or not self._going_to, deadline)
            if self.download_due or (self._came_to_nothing and not self.navigated_url):
                patience_s = LINKED_DOWNLOAD_S if self.download_due else DOWNLOAD_S
                soon = min(deadline, asyncio.get_running_loop().time() + patience_s)
                await self.tab.until(lambda: bool(self._downloads), soon)
        except ActionError as error:
            if error.code is not Failure.TAB_NOT_FOUND:  # the action closed its own tab
                raise
        return self.effects()

    def effects(self) -> Effects:
        return Effects(
            navigated=bool(self.navigated_url),
            navigated_url=self.navigated_url or self._going_to,
            new_tab_ids=self._new_tabs(),
            downloads=list(self._downloads),
            dialog=self.tab.dialog,
            file_chooser=self.file_chooser,
        )

    def _is_held_up(self) -> bool:
        return self.tab.dialog is not None

    def _new_tabs(self) -> list[str]:
        tabs = self.tab.browser.tabs
        return [id_ for id_, tab in tabs.items() if id_ not in self._before and tab.opener_id == self.tab.id]

    def has_tabs(self) -> bool:
        """Whether all tabs have come that the page has asked for."""
        # Also those that were closed at once: by the page itself, or because there were enough.
        opened = self.tab.browser.popups.opened[self.tab.id] - self._opened_before
        return opened >= max(self._windows, self._elsewhere)

    # --- events -----------------------------------------------------------------------------------------------------

    def listeners(self) -> dict[str, OnEvent]:
        return {
            "Page.frameRequestedNavigation": self._requested,
            "Page.frameStartedNavigating": self._starting,
            "Page.frameNavigated": self._navigated,
            "Page.navigatedWithinDocument": self._within_document,
            "Page.frameStoppedLoading": self._stopped,
            "Page.windowOpen": self._window_asked,
            "Page.downloadWillBegin": self._download,
            "Page.fileChooserOpened": self._chooser_opened,
        }

    def _requested(self, session: TargetSession, params: msgspec.Raw) -> None:
        event = read(params, NavigationRequested)
        if event.disposition == "currentTab" and event.frameId == self.tab.id:
            self._going_to = event.url
        elif event.is_elsewhere:
            self._elsewhere += 1

    def _starting(self, session: TargetSession, params: msgspec.Raw) -> None:
        event = read(params, _Starting)
        if event.frameId == self.tab.id:
            self._going_to = event.url

    def _navigated(self, session: TargetSession, params: msgspec.Raw) -> None:
        if read(params, FrameNavigated).frame.id == self.tab.id:
            self.navigated_url, self._going_to = self.tab.url, ""

    def _within_document(self, session: TargetSession, params: msgspec.Raw) -> None:
        if read(params, WithinDocument).frameId == self.tab.id:
            self.navigated_url, self._going_to = self.tab.url, ""

    def _stopped(self, session: TargetSession, params: msgspec.Raw) -> None:
        """Also what came to nothing: a 204, a download, a navigation that was stopped."""
        if read(params, WithinDocument).frameId == self.tab.id:
            self._came_to_nothing |= bool(self._going_to)
            self._going_to = ""

    def _window_asked(self, session: TargetSession, params: msgspec.Raw) -> None:
        self._windows += 1

    def _download(self, session: TargetSession, params: msgspec.Raw) -> None:
        event = read(params, _Download)
        self._going_to = ""
        if len(self._downloads) < MAX_DOWNLOADS:
            self._downloads.append(
                DownloadInfo(
                    url=redact_url(event.url), suggested_filename=event.suggestedFilename[:255], guid=event.guid
                )
            )

    def _chooser_opened(self, session: TargetSession, params: msgspec.Raw) -> None:
        self.file_chooser = True


@contextmanager
def watching(tab: Tab) -> Iterator[Watch]:
    watch = Watch(tab, _before=frozenset(tab.browser.tabs), _opened_before=tab.browser.popups.opened[tab.id])
    with tab.listening(watch.listeners()):
        yield watch
