"""Exchanges of the guest protocol as they stand in tests/data/guest_protocol; the README there says how."""

from pathlib import Path
from typing import NamedTuple


class Frame(NamedTuple):
    """One frame as it goes over the wire, header and all."""

    is_from_host: bool
    data: bytes


def read_exchange(path: Path) -> list[Frame]:
    """Read one file, in order."""
    return [_parse(line) for line in path.read_text().split("\n") if line]


def _parse(line: str) -> Frame:
    sender, header, body = line.split(" ", 2)
    return Frame(sender == ">", bytes.fromhex(header) + body.encode())
