"""Puts the page script's files together, once, when the daemon starts."""

from pathlib import Path
from typing import Final

FILES: Final = (
    "base",
    "visibility",
    "selectors",
    "pointing",
    "editing",
    "waiting",
    "reading",
    "naming",
    "snapshot",
    "text",
    "capture",
)
"""In this order: later ones use what is in earlier ones."""


def _assemble() -> str:
    directory = Path(__file__).parent
    parts = [
        f"(function (cloche) {{\n{(directory / f'{name}.js').read_text(encoding='utf-8')}\n}})(cloche);"
        for name in FILES
        if (directory / f"{name}.js").exists()
    ]
    return "(() => {\n'use strict';\nconst cloche = {};\n" + "\n".join(parts) + "\nglobalThis.cloche = cloche;\n})()"


LIBRARY: Final = _assemble()
"""An expression that makes `cloche` in the world it is evaluated in."""
