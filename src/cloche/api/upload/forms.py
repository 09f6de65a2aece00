"""What the parts of an upload's form mean. Pure: names and short texts in, the agent's last record out."""

import base64
import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

from cloche.errors import InvalidError
from cloche.sessions import machine_bodies
from cloche.wire.machine import MAX_PATH_BYTES
from cloche.wire.upload import MAX_PARTS

MAX_TEXT_BYTES: Final = MAX_PATH_BYTES
MAX_STRIP_COMPONENTS: Final = 64

_INDEXED: Final = re.compile(r"files(?:\[(\d{1,6})\]|\.(\d{1,6}))(?:\.(file|dest_path)|\[(file|dest_path)\])")
_DEST: Final = "dest_path"


class Form(Protocol):
    """The parts of a form, as they come and in whatever order. Everything raises InvalidError."""

    def begin(self, name: str) -> int | None:
        """Return the number of a part that is a file; None for a text, which `text` is then called with."""
        ...

    def text(self, name: str, value: bytes) -> None: ...

    def finish(self) -> dict[str, Any]:
        """What the agent is told at the end."""
        ...


class FilesForm:
    """`files[0].file` and `files[0].dest_path` (also `files[0][file]`, `files.0.file`), or one `file`, `dest_path`."""

    def __init__(self) -> None:
        self._begun: set[tuple[str, str]] = set()
        self._parts: dict[str, int] = {}
        self._paths: dict[str, bytes] = {}

    def begin(self, name: str) -> int | None:
        index, what = _place(name)
        if (index, what) in self._begun:
            raise _twice(name)
        self._begun.add((index, what))
        if what == _DEST:
            return None
        if len(self._parts) >= MAX_PARTS:
            raise InvalidError(f"at most {MAX_PARTS} files at once", field=name)
        return self._parts.setdefault(index, len(self._parts))

    def text(self, name: str, value: bytes) -> None:
        self._paths[_place(name)[0]] = checked_path(value, name)

    def finish(self) -> dict[str, Any]:
        if not self._begun:
            raise InvalidError("the form holds no file", field="file")
        for index in self._parts.keys() ^ self._paths.keys():
            what = _DEST if index in self._parts else "file"
            raise InvalidError("is missing", field=f"files[{index}].{what}" if index else what)
        return {
            "files": [{"part": self._parts[index], "dest_b64": _encoded(self._paths[index])} for index in self._parts]
        }


class ArchiveForm:
    """One archive under its name, `dest_path`, and perhaps `strip_components` and `replace`."""

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name
        self._texts = {_DEST, "replace", "strip_components"}
        self._begun: set[str] = set()
        self._values: dict[str, bytes] = {}

    def begin(self, name: str) -> int | None:
        if name not in self._texts and name != self._file_name:
            raise _unknown(name)
        if name in self._begun:
            raise _twice(name)
        self._begun.add(name)
        return 0 if name == self._file_name else None

    def text(self, name: str, value: bytes) -> None:
        self._values[name] = value

    def finish(self) -> dict[str, Any]:
        for name in (self._file_name, _DEST):
            if name not in self._begun:
                raise InvalidError("is missing", field=name)
        return archive_fields(self._values)


def archive_fields(values: Mapping[str, bytes]) -> dict[str, Any]:
    """Where an archive goes, and how, from texts. Raises: InvalidError."""
    strip, replace = values.get("strip_components", b"0"), values.get("replace", b"false")
    if not strip.isdigit() or len(strip) > 2 or int(strip) > MAX_STRIP_COMPONENTS:
        raise InvalidError(f"must be a whole number up to {MAX_STRIP_COMPONENTS}", field="strip_components")
    if replace not in (b"true", b"false"):
        raise InvalidError("must be true or false", field="replace")
    dest = checked_path(values.get(_DEST, b""), _DEST)
    return machine_bodies.archive_fields(dest, strip_components=int(strip), replace=replace == b"true")


def checked_path(path: bytes, field: str) -> bytes:
    """A path that a file may have, as far as that can be told from outside the session. Raises: InvalidError."""
    if not path:
        raise InvalidError("a path is missing", field=field)
    if len(path) > MAX_PATH_BYTES:
        raise InvalidError(f"a path has at most {MAX_PATH_BYTES} bytes", field=field)
    if b"\0" in path:
        raise InvalidError("a path holds no NUL", field=field)
    return path


def _place(name: str) -> tuple[str, str]:
    """Whose part a name is, and what of it; the index is empty for the form's only file."""
    if name in ("file", _DEST):
        return "", name
    match = _INDEXED.fullmatch(name)
    if match is None:
        raise _unknown(name)
    bracketed, dotted, after_dot, in_brackets = match.groups()
    return str(int(bracketed or dotted)), after_dot or in_brackets


def _encoded(path: bytes) -> str:
    return base64.b64encode(path).decode()


def _unknown(name: str) -> InvalidError:
    return InvalidError("the form has a part that is not known here", field=name)


def _twice(name: str) -> InvalidError:
    return InvalidError("stands twice", field=name)
