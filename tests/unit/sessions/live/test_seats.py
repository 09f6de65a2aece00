import json
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from cloche.live.input.rate import MALFORMED, MESSAGES
from cloche.live.messages import MouseMove, MouseUp, Report
from cloche.live.metrics import LiveMetrics
from cloche.live.model import Codec, Right, Transport
from cloche.sessions.live import seats as seats_module
from cloche.sessions.live.interface import Joining, LeaveReason
from cloche.sessions.live.seats import Seat, clean_name
from cloche.testing.clock import FakeClock
from cloche.testing.sessions import NOON


class Owner:
    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.changes = 0

    def took(self, seat: Seat, message: Any) -> None:
        self.taken.append(message)

    def pictures_for(self, codec: Codec, *, max_fps: float, acknowledges: bool) -> Any:
        return codec, max_fps, acknowledges

    def viewers_changed(self) -> None:
        self.changes += 1


class Bench:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, **joining: Any) -> None:
        self.owner, self.clock, self.registry = Owner(), FakeClock(), CollectorRegistry()
        monkeypatch.setattr(seats_module, "monotonic", self.clock.monotonic)
        joined = Joining(**{"right": Right.CONTROL} | joining)
        self.seat = Seat("v1", joined, NOON, self.owner, LiveMetrics(self.registry))

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"cloche_live_{name}", labels) or 0.0

    async def told(self) -> list[Any]:
        return [json.loads(message) for message in (await self.seat.news()).messages]


async def test_a_flood_ends_the_place_and_what_lifts_passes_till_then(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch)
    for _ in range(int(MESSAGES.burst)):
        bench.seat.take(MouseMove(x=1, y=1))
    bench.seat.take(MouseMove(x=1, y=1))
    assert len(bench.owner.taken) == MESSAGES.burst
    bench.seat.take(MouseUp(x=1, y=1))
    assert isinstance(bench.owner.taken[-1], MouseUp)
    assert [one["code"] for one in await bench.told()] == ["too_many_messages"]
    for _ in range(int(MESSAGES.burst)):
        bench.seat.take(MouseMove(x=1, y=1))
    assert bench.seat.ended.result() is LeaveReason.FLOOD
    before = len(bench.owner.taken)
    bench.seat.take(MouseUp(x=1, y=1))
    assert len(bench.owner.taken) == before
    assert bench.count("malformed_messages_total", why="flood") >= MESSAGES.burst


async def test_malformed_messages_are_counted_and_many_end_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch)
    for _ in range(int(MALFORMED.burst)):
        bench.seat.dropped("malformed")
    assert not bench.seat.ended.done()
    bench.seat.dropped("whatever")
    assert bench.seat.ended.result() is LeaveReason.FLOOD
    assert bench.count("malformed_messages_total", why="other") == 1


async def test_the_same_notice_is_told_now_and_then_only(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch)
    for _ in range(100):
        bench.seat.notice("view_only")
    bench.seat.notice("control_requested", viewer_id="v2")
    bench.seat.notice("control_requested", viewer_id="v3")
    told = await bench.told()
    assert [(one["code"], one.get("viewer_id")) for one in told] == [
        ("view_only", None),
        ("control_requested", "v2"),
        ("control_requested", "v3"),
    ]
    assert told[0]["message"]
    bench.clock.advance(3)
    bench.seat.notice("view_only")
    assert len(await bench.told()) == 1


async def test_control_is_changed_a_few_times_a_minute_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch)
    assert [bench.seat.may_change_control() for _ in range(12)] == [True] * 10 + [False] * 2
    bench.clock.advance(1)
    assert [bench.seat.may_change_control() for _ in range(2)] == [True, False]


async def test_what_a_viewer_watches_by_is_shown_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch, transport=Transport.WEBRTC)
    assert bench.count("viewers", transport="webrtc") == 1
    bench.seat.transport_is(Transport.JPEG, Codec.JPEG, "ice_failed" + "x" * 100)
    bench.seat.transport_is(Transport.JPEG, Codec.JPEG, "ice_failed")
    bench.seat.reported(Report(fps=30, rtt_ms=12))
    info = bench.seat.info(has_control=True, wants_control=False)
    assert (info.transport, info.codec, info.fallback_reason) == (Transport.JPEG, Codec.JPEG, "ice_failed")
    assert (info.fps, info.rtt_ms, info.has_control) == (30, 12, True)
    assert (bench.count("viewers", transport="webrtc"), bench.count("viewers", transport="jpeg")) == (0, 1)
    assert bench.count("fallbacks_total", reason="ice_failed") == 1
    assert bench.count("viewer_fps_count", transport="jpeg") == 1
    assert bench.seat.watch(Codec.JPEG, max_fps=5, acknowledges=True) == (Codec.JPEG, 5, True)
    bench.seat.left()
    bench.seat.left()
    bench.seat.transport_is(Transport.WEBRTC, None)
    assert bench.count("viewers", transport="jpeg") == bench.count("viewers", transport="webrtc") == 0


def test_names_are_shown_on_one_line_and_in_bounds() -> None:
    assert clean_name("  Ann\n\x1b[31m\u202e  B \x00") == "Ann [31m B"
    assert clean_name("x" * 1_000_000) == "x" * 64
