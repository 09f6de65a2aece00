"""The screencast of whichever page is shown, as the stream of pictures drives it."""

from collections.abc import Callable
from typing import Final

from cloche.live.screencast import CaptureParams, Screencast
from cloche.sessions.live.page import ShownPage

_TOKENS_OF_A_PAGE: Final = 1 << 20
"""CDP numbers the screencasts of one session from 1; a token tells in which session of ours."""


class ShownScreencast(Screencast):
    """Owned by the live service; outlives pages, connections and browsers."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """`changed`: told when it was begun or ended."""
        self._changed = changed
        self._page: ShownPage | None = None
        self._number = 0
        self._is_wanted = self._is_running = False

    @property
    def is_on(self) -> bool:
        """Whether pictures of the page that is shown are coming."""
        return self._is_wanted and self._page is not None

    @property
    def is_wanted(self) -> bool:
        return self._is_wanted

    def show(self, page: ShownPage | None) -> None:
        """From here on it is of this page; to be begun anew by the stream."""
        if self._page is not None and self._is_wanted:
            self._page.command("Page.stopScreencast")
        self._page = page
        self._is_running = False
        self._number += 1

    def token(self, page: ShownPage, cast: int) -> int | None:
        """What a picture is to be acknowledged by; None: it is not of the page that is shown."""
        if page is not self._page or not 0 <= cast < _TOKENS_OF_A_PAGE:
            return None
        return self._number * _TOKENS_OF_A_PAGE + cast

    # --- Screencast -------------------------------------------------------------------------------------------------

    def start(self, params: CaptureParams) -> None:
        self._is_wanted = True
        if self._page is not None:
            if self._is_running:  # Chromium refuses to begin what is already active
                self._page.command("Page.stopScreencast")
            self._is_running = True
            self._page.command(
                "Page.startScreencast",
                {
                    "format": "jpeg",
                    "quality": params.quality,
                    "everyNthFrame": params.every_nth_frame,
                    "maxWidth": params.max_width,
                    "maxHeight": params.max_height,
                },
            )
        self._changed()

    def stop(self) -> None:
        self._is_wanted = self._is_running = False
        if self._page is not None:
            self._page.command("Page.stopScreencast")
        self._changed()

    def acknowledge(self, token: int) -> None:
        number, cast = divmod(token, _TOKENS_OF_A_PAGE)
        if self._page is not None and number == self._number:
            self._page.command("Page.screencastFrameAck", {"sessionId": cast})
