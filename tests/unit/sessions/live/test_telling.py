import json
from typing import Any

from prometheus_client import CollectorRegistry

from cloche.live.metrics import LiveMetrics
from cloche.live.model import Right
from cloche.sessions.live.interface import Joining
from cloche.sessions.live.seats import Seat
from cloche.sessions.live.telling import Telling
from cloche.testing.live_view import live_rig
from cloche.testing.sessions import NOON


class Owner:
    def took(self, seat: Seat, message: Any) -> None: ...

    def pictures_for(self, codec: Any, *, max_fps: float, acknowledges: bool) -> Any: ...

    def viewers_changed(self) -> None: ...


def a_seat(seat_id: str) -> Seat:
    return Seat(seat_id, Joining(right=Right.VIEW), NOON, Owner(), LiveMetrics(CollectorRegistry()))


async def told(seat: Seat) -> list[Any]:
    return [json.loads(message) for message in (await seat.news()).messages]


async def test_several_changes_are_told_together_and_control_to_each_its_own() -> None:
    asked: list[str] = []

    def tabs() -> list[str]:
        asked.append("tabs")
        return ["a"]

    seats = [a_seat("v1"), a_seat("v2")]
    telling = Telling(lambda: seats, {"tabs": tabs, "viewers": lambda: 2}, lambda seat: {"mine": seat.id == "v1"})
    telling.changed("viewers")
    for _ in range(1000):
        telling.changed("tabs", "control")
    assert await told(seats[0]) == [{"type": "state", "tabs": ["a"], "viewers": 2, "control": {"mine": True}}]
    assert (await told(seats[1]))[0]["control"] == {"mine": False}
    assert asked == ["tabs"]
    telling.changed("viewers")
    assert await told(seats[0]) == [{"type": "state", "viewers": 2}]
    telling.close()
    telling.changed("viewers")


async def test_who_comes_is_told_all_of_it() -> None:
    async with live_rig() as rig:
        viewer = await rig.join()
        await viewer.hear()
        assert set(viewer.state) == (
            {"control", "viewers", "tabs", "page", "viewport", "cursor", "editing", "dialog", "browser", "recording"}
            | {"clipboard"}
        )
