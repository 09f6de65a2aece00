import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any, cast

import msgspec
import pytest

from cloche.errors import BusyError, ConflictError, DeadlineError, DeniedError, GoneError, JournalError, NotFoundError
from cloche.ids import PrincipalName
from cloche.live.model import Codec, Right
from cloche.sessions.live import service as service_module
from cloche.sessions.live import thumbnail
from cloche.sessions.live.arrivals import AT_ONCE
from cloche.sessions.live.interface import ControlState, Joining, LeaveReason, RecordingRequest
from cloche.sessions.live.link import LiveLink
from cloche.sessions.live.options import LiveOptions
from cloche.sessions.live.page import ShownPage
from cloche.sessions.live.recorder import NoRecorder
from cloche.sessions.principal import Principal, Role
from cloche.testing.live_view import LiveRig, live_rig
from cloche.testing.sessions import NOON, make_options, make_session

ANN = Principal(PrincipalName("ann"), Role.USER)


@pytest.fixture
async def rig() -> AsyncIterator[LiveRig]:
    """Of a session whose browser was stopped."""
    async with live_rig() as made:
        yield made


@asynccontextmanager
async def ticking(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LiveRig]:
    monkeypatch.setattr(service_module, "TICK_S", 0.01)
    async with live_rig() as made:
        yield made


def kinds(rig: LiveRig) -> list[tuple[str, str]]:
    """What the journal has of who came and went, and of control."""
    return [(record.kind, str(record.data.get("change") or record.data["viewer"])) for record in rig.audit.records]


async def test_the_first_that_a_viewer_hears_is_all_of_the_state(rig: LiveRig) -> None:
    viewer = await rig.join(name="Ann")
    state = await viewer.until(lambda state: state["browser"] == "stopped")
    assert state["control"] == {"state": "free", "holder": "", "mine": False, "requests": []}
    assert [(one["id"], one["name"], one["right"]) for one in state["viewers"]] == [("v1", "Ann", "control")]
    assert (state["clipboard"], state["tabs"], state["dialog"], state["recording"]) == ("in", [], None, None)
    assert state["viewport"] == {"width": 1280, "height": 800, "scale": 1, "device": ""}


async def test_viewers_see_each_other_come_and_go_and_keep_the_session_from_idling(rig: LiveRig) -> None:
    first = await rig.join(Right.VIEW)
    second, stack = await rig.come(name="Bob")
    assert rig.owner.users == 2
    await first.until(lambda state: len(state["viewers"]) == 2)
    second.do("name", name="Bobby\n")
    await first.until(lambda state: state["viewers"][1]["name"] == "Bobby")
    await stack.aclose()
    await first.until(lambda state: len(state["viewers"]) == 1)
    assert rig.owner.users == 1
    third = await rig.join()
    assert third.id == "v3", "no id is used again"
    assert rig.counted("joins_total") == 3


async def test_no_more_watch_than_may() -> None:
    async with live_rig(options=LiveOptions(max_viewers=2)) as rig:
        await rig.join()
        _, stack = await rig.come()
        with pytest.raises(BusyError) as busy:
            await rig.join()
        assert busy.value.fields == {"reason": "viewers_full"}
        await stack.aclose()
        await rig.join()


async def test_those_who_only_watch_leave_room_for_who_is_to_act() -> None:
    async with live_rig(options=LiveOptions(max_viewers=4)) as rig:
        await rig.join(Right.VIEW)
        await rig.join(Right.VIEW)
        with pytest.raises(BusyError):
            await rig.join(Right.VIEW)
        await rig.join(Right.CONTROL)
        await rig.join(Right.VIEW, principal=ANN)
        with pytest.raises(BusyError):
            await rig.join(Right.CONTROL)


async def test_joins_and_ends_are_written_down_before_anybody_sits(rig: LiveRig) -> None:
    _, stack = await rig.come(Right.VIEW, principal=ANN)
    await stack.aclose()
    joined, left = rig.audit.records
    assert (joined.kind, joined.actor) == ("live.joined", "ann")
    assert joined.data == {"viewer": "v1", "right": "view", "transport": ""}
    assert (left.kind, left.actor, left.data["reason"]) == ("live.left", "ann", "left")
    assert rig.audit.settled_at == [1]
    assert [str(type_) for type_, _ in rig.owner.reported] == ["live.joined", "live.left"]


