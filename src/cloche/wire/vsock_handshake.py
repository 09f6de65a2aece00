"""The text that comes before the bytes on a unix socket that stands for vsock (Firecracker's vsock device).

    host → socket   CONNECT 52\\n
    socket → host   OK 52\\n             a monitor tells the host's port of the connection here; only `OK ` counts

On real vsock it never appears. A first byte of a frame cannot be mistaken for it: `CONN` as a big-endian length is
over a gigabyte.
"""

import re
from typing import Final

MAX_LINE_BYTES: Final = 64
"""With its newline."""
CONNECT: Final = b"CONNECT "

_CONNECT_LINE: Final = re.compile(rb"CONNECT ([0-9]{1,10})")
_OK_LINE: Final = re.compile(rb"OK [^\r\n]*")
_MAX_PORT: Final = 2**32 - 1


class HandshakeError(ValueError):
    """The line is not what the handshake asks for; the message is fit to be shown."""


def connect_line(port: int) -> bytes:
    """Ask for a port of the guest."""
    return b"CONNECT %d\n" % port


def ok_line(port: int) -> bytes:
    """Say that the connection to the guest stands."""
    return b"OK %d\n" % port


def could_be_connect(received: bytes) -> bool:
    """Say whether what has arrived first can still become a `CONNECT` line."""
    return CONNECT.startswith(received[: len(CONNECT)])


def take_line(received: bytes) -> tuple[bytes, bytes] | None:
    """Split the first line, without its newline, from what came after it; None until it is there as a whole.

    Raises:
        HandshakeError: it is longer than any line of this handshake.
    """
    line, newline, rest = received.partition(b"\n")
    if len(line) >= MAX_LINE_BYTES:
        raise HandshakeError("line too long")
    return (line, rest) if newline else None


def parse_connect(line: bytes) -> int:
    """Read the port out of a line without its newline.

    Raises:
        HandshakeError: it is no `CONNECT` with a port of 32 bits.
    """
    found = _CONNECT_LINE.fullmatch(line.removesuffix(b"\r"))
    if found is None or int(found[1]) > _MAX_PORT:
        raise HandshakeError("expected CONNECT and a port")
    return int(found[1])


def check_ok(line: bytes) -> None:
    """Check a reply line without its newline.

    Raises:
        HandshakeError: it does not begin with `OK `.
    """
    if _OK_LINE.fullmatch(line.removesuffix(b"\r")) is None:
        raise HandshakeError("the other side did not answer OK")
