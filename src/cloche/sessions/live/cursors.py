"""Which words a page may send as the shape of the pointer. Pure. CSS Basic User Interface Level 4, section 5.1.1."""

from typing import Final

DEFAULT: Final = "default"
KEYWORDS: Final = frozenset(
    {
        "alias",
        "all-scroll",
        "cell",
        "col-resize",
        "context-menu",
        "copy",
        "crosshair",
        "default",
        "e-resize",
        "ew-resize",
        "grab",
        "grabbing",
        "help",
        "move",
        "n-resize",
        "ne-resize",
        "nesw-resize",
        "no-drop",
        "none",
        "not-allowed",
        "ns-resize",
        "nw-resize",
        "nwse-resize",
        "pointer",
        "progress",
        "row-resize",
        "s-resize",
        "se-resize",
        "sw-resize",
        "text",
        "vertical-text",
        "w-resize",
        "wait",
        "zoom-in",
        "zoom-out",
    }
)


def cursor_of(word: str) -> str:
    """The keyword, or `default` for whatever is none: what viewers are told becomes a style of their own page."""
    return word if word in KEYWORDS else DEFAULT