async def test_without_a_journal_nobody_comes_in(rig: LiveRig) -> None:
    rig.audit.refuses = JournalError("full")
    with pytest.raises(JournalError):
        await rig.join()
    rig.audit.refuses, rig.audit.fails = None, JournalError("full")
    with pytest.raises(JournalError):
        await rig.join()
    assert rig.service.state().viewers == () and rig.owner.users == 0
    assert [kind for kind, _ in kinds(rig)] == ["live.joined", "live.left"]
    rig.audit.fails = None
    await rig.join()


async def test_a_private_session_leaves_no_name_behind() -> None:
    async with live_rig(session=make_session(options=make_options(private=True))) as rig:
        await rig.join(name="Ann")
        assert "Ann" not in str(rig.audit.records) + str(rig.owner.reported)


async def test_only_the_holders_hands_count_when_two_act_at_once(rig: LiveRig) -> None:
    first, second, watching = await rig.join(), await rig.join(), await rig.join(Right.VIEW)
    first.do("mousedown", x=5, y=5)
    second.do("mousedown", x=5, y=5)
    watching.do("mousedown", x=5, y=5)
    second.do("mouseup", x=5, y=5)
    state = await second.until(lambda state: state["control"]["state"] == "viewer")
    assert state["control"] == {"state": "viewer", "holder": "v1", "mine": False, "requests": []}
    assert (await first.until(lambda state: state["control"]["mine"]))["viewers"][0]["has_control"]
    await second.told("not_holder")
    await watching.told("view_only")
    assert rig.counted("input_events_total", kind="mouse") == 1
    assert rig.counted("malformed_messages_total", why="wrong_right") == 1


async def test_hands_that_only_move_or_let_go_are_told_nothing(rig: LiveRig) -> None:
    watching = await rig.join(Right.VIEW)
    watching.do("mousemove", x=5, y=5)
    watching.do("mouseup", x=5, y=5)
    watching.do("release_all")
    await watching.hear()
    assert watching.codes == []
    holder = await rig.join()
    holder.do("release_all")
    assert rig.service.state().control is ControlState.FREE


async def test_a_person_takes_over_from_a_program_and_hands_back(rig: LiveRig) -> None:
    viewer = await rig.join()
    pausing = rig.owner.browsing.pausing
    rig.service.action_began()
    await viewer.until(lambda state: state["control"]["state"] == "agent")
    viewer.do("keydown", key="a", code="KeyA")
    await viewer.told("agent_driving")
    viewer.do("take_control")
    await viewer.until(lambda state: state["control"]["state"] == "taken" and state["control"]["mine"])
    rig.service.action_ended()
    assert pausing.is_paused
    viewer.do("release_control")
    await viewer.until(lambda state: state["control"]["state"] == "agent")
    assert not pausing.is_paused
    rig.clock.advance(5)
    assert rig.service.state().control is ControlState.FREE
    assert kinds(rig)[1:] == [("live.control", "taken"), ("live.control", "released")]
    assert rig.counted("control_changes_total", change="taken") == 1


async def test_a_devtools_client_counts_as_driving(rig: LiveRig) -> None:
    viewer = await rig.join()
    rig.owner.clients_are(1)
    assert rig.service.state().control is ControlState.AGENT
    viewer.do("keydown", key="a")
    await viewer.told("agent_driving")


async def test_control_is_asked_for_given_and_refused_among_viewers(rig: LiveRig) -> None:
    first, second = await rig.join(), await rig.join()
    first.do("take_control")
    second.do("take_control")
    assert (await second.told("holder_active"))["viewer_id"] == "v1"
    second.do("request_control")
    assert (await first.told("control_requested"))["viewer_id"] == "v2"
    await first.until(lambda state: [one["wants_control"] for one in state["viewers"]] == [False, True])
    first.do("refuse_control", to="v2")
    await second.told("control_refused")
    second.do("request_control")
    first.do("give_control", to="v2")
    await second.told("control_given")
    await second.until(lambda state: state["control"]["mine"])
    rig.clock.advance(31)
    first.do("take_control")
    assert (await second.told("control_taken"))["viewer_id"] == "v1"


