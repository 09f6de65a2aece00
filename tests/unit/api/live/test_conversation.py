"""What is said goes where it belongs; what is not understood is counted, and seldom complained of."""

import json
from dataclasses import dataclass, field

from cloche.api.live.conversation import Conversation, StreamOrder
from cloche.api.live.viewer import read_one
from cloche.live.messages import Hidden, MouseMove, Offer
from cloche.live.model import Right
from cloche.sessions.live.interface import Joining
from cloche.testing.clock import FakeClock
from cloche.testing.live import FakeSeat, FakeSessionLive


@dataclass
class FakeStreams:
    orders: list[StreamOrder] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    keys: int = 0
    reports: int = 0
    takes_orders: bool = True

    def order(self, order: StreamOrder) -> bool:
        self.orders.append(order)
        return self.takes_orders

    def acknowledge(self, seq: int) -> None:
        self.acknowledged.append(seq)

    def ask_key(self) -> None:
        self.keys += 1

    def viewer_reports(self) -> None:
        self.reports += 1


class Rig:
    def __init__(self) -> None:
        self.seat = FakeSeat(FakeSessionLive(), "v1", Joining(right=Right.CONTROL))
        self.streams, self.clock, self.replies = FakeStreams(), FakeClock(), list[bytes]()
        self.conversation = Conversation(self.seat, self.streams, self.clock, read_one)

    def say(self, type_: str, over_webrtc: bool = False, **fields: object) -> None:
        data = json.dumps({"type": type_, **fields}).encode()
        self.conversation.take(data, self.replies.append, over_webrtc=over_webrtc)


async def test_each_message_goes_where_it_belongs() -> None:
    rig = Rig()
    rig.say("mousemove", x=1, y=2)
    rig.say("ack", seq=5)
    rig.say("need_key")
    rig.say("hidden", hidden=True)
    rig.say("report", fps=3)
    rig.say("ping", t=4)
    assert [type(each) for each in rig.seat.taken] == [MouseMove]
    assert rig.streams.acknowledged == [5] and rig.streams.keys == 1
    assert [type(each) for each in rig.streams.orders] == [Hidden]
    assert rig.seat.reports[0].fps == 3 and rig.streams.reports == 1
    pong = json.loads(rig.replies[0])
    assert pong == {"type": "pong", "t": 4, "server_ms": round(rig.clock.now().timestamp() * 1000)}


async def test_all_that_is_no_message_is_counted_and_complained_of_once_a_second() -> None:
    rig = Rig()
    for _ in range(5):
        rig.conversation.take(b"nonsense", rig.replies.append)
    assert len(rig.seat.drops) == 5 and len(rig.replies) == 1
    rig.clock.advance(1.0)
    rig.conversation.take(b"nonsense", rig.replies.append)
    assert len(rig.replies) == 2


async def test_stream_messages_have_a_rate_of_their_own() -> None:
    rig = Rig()
    for number in range(500):
        rig.say("ack", seq=number)
    assert len(rig.streams.acknowledged) == 400 and len(rig.seat.drops) == 100
    rig.clock.advance(0.5)
    rig.say("ack", seq=1)
    assert len(rig.streams.acknowledged) == 401


async def test_what_begins_or_ends_something_has_a_smaller_one() -> None:
    rig = Rig()
    for number in range(150):
        rig.say("hidden", hidden=bool(number % 2))
    assert len(rig.streams.orders) == 100 and rig.seat.drops == ["flood"] * 50
    rig.clock.advance(1)
    rig.say("hidden", hidden=True)
    assert len(rig.streams.orders) == 101


async def test_an_order_for_which_there_is_no_room_is_counted() -> None:
    rig = Rig()
    rig.streams.takes_orders = False
    rig.say("offer", sdp="v=0")
    assert rig.seat.drops == ["flood"]


async def test_the_data_channel_takes_nothing_about_webrtc() -> None:
    rig = Rig()
    for type_, fields in (
        ("offer", {"sdp": "v=0"}),
        ("answer", {"sdp": "v=0"}),
        ("request_offer", {}),
        ("candidate", {}),
        ("start", {"transport": "jpeg"}),
    ):
        rig.say(type_, over_webrtc=True, **fields)
    assert rig.streams.orders == [] and len(rig.seat.drops) == 5
    rig.say("offer", sdp="v=0")
    assert [type(each) for each in rig.streams.orders] == [Offer]
