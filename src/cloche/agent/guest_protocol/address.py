"""Where the guest protocol is served, as text and as a value. Pure."""

from typing import Final, NamedTuple

HOST_CID: Final = 2
"""The host of every virtual machine (VMADDR_CID_HOST, vsock(7))."""

_MAX_PORT: Final = 2**32 - 2  # the last number stands for any port
_MAX_CID: Final = 2**32 - 2
_MAX_PATH_BYTES: Final = 107


class Address(NamedTuple):
    """`vsock:PORT[,peer=CID]` (peer: who may connect; the host, 2, by default; `any`) or `unix:PATH`."""

    kind: str
    port: int = 0
    path: str = ""
    peer_cid: int | None = HOST_CID
    """None: whoever can reach it."""

    def __str__(self) -> str:
        return f"unix:{self.path}" if self.kind == "unix" else f"vsock:{self.port}"


def parse_address(text: str) -> Address:
    """Read one address.

    Raises:
        ValueError: it is none; the message is fit to be shown.
    """
    kind, _, rest = text.partition(":")
    if kind == "unix":
        if not rest or "\0" in rest or len(rest.encode("utf-8", "surrogateescape")) > _MAX_PATH_BYTES:
            raise ValueError(f"the path of a unix socket has 1 to {_MAX_PATH_BYTES} bytes")
        return Address("unix", path=rest)
    if kind != "vsock":
        raise ValueError("expected vsock:PORT or unix:PATH")
    port, comma, option = rest.partition(",")
    return Address("vsock", port=_number(port, 1, _MAX_PORT, "port"), peer_cid=_peer(option) if comma else HOST_CID)


def _peer(option: str) -> int | None:
    name, _, value = option.partition("=")
    if name != "peer":
        raise ValueError("expected peer=CID or peer=any after the port")
    return None if value == "any" else _number(value, 0, _MAX_CID, "peer")


def _number(text: str, least: int, most: int, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and least <= int(text) <= most):
        raise ValueError(f"{name} must be a number from {least} to {most}")
    return int(text)