async def test_control_that_was_taken_comes_back_some_time_after_its_holder_has_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ticking(monkeypatch) as rig:
        other = await rig.join(Right.VIEW)
        holder, stack = await rig.come()
        holder.do("take_control")
        await stack.aclose()
        await other.until(lambda state: len(state["viewers"]) == 1 and state["control"]["state"] == "taken")
        assert rig.owner.browsing.pausing.is_paused
        rig.clock.advance(10)
        await other.until(lambda state: state["control"]["state"] == "free")
        assert not rig.owner.browsing.pausing.is_paused


async def test_nobody_stays_paused_by_a_person_who_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ticking(monkeypatch) as rig:
        holder, stack = await rig.come()
        holder.do("take_control")
        await stack.aclose()
        assert rig.owner.browsing.pausing.is_paused
        rig.clock.advance(10)
        async with asyncio.timeout(10):
            while rig.owner.browsing.pausing.is_paused:
                await asyncio.sleep(0)


async def test_an_owner_gives_control_takes_it_back_and_shows_viewers_out(rig: LiveRig) -> None:
    first, watching = await rig.join(), await rig.join(Right.VIEW)
    state = await rig.service.take_control(ANN, "v1")
    assert (state.control, state.holder) == (ControlState.TAKEN, "v1")
    await first.told("control_given")
    assert (await rig.service.release_control(ANN)).control is ControlState.FREE
    assert rig.audit.records[-1].actor == "ann" and len(rig.audit.settled_at) == 4
    with pytest.raises(DeniedError) as denied:
        await rig.service.take_control(ANN, watching.id)
    assert denied.value.fields == {"reason": "view_only"}
    for asking in (rig.service.take_control(ANN, "v9"), rig.service.remove(ANN, "v9")):
        with pytest.raises(NotFoundError):
            await asking
    await rig.service.remove(ANN, first.id)
    assert await first.end() is LeaveReason.REMOVED


async def test_who_shows_a_viewer_out_is_written_down(rig: LiveRig) -> None:
    viewer, stack = await rig.come()
    await rig.service.remove(ANN, viewer.id)
    await stack.aclose()
    assert rig.audit.records[-1].data["removed_by"] == "ann"


async def test_whoever_has_a_link_cannot_come_and_go_without_end(rig: LiveRig) -> None:
    for _ in range(AT_ONCE):
        _, stack = await rig.come(Right.VIEW)
        await stack.aclose()
    written = len(rig.audit.records)
    with pytest.raises(BusyError) as busy:
        await rig.come(Right.VIEW)
    assert busy.value.fields["reason"] == "too_many_joins" and len(rig.audit.records) == written
    await rig.join(principal=ANN)
    rig.clock.advance(1)
    await rig.join(Right.VIEW)


async def test_a_link_that_expires_mid_stream_ends_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ticking(monkeypatch) as rig:
        viewer, stack = await rig.come(expires_at=NOON + timedelta(seconds=60))
        other = await rig.join(expires_at=NOON + timedelta(seconds=600))
        rig.clock.advance(59)
        await other.until(lambda state: state)
        assert not viewer.seat.ended.done()
        rig.clock.advance(1)
        assert await viewer.end() is LeaveReason.LINK_EXPIRED
        assert not other.seat.ended.done()
        viewer.do("take_control")
        assert rig.service.state().control is ControlState.FREE, "its word counts no longer"
        await stack.aclose()
        assert rig.audit.records[-1].data["reason"] == "link_expired"


@pytest.mark.parametrize(
    ("end_reason", "told"),
    [("closed_by_user", LeaveReason.SESSION_ENDED), ("server_stopping", LeaveReason.SERVER_STOPPING)],
)
async def test_the_end_of_the_session_ends_every_place(rig: LiveRig, end_reason: str, told: LeaveReason) -> None:
    viewer = await rig.join()
    viewer.do("take_control")
    await rig.service.save(end_reason)
    assert await viewer.end() is told
    assert not rig.owner.browsing.pausing.is_paused
    with pytest.raises(GoneError):
        await rig.join()
    rig.owner.end_reason = end_reason
    with pytest.raises(GoneError):
        await rig.service.thumbnail()


