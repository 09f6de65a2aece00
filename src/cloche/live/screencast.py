"""The browser's side of capturing, as `stream` uses it: commands of CDP's Page domain for the tab that is shown."""

from dataclasses import dataclass
from typing import Final, Protocol

MAX_WIDTH: Final = 1920
MAX_HEIGHT: Final = 1200


@dataclass(frozen=True, slots=True)
class CaptureParams:
    """Of `Page.startScreencast`."""

    quality: int = 80
    every_nth_frame: int = 1
    max_width: int = MAX_WIDTH
    """In device pixels; a larger page is sent smaller."""
    max_height: int = MAX_HEIGHT


class Screencast(Protocol):
    """Implemented by the session. None waits, none raises; without a browser they do nothing.

    Each picture is given to `LiveStream.took` with a `token`; Chromium sends at most two that are not acknowledged.
    """

    def start(self, params: CaptureParams) -> None:
        """Begin, or begin anew with other parameters: Chromium then sends a picture of the page as it is."""
        ...

    def stop(self) -> None: ...

    def acknowledge(self, token: int) -> None: ...
