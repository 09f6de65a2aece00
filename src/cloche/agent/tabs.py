"""The open tabs of a browser: noted before it is stopped, opened again in the next one.

They are written into the user-data directory, so that a profile that is carried elsewhere brings them along. Whatever
is read back, from there or from DevTools, was written by a stranger: it is bounded, and each address is checked as one
that a session may be started with. Files, extensions' pages and the browser's own are not opened again.

DevTools lists the tab that was last in front first. They are kept the other way round, and opened in that order: so the
next browser has the same one in front, and lists them as this one did.
"""

import contextlib
import json
import os
import stat
import time
from collections.abc import Sequence
from itertools import islice
from typing import Final

from cloche.agent.devtools import DevTools, ask
from cloche.agent.loop import Loop
from cloche.wire.start_url import check_start_url

MAX_TABS: Final = 50
NAME: Final = "cloche-tabs.json"
"""In the user-data directory: a JSON array of addresses."""

_MAX_LIST_BYTES: Final = 4 * 1024 * 1024
"""Of what DevTools says: titles, icons and data URLs of any length are in it."""
_MAX_FILE_BYTES: Final = 512 * 1024
_NOTED_WITHIN_S: Final = 2.0
_NOWHERE_S: Final = 0.25
"""How long a page may be at no address before it counts as one that has none. Chromium has each new tab that is sent
somewhere so for some 10 ms, between the process that it was made with and the one of its page."""
_OPENED_WITHIN_S: Final = 10.0
"""All of them. Full Chromium takes 40–200 ms for one."""
_MAX_LOOKED_AT: Final = 1000
"""Of a list: 512 KiB of short ones would take half a second."""
_UNRESERVED: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")


async def note_tabs(loop: Loop, devtools: DevTools) -> list[str]:
    """Return the addresses of the tabs that can be opened again, the one in front last.

    Raises:
        OSError, ValueError: the browser does not tell.
    """
    began = time.monotonic()
    while True:
        pages = _pages(await ask(loop, devtools.port, "GET", "/json/list", began + _NOTED_WITHIN_S, _MAX_LIST_BYTES))
        if "" not in pages or time.monotonic() > began + _NOWHERE_S:
            return choose_tabs(pages)[::-1]
        await loop.sleep(_NOWHERE_S / 10)


def _pages(body: bytes) -> list[object]:
    """The addresses of the pages in a list of DevTools. Raises: ValueError."""
    try:
        value = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(value, list):
        raise ValueError("no list of tabs")
    return [entry.get("url") for entry in value if isinstance(entry, dict) and entry.get("type") == "page"]


def choose_tabs(urls: Sequence[object]) -> list[str]:
    """Return the first 50 that can be opened again, in order. Only so many are looked at: nobody else gets a turn."""
    fit = (url for url in urls[:_MAX_LOOKED_AT] if isinstance(url, str) and _can_be_opened(url))
    return list(islice(fit, MAX_TABS))


def _can_be_opened(url: str) -> bool:
    try:
        return check_start_url(url) == url  # and not what a person may type instead of one
    except ValueError:
        return False


async def open_tabs(loop: Loop, devtools: DevTools, urls: Sequence[str], deadline: float) -> int:
    """Open them one after the other; return how many could be."""
    opened, deadline = 0, min(deadline, time.monotonic() + _OPENED_WITHIN_S)
    for url in urls:
        with contextlib.suppress(OSError, ValueError):  # the others may go well, and none is worth a failed start
            await ask(loop, devtools.port, "PUT", f"/json/new?{escape(url)}", deadline)
            opened += 1
    return opened


def escape(url: str) -> str:
    """Percent-encode all of it: Chromium undoes exactly that (content/browser/devtools/devtools_http_handler.cc)."""
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in url.encode())


def write_tabs(user_data_dir: str, urls: Sequence[str]) -> None:
    """Leave them in the user-data directory, for the next browser there, instead of what an earlier one left.

    Raises:
        OSError
    """
    fresh = f"{user_data_dir}/{NAME}.{os.urandom(8).hex()}"
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            view = memoryview(json.dumps(list(urls)).encode())
            while view:
                view = view[os.write(fd, view) :]
        finally:
            os.close(fd)
        os.rename(fresh, f"{user_data_dir}/{NAME}")
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        raise


def read_tabs(user_data_dir: str) -> list[str] | None:
    """Return what `write_tabs` left, or None where there is nothing, or nothing that it would have written."""
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        fd = os.open(f"{user_data_dir}/{NAME}", flags)
    except OSError:
        return None
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_FILE_BYTES:
            return None
        value = json.loads(os.read(fd, _MAX_FILE_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    finally:
        os.close(fd)
    return choose_tabs(value) if isinstance(value, list) else None


def forget_tabs(user_data_dir: str) -> None:
    """Remove what `write_tabs` left: it has been opened, and will not be true any more."""
    with contextlib.suppress(OSError):
        os.unlink(f"{user_data_dir}/{NAME}")