async def test_a_viewer_that_never_reads_holds_little(rig: LiveRig) -> None:
    await rig.join()
    other = await rig.join()
    for number in range(500):
        other.do("mousemove", x=number, y=5)
        rig.service.changed("page", "cursor")
    reader = await rig.join(Right.VIEW)
    await reader.until(lambda state: len(state["viewers"]) == 3)


async def test_of_a_stopped_browser_there_is_no_thumbnail(rig: LiveRig) -> None:
    with pytest.raises(ConflictError) as conflict:
        await rig.service.thumbnail()
    assert conflict.value.fields == {"reason": "browser_stopped"}


async def test_a_thumbnail_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def dial() -> tuple[socket.socket, str]:
        raise OSError

    monkeypatch.setattr(thumbnail, "SETTLE_S", 0.01)
    async with live_rig(dial) as rig:
        with pytest.raises(DeadlineError):
            await rig.service.thumbnail()


class PictureLink:
    """Leads to a page whose picture is this."""

    def __init__(self, picture: bytes) -> None:
        self._picture = base64.b64encode(picture).decode()
        self.view = self.page = self.session = self

    @contextmanager
    def wanted(self) -> Iterator[None]:
        yield

    async def settled_view(self) -> None: ...

    async def call(self, method: str, params: object, kind: type[Any], *, deadline: float) -> Any:
        box = {"cssVisualViewport": {"clientWidth": 800, "clientHeight": 600}}
        return msgspec.convert(box if method == "Page.getLayoutMetrics" else {"data": self._picture}, kind)


async def test_a_thumbnail_is_a_small_jpeg_or_none() -> None:
    jpeg = b"\xff\xd8\xff and more"
    for picture, is_good in ((jpeg, True), (b"<svg onload=>", False), (jpeg + bytes(thumbnail.MAX_BYTES), False)):
        thumbnails = thumbnail.Thumbnails(cast(LiveLink, PictureLink(picture)))
        thumbnails.page_shown(cast(ShownPage, object()))
        if is_good:
            assert await thumbnails.get() == picture
        else:
            with pytest.raises(DeadlineError):
                await thumbnails.get()


async def test_recording_is_the_recorders(rig: LiveRig) -> None:
    with pytest.raises(DeniedError):
        await rig.service.start_recording(ANN, RecordingRequest())
    with pytest.raises(ConflictError):
        await rig.service.stop_recording(ANN)
    assert rig.service.state().recording is None


@pytest.mark.parametrize("is_up", [False, True])
async def test_what_is_recorded_before_the_session_is_up_does_not_wait_until_it_is(
    rig: LiveRig, *, is_up: bool
) -> None:
    class Recording(NoRecorder):
        async def begin(self) -> None:
            await look()

    async def look() -> None:
        with rig.service.wanted():
            async with asyncio.timeout(5):
                while not rig.owner.dials:
                    await asyncio.sleep(0)

    rig.service.recorder = Recording()
    await (look() if is_up else rig.service.begin())
    assert rig.owner.was_own is not is_up


async def test_pictures_are_those_of_the_sessions_stream(rig: LiveRig) -> None:
    viewer = await rig.join()
    subscription = viewer.seat.watch(Codec.JPEG)
    assert rig.pictures.watchers == 1 and rig.service.pictures is rig.pictures
    subscription.close()
    assert rig.pictures.watchers == 0


async def test_who_hangs_up_while_the_journal_is_slow_is_written_down_too(rig: LiveRig) -> None:
    slow: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def settled() -> None:
        await slow

    rig.audit.settled = settled  # type: ignore[method-assign]

    async def comes() -> Any:
        async with rig.service.join(Joining(right=Right.VIEW)):
            raise AssertionError("it sat down")

    coming = asyncio.wait_for(comes(), 0.01)
    with pytest.raises(TimeoutError):
        await coming
    assert [kind for kind, _ in kinds(rig)] == ["live.joined", "live.left"]
