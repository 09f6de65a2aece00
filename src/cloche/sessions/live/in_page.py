"""Our script in the page that is shown, and what it says."""

from pathlib import Path
from typing import Final

import msgspec

from cloche.sessions.live.cdp_words import Said

WORLD: Final = "cloche-live"
MAX_COPIED_BYTES: Final = 64 << 10
_SOURCE: Final = Path(__file__).with_name("in_page.js").read_text(encoding="utf-8")
_SAID: Final = msgspec.json.Decoder(Said)


def script(binding: str) -> str:
    """The source, for a connection whose binding has this name."""
    return _SOURCE.replace("globalThis.BINDING", f"globalThis.{binding}")


def read_said(payload: str) -> Said | None:
    """None: it is nothing that the script says."""
    try:
        return _SAID.decode(payload)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
