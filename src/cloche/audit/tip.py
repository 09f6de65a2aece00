"""The small file that says where the chain ends: rows cut off at the end leave a chain that holds, but is shorter."""

import json
import os
from pathlib import Path
from typing import Final

from cloche.audit.chain import Tip, is_hash, same, tip_mac

MAX_BYTES: Final = 4096


class BadTipError(ValueError):
    """The file is not what the server wrote."""


def read_tip(file: Path, key: bytes) -> Tip | None:
    """None where there is none. Blocks. Raises: BadTipError for one that was changed or signed with another secret."""
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_BYTES)
    except FileNotFoundError:
        return None
    try:
        read = json.loads(text)
        tip = Tip(int(read["seq"]), str(read["hash"]), int(read["segments"]))
        if is_hash(tip.hash) and same(str(read["mac"]), tip_mac(key, tip)):
            return tip
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        pass  # told below, together with a signature that is wrong
    raise BadTipError("the tip of the journal was changed, or signed with another secret")


def write_tip(file: Path, key: bytes, tip: Tip, *, durable: bool) -> None:
    """Put a new tip in the place of the old one. Blocks."""
    partial = file.with_name(file.name + ".part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, json.dumps(tip._asdict() | {"mac": tip_mac(key, tip)}).encode())
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    partial.replace(file)
