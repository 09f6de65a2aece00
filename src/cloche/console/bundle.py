"""The built console, held in memory: a page is served without waiting for a disk, and a build replaces it whole."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 64 << 20
"""Of all files together: a build is a few megabytes, and what is larger is none of ours."""

MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
"""Whatever else lies there is not served."""
PACKED: Final = frozenset({".css", ".js", ".json", ".svg"})

NONCE: Final = "CLOCHE_CSP_NONCE"
"""What `console/vite.config.ts` writes wherever a nonce belongs."""

_HASHED: Final = re.compile(r"-[A-Za-z0-9_-]{8,}\.[a-z0-9]+")

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: as it is and, where that is worth it, packed with gzip. `is_hashed`: its name changes with it."""

    content: bytes
    packed: bytes | None
    media_type: str
    etag: str
    is_hashed: bool


@dataclass(frozen=True, slots=True)
class Bundle:
    """A build. `index` has `NONCE` in place of nonces; `assets` are keyed by their path below `assets/`."""

    index: str
    assets: Mapping[str, Asset]
    stamp: Stamp


def stamp_of(directory: Path) -> Stamp | None:
    """What tells one build from another; None where there is none. Blocks."""
    try:
        stat = (directory / "index.html").stat()
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def load(directory: Path) -> Bundle | None:
    """Read the build in `directory`, or None where there is none, or half of one. Blocks."""
    stamp = stamp_of(directory)
    if stamp is None:
        return None
    try:
        index = (directory / "index.html").read_text("utf-8")
        assets = dict(_assets(directory / "assets"))
    except (OSError, UnicodeDecodeError):
        return None
    return Bundle(index=index, assets=assets, stamp=stamp)


def _assets(directory: Path) -> list[tuple[str, Asset]]:
    found: list[tuple[str, Asset]] = []
    left = MAX_BYTES
    for path in sorted(directory.rglob("*")):
        media_type = MEDIA_TYPES.get(path.suffix)
        if media_type is None or path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes()
        left -= len(content)
        if left < 0:
            raise OSError(f"more than {MAX_BYTES} bytes")
        found.append((path.relative_to(directory).as_posix(), _asset(path, content, media_type)))
    return found


def _asset(path: Path, content: bytes, media_type: str) -> Asset:
    packed = gzip.compress(content, compresslevel=6, mtime=0) if path.suffix in PACKED else None
    if packed is not None and len(packed) >= len(content):
        packed = None
    return Asset(
        content=content,
        packed=packed,
        media_type=media_type,
        etag=f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        is_hashed=_HASHED.search(path.name) is not None,
    )
