"""What commands write to files, and read from them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, Final

from cloche.errors import InvalidError

PIECE_BYTES: Final = 256 * 1024


def pieces_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def save(path: Path, pieces: Iterable[bytes], *, is_secret: bool = False) -> None:
    """Write a whole file or none: what breaks off leaves nothing under its name. A pipe or a device is written to.

    With `is_secret` nobody but the owner may read it. Raises: InvalidError.
    """
    try:
        if path.is_dir():
            raise InvalidError(f"{path} is a directory")
        if path.exists() and not path.is_file():
            _write_all(path.open("wb"), pieces)
            return
        place = path.resolve()  # a link keeps leading to where it leads
        partial = place.with_name(f"{place.name[:200]}.{token_hex(4)}.part")
        partial.touch(0o600 if is_secret else 0o666, exist_ok=False)
        try:
            _write_all(partial.open("wb"), pieces)
            partial.replace(place)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidError(f"{path} could not be written: {error.strerror}") from None


def _write_all(file: BinaryIO, pieces: Iterable[bytes]) -> None:
    with file:
        file.writelines(pieces)
