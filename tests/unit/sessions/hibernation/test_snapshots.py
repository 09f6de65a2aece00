"""What is kept of a session, where, and what is left when somebody comes or something fails before that is done."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from cloche.browser.state.kept_state import KeptState, KeptTab
from cloche.concurrency.tasks import spawn
from cloche.errors import ConflictError, TooLargeError
from cloche.ids import new_profile_id
from cloche.profiles.model import ProfileForm
from cloche.sessions.hibernation.snapshots import Snapshots, parts_of
from cloche.sessions.keeping import Keeping
from cloche.sessions.model import EventType, ProfileUse
from cloche.sessions.profiles.side import ProfileSide, Storing
from cloche.sessions.resting import Snapshot
from cloche.testing.kept_profiles import MemoryStore, OneDirectory
from cloche.testing.sessions import make_options, make_session

STATE = KeptState(tabs=(KeptTab(url="https://a.test/"), KeptTab(url="https://b.test/")), active=1)


class Runner(OneDirectory):
    """One directory, a browser, and what a runner keeps of itself."""

    def __init__(self, profile: ProfileUse | None = None, **options: Any) -> None:
        super().__init__(
            session=make_session(options=make_options(profile=profile, **options)),
            directory=b"all of it",
            is_running=True,
        )
        self.state = STATE
        self.keeping = Keeping()
        self.told: list[EventType] = []

    def as_owner(self, runner: object, *, is_heard: bool) -> Any:
        self.is_heard = is_heard
        return self


class World:
    def __init__(self, profile: ProfileUse | None = None, store: MemoryStore | None = None) -> None:
        self.store, self.runner, self.came = store or MemoryStore(), Runner(profile), asyncio.Event()
        self.storing = Storing(self.store, 1 << 20, 5.0, self.runner.tools)
        self.side = ProfileSide(self.runner, profile, self.storing) if profile is not None else None
        self.snapshots = Snapshots(self.storing, self.runner.as_owner)

    def taken(self) -> Any:
        return self.snapshots.taken(cast(Any, self.runner), self.side, self.came)


async def until(question: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not question():
            await asyncio.sleep(0.001)


async def test_a_session_without_a_profile_gets_a_place_of_its_own_that_nobody_is_told_of() -> None:
    world = World()
    async with world.taken() as snapshot:
        assert not world.runner.is_running
        assert world.runner.expected == [True], "whoever dials waits"
    profile = world.store.profiles[snapshot.profile]
    assert (profile.kept_for, profile.owner) == (world.runner.session.id, world.runner.session.owner)
    (saved,) = world.store.revisions[profile.id]
    assert (saved.content, KeptState.from_json(saved.manifest)) == (b"all of it", STATE)
    assert not world.runner.is_heard
    assert not world.runner.is_running
    await world.snapshots.drop(world.runner.session.id)
    assert world.store.profiles == {}


async def test_a_session_that_saves_its_directory_has_its_state_in_its_profile() -> None:
    store = MemoryStore()
    profile = store.add()
    world = World(ProfileUse(id=profile.id, save=True), store)
    await store.take(profile.id, world.runner.session.id, writes=True)
    async with world.taken() as snapshot:
        pass
    assert (snapshot.profile, snapshot.revision, world.runner.is_heard) == (profile.id, 1, True)
    assert list(store.profiles) == [profile.id]


async def test_a_session_that_saves_less_saves_that_too() -> None:
    store = MemoryStore()
    profile = store.add()
    world = World(ProfileUse(id=profile.id, save=True, form=ProfileForm.STORAGE_STATE), store)
    await store.take(profile.id, world.runner.session.id, writes=True)
    async with world.taken() as snapshot:
        pass
    assert snapshot.profile != profile.id
    assert [saved.form for saved in store.revisions[profile.id]] == [ProfileForm.STORAGE_STATE]


@pytest.mark.parametrize("moment", ["stopping", "saving", "saved"])
async def test_who_comes_has_it_go_on_as_it_was(moment: str) -> None:
    world = World()
    if moment == "stopping":
        world.came.set()
    world.store.holds = asyncio.Event()

    async def take() -> None:
        async with world.taken():
            raise ConflictError("somebody came", reason="session_in_use")

    taking = spawn(take(), name="taking")
    if moment == "saving":
        await until(lambda: "/fs/download_dir_tar" in world.runner.asked)
        world.came.set()
    elif moment == "saved":
        await until(lambda: "/fs/download_dir_tar" in world.runner.asked)
        world.store.holds.set()
    with pytest.raises(ConflictError) as refused:
        await taking
    assert refused.value.fields["reason"] == "session_in_use"
    assert world.runner.is_running
    assert world.runner.expected[-1] is False
    assert world.store.profiles == {}
    if moment != "stopping":
        assert "restore" in world.runner.asked
        assert world.runner.started_with == {"restore_tabs": False, "start_url": "about:blank"}


async def test_its_browser_is_in_hand_until_all_tabs_are_back() -> None:
    world = World()
    world.runner.all_there.clear()
    world.store.fails = TooLargeError("too large")

    async def take() -> None:
        async with world.taken():
            raise AssertionError("nothing was saved")

    taking = spawn(take(), name="taking")
    await until(lambda: "restore" in world.runner.asked)
    for _ in range(20):
        await asyncio.sleep(0)
    assert world.runner.expected == [True]
    world.runner.all_there.set()
    with pytest.raises(TooLargeError):
        await taking
    assert world.runner.expected == [True, False]


async def test_somebody_who_was_let_in_before_the_saving_began_is_not_cut_off() -> None:
    world = World()
    world.came.set()
    with pytest.raises(ConflictError):
        async with world.taken():
            raise AssertionError("somebody is there")
    assert world.runner.is_running
    assert world.runner.asked == ["/browser/start"], "which it was; nothing has stopped it"


async def test_what_cannot_be_saved_leaves_the_browser_as_it_was() -> None:
    world = World()
    world.store.fails = TooLargeError("too large")
    with pytest.raises(TooLargeError):
        async with world.taken():
            raise AssertionError("nothing was saved")
    assert world.runner.is_running
    assert world.store.profiles == {}


async def test_tabs_that_are_still_to_come_back_keep_it_from_being_tried_again() -> None:
    world = World()
    world.runner.pages_load = asyncio.Event()
    world.store.fails = TooLargeError("too large")
    with pytest.raises(TooLargeError):
        async with world.taken():
            pass
    assert world.runner.keeping.is_at_work
    world.runner.pages_load.set()
    await until(lambda: not world.runner.keeping.is_at_work)
    await world.runner.keeping.close()


def test_which_parts_a_session_has() -> None:
    storing = Storing(MemoryStore(), 1 << 20)
    own, other = ProfileUse(id=new_profile_id(), save=True), new_profile_id()
    at = make_session().created_at

    def parts(runner: Runner) -> list[tuple[str, str]]:
        found, _ = parts_of(cast(Any, runner), storing)
        return [
            (type(part).__name__, f"{part._start} {part._use.revision}" if isinstance(part, ProfileSide) else "")
            for part in found
        ]

    def woken(profile: ProfileUse | None, kept_in: str) -> Runner:
        runner = Runner(profile)
        snapshot = Snapshot(profile=cast(Any, kept_in), revision=7, size_bytes=1, taken_at=at)
        runner.session = make_session(options=make_options(profile=profile), snapshot=snapshot)
        return runner

    assert parts(Runner()) == [("TakenUp", "")]
    assert parts(Runner(own)) == [("ProfileSide", "profile 0")]
    assert parts(woken(own, own.id)) == [("ProfileSide", "snapshot 7")]
    assert parts(woken(None, other)) == [("ProfileSide", "snapshot 7"), ("TakenUp", "")]
    reading = ProfileUse(id=own.id, revision=3)
    assert parts(woken(reading, other)) == [
        ("ProfileSide", "snapshot 7"),
        ("ProfileSide", "elsewhere 3"),
        ("TakenUp", ""),
    ]
    assert parts(Runner(machine=True)) == []
