"""The server's half of SOCKS5 (RFC 1928), bytes in and events out. Pure.

What is spoken: version 5, no authentication, CONNECT, all three address types. The listener lives in a network
namespace that holds one session, so whoever can dial it is that session; a password would prove nothing more.

    client                          server
    05 n methods…              →
                               ←    05 00            (05 ff and the end, if "no authentication" is not offered)
    05 01 00 type host port    →                     `ConnectRequest`
                               ←    05 code 00 01 00000000 0000    from `encode_reply`

After the request the machine only collects: what follows belongs to the destination and is in `early_data`.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final

VERSION: Final = 5
MAX_EARLY_BYTES: Final = 64 * 1024
_NO_AUTHENTICATION: Final = 0
_NO_ACCEPTABLE_METHOD: Final = 0xFF
_CONNECT: Final = 1


class Reply(IntEnum):
    """RFC 1928 §6."""

    SUCCEEDED = 0
    GENERAL_FAILURE = 1
    NOT_ALLOWED = 2
    NETWORK_UNREACHABLE = 3
    HOST_UNREACHABLE = 4
    CONNECTION_REFUSED = 5
    TTL_EXPIRED = 6
    COMMAND_NOT_SUPPORTED = 7
    ADDRESS_TYPE_NOT_SUPPORTED = 8


class AddressType(IntEnum):
    """RFC 1928 §5. Chromium sends `DOMAIN` for address literals too."""

    IPV4 = 1
    DOMAIN = 3
    IPV6 = 4


class ProtocolFault(StrEnum):
    """What was wrong with a client's bytes: stable, the `rule` of a refusal."""

    BAD_VERSION = "bad_version"
    NO_ACCEPTABLE_METHOD = "no_acceptable_method"
    COMMAND_NOT_SUPPORTED = "command_not_supported"
    ADDRESS_TYPE_NOT_SUPPORTED = "address_type_not_supported"
    RESERVED_NOT_ZERO = "reserved_not_zero"
    HOST_NOT_ASCII = "host_not_ascii"
    TOO_MUCH_EARLY_DATA = "too_much_early_data"


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """Where the client wants to go. `host` is text as sent, not yet judged; addresses come in canonical form."""

    host: str
    port: int
    kind: AddressType


@dataclass(frozen=True, slots=True)
class ProtocolError:
    """The conversation is over; what is to be said about it stands in `data_to_send`."""

    fault: ProtocolFault


Event = ConnectRequest | ProtocolError


class _State(Enum):
    GREETING = "greeting"
    REQUEST = "request"
    CONNECTED = "connected"
    FAILED = "failed"


class Socks5Server:
    """One client's handshake. Feed it with `receive`, send what `data_to_send` gives; it never raises on bytes.

    It holds at most one message (262 bytes) before the request is read and `MAX_EARLY_BYTES` after it.
    """

    def __init__(self) -> None:
        self._state = _State.GREETING
        self._buffer = bytearray()
        self._outbox = bytearray()

    @property
    def early_data(self) -> bytes:
        """What the client sent after its request, without waiting for the reply."""
        return bytes(self._buffer) if self._state is _State.CONNECTED else b""

    def data_to_send(self) -> bytes:
        """Take what is to be sent now. Empty when there is nothing."""
        data = bytes(self._outbox)
        self._outbox.clear()
        return data

    def receive(self, data: bytes) -> list[Event]:
        """Take bytes in any portions; return what they complete, at most one request and one error in all."""
        if self._state is _State.FAILED:
            return []
        self._buffer += data
        events: list[Event] = []
        if self._state is _State.GREETING:
            self._read_greeting(events)
        if self._state is _State.REQUEST:
            self._read_request(events)
        if self._state is _State.CONNECTED and len(self._buffer) > MAX_EARLY_BYTES:
            self._fail(events, ProtocolFault.TOO_MUCH_EARLY_DATA, Reply.GENERAL_FAILURE)
        return events

    def _read_greeting(self, events: list[Event]) -> None:
        buffer = self._buffer
        if buffer and buffer[0] != VERSION:
            # Not SOCKS5 at all: there is no reply that such a client would understand.
            return self._fail(events, ProtocolFault.BAD_VERSION, None)
        if len(buffer) < 2 or len(buffer) < 2 + buffer[1]:
            return None
        methods = buffer[2 : 2 + buffer[1]]
        if _NO_AUTHENTICATION not in methods:
            self._outbox += bytes((VERSION, _NO_ACCEPTABLE_METHOD))
            return self._fail(events, ProtocolFault.NO_ACCEPTABLE_METHOD, None)
        del buffer[: 2 + len(methods)]
        self._outbox += bytes((VERSION, _NO_AUTHENTICATION))
        self._state = _State.REQUEST
        return None

    def _read_request(self, events: list[Event]) -> None:
        # Each byte is judged as soon as it is there, so that the verdict does not hang on how the bytes were split.
        buffer = self._buffer
        if buffer and buffer[0] != VERSION:
            return self._fail(events, ProtocolFault.BAD_VERSION, Reply.GENERAL_FAILURE)
        if len(buffer) >= 2 and buffer[1] != _CONNECT:
            return self._fail(events, ProtocolFault.COMMAND_NOT_SUPPORTED, Reply.COMMAND_NOT_SUPPORTED)
        if len(buffer) >= 3 and buffer[2] != 0:
            return self._fail(events, ProtocolFault.RESERVED_NOT_ZERO, Reply.GENERAL_FAILURE)
        if len(buffer) >= 4 and buffer[3] not in tuple(AddressType):
            return self._fail(events, ProtocolFault.ADDRESS_TYPE_NOT_SUPPORTED, Reply.ADDRESS_TYPE_NOT_SUPPORTED)
        length = _request_length(buffer)
        if length is None or len(buffer) < length:
            return None
        message = bytes(buffer[:length])
        host = _host(message)
        if host is None:
            return self._fail(events, ProtocolFault.HOST_NOT_ASCII, Reply.GENERAL_FAILURE)
        del buffer[:length]
        self._state = _State.CONNECTED
        events.append(ConnectRequest(host, int.from_bytes(message[-2:], "big"), AddressType(message[3])))
        return None

    def _fail(self, events: list[Event], fault: ProtocolFault, reply: Reply | None) -> None:
        self._state = _State.FAILED
        self._buffer.clear()
        if reply is not None:
            self._outbox += encode_reply(reply)
        events.append(ProtocolError(fault))


def encode_reply(code: Reply) -> bytes:
    """Render a reply. The bound address is all zeros: which address of the host was used is not the page's business."""
    return bytes((VERSION, code, 0, AddressType.IPV4, 0, 0, 0, 0, 0, 0))


def _request_length(buffer: bytearray) -> int | None:
    """How long the whole request is; None while that cannot be told yet."""
    if len(buffer) < 5:
        return None
    if buffer[3] == AddressType.IPV4:
        return 4 + 4 + 2
    if buffer[3] == AddressType.IPV6:
        return 4 + 16 + 2
    return 4 + 1 + buffer[4] + 2


def _host(message: bytes) -> str | None:
    """The destination's text; None for a domain that is not ASCII (names come as A-labels)."""
    if message[3] == AddressType.IPV4:
        return str(IPv4Address(message[4:8]))
    if message[3] == AddressType.IPV6:
        return str(IPv6Address(message[4:20]))
    domain = message[5:-2]
    return domain.decode("ascii") if domain.isascii() else None
