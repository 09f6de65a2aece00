"""What daemon and worker say to each other: one msgpack message for each packet of a SOCK_SEQPACKET pair. Pure.

    daemon ► worker   Grant (before the first Begin of its account), Begin with two descriptors, Finish, Cut, Forget
    worker ► daemon   Ready, Moved (at least once a second), Ask, Ended

A worker may have been taken over: what it says is decoded strictly, and what cannot be is its end.
"""

from typing import Final

import msgspec
from msgspec import Struct

from cloche.data_plane.relay import Order, Relayed

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_PACKET_BYTES: Final = 128 * 1024
MOVED_AT_ONCE: Final = 1000
"""How many relays one Moved tells of."""


class Begin(Struct, frozen=True, tag="begin"):
    relay: int
    order: Order
    account: int
    """0: bytes are counted only."""


class Finish(Struct, frozen=True, tag="finish"):
    """End it, between two frames if it has any."""

    relay: int


class Cut(Struct, frozen=True, tag="cut"):
    relay: int


class Grant(Struct, frozen=True, tag="grant"):
    account: int
    count: int
    is_last: bool


class Forget(Struct, frozen=True, tag="forget"):
    account: int


class Ready(Struct, frozen=True, tag="ready"):
    pass


class Count(Struct, frozen=True, array_like=True):
    """What a relay has moved since it began."""

    relay: int
    out_bytes: int
    in_bytes: int


class Moved(Struct, frozen=True, tag="moved"):
    counts: list[Count]


class Ask(Struct, frozen=True, tag="ask"):
    account: int


class Ended(Struct, frozen=True, tag="ended"):
    count: Count
    relayed: Relayed


ToWorker = Begin | Finish | Cut | Grant | Forget
FromWorker = Ready | Moved | Ask | Ended

encode = msgspec.msgpack.Encoder().encode
_to_worker: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)
_from_worker: msgspec.msgpack.Decoder[FromWorker] = msgspec.msgpack.Decoder(FromWorker)
decode_to_worker = _to_worker.decode
decode_from_worker = _from_worker.decode
DecodeError = msgspec.DecodeError


def fits(order: Order) -> bool:
    """Whether what an order has to be sent first is small enough for a packet."""
    return len(order.a_to_b_head) + len(order.b_to_a_head) <= MAX_HEAD_BYTES
