"""Unpacked extensions: directories of the workspace that Chromium is told to load."""

import json
import os
import re
import stat
from collections.abc import Sequence
from typing import Any, Final

from cloche.agent.machine.beneath import Place, Places, open_beneath
from cloche.agent.machine.problem import Problem, problem_of

_MAX_MANIFEST_BYTES: Final = 256 * 1024
_COMMENT: Final = re.compile(r"^\s*//.*$", re.MULTILINE)
"""Chromium takes these in a manifest, JSON does not."""


def find_extensions(places: Places, paths: Sequence[str]) -> tuple[str, ...]:
    """Return where these extensions really lie, each looked into.

    Raises:
        Problem: 400 `invalid_extension`, or what is wrong with the path.
    """
    return tuple(_find(places.locate(os.fsencode(path)), path) for path in paths)


def _find(place: Place, shown: str) -> str:
    try:
        fd = open_beneath(place, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _no_extension(shown, problem_of(error).message) from None
    try:
        _check_manifest(fd, shown)
        # Where the kernel says that it is: no link of the path is followed once more.
        path = os.readlink(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)
    if "," in path or not path.isprintable():
        raise _no_extension(shown, "its path holds a comma, or what cannot be printed")
    return path


def _check_manifest(directory: int, shown: str) -> None:
    try:
        fd = os.open("manifest.json", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    except OSError:
        raise _no_extension(shown, "there is no manifest.json in it") from None
    try:
        is_file = stat.S_ISREG(os.fstat(fd).st_mode)
        text = os.read(fd, _MAX_MANIFEST_BYTES + 1) if is_file else b""
    finally:
        os.close(fd)
    if not is_file or len(text) > _MAX_MANIFEST_BYTES:
        raise _no_extension(shown, "its manifest.json is no file, or too large")
    if not is_manifest(text):
        raise _no_extension(shown, "its manifest.json is none")


def is_manifest(text: bytes) -> bool:
    """Whether it names an extension, as Chromium wants it (developer.chrome.com, Manifest file format)."""
    try:
        value: Any = json.loads(_COMMENT.sub("", text.decode("utf-8-sig")))
    except (ValueError, RecursionError):
        return False
    if not isinstance(value, dict):
        return False
    version = value.get("manifest_version")
    return (
        isinstance(version, int)
        and not isinstance(version, bool)
        and all(isinstance(value.get(name), str) and value[name] for name in ("name", "version"))
    )


def _no_extension(shown: str, why: str) -> Problem:
    return Problem(400, "invalid_extension", f"{shown[:256]!r}: {why}", field="extensions")
