import asyncio
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.state import NameValue, OriginState, StorageState
from cloche.browser.state.kept_state import KeptCookie, KeptState, KeptStorage, KeptTab
from cloche.concurrency.tasks import spawn
from cloche.errors import AgentError, ConflictError, DeadlineError, StartError
from cloche.ids import ProfileId
from cloche.profiles.model import ProfileForm
from cloche.sessions.model import EventType, ProfileUse
from cloche.sessions.profiles import side as module
from cloche.sessions.profiles.side import ProfileSide, StartsFrom, Storing
from cloche.testing.kept_profiles import MemoryStore, OneDirectory
from cloche.testing.sessions import make_options, make_session

TAR = b"a user-data directory" * 1000
STATE = KeptState(
    cookies=(KeptCookie(name="n", value="v", domain="site.test"),), tabs=(KeptTab(url="http://site.test/", scroll_y=7),)
)
STORAGE = StorageState(
    origins=[OriginState(origin="http://site.test", localStorage=[NameValue(name="kept", value="yes")])]
)


@dataclass
class Stage:
    owner: OneDirectory
    store: MemoryStore
    side: ProfileSide
    profile_id: ProfileId

    def told(self, type_: EventType) -> dict[str, Any]:
        return next(data for told, data in self.owner.events if told is type_)


def make_stage(
    store: MemoryStore,
    *,
    saves_s: float = 5.0,
    max_bytes: int = 1 << 20,
    start_url: str | None = None,
    way: StartsFrom = StartsFrom.PROFILE,
    **use: Any,
) -> Stage:
    profile_id = next(iter(store.profiles))
    profile = ProfileUse(id=profile_id, **{"save": True, "revision": store.profiles[profile_id].revision} | use)
    owner = OneDirectory(make_session(options=make_options(profile=profile, start_url=start_url)))
    side = ProfileSide(owner, profile, Storing(store, max_bytes, saves_s, owner.tools), way)
    return Stage(owner, store, side, profile_id)


@pytest.fixture
async def stage(store: MemoryStore) -> Stage:
    """A session that has started from the first revision of a profile and may save to it."""
    profile = store.add()
    store.put(profile.id, TAR, manifest=STATE.to_json())
    stage = make_stage(store)
    await store.take(profile.id, stage.owner.session.id, writes=True)
    await start(stage)
    stage.owner.asked.clear()
    return stage


async def start(stage: Stage) -> None:
    stage.side.prepare()
    await stage.side.furnish()
    stage.owner.is_running = True
    await stage.side.begin()


# --- starting from it -----------------------------------------------------------------------------------------------


async def test_a_directory_is_there_before_the_browser_and_what_chromium_forgets_before_the_clients(
    store: MemoryStore,
) -> None:
    profile = store.add()
    store.put(profile.id, TAR, manifest=STATE.to_json())
    stage = make_stage(store)
    await start(stage)

    assert stage.owner.directory == TAR
    assert stage.owner.asked == ["/fs/upload_tar", "/browser/start", "restore"]
    assert stage.owner.state == STATE
    # Its tabs are put back by us: neither the session's first page nor what the agent has noted comes beside them.
    assert stage.owner.started_with == {"restore_tabs": False, "start_url": "about:blank"}
    told = stage.told(EventType.PROFILE_RESTORED)
    assert (told["profile"], told["revision"], told["bytes"]) == (profile.id, 1, len(TAR))
    await stage.side.close()


@pytest.mark.parametrize("way", [StartsFrom.PROFILE, StartsFrom.SNAPSHOT])
async def test_a_session_that_goes_on_has_all_of_its_tabs_and_one_from_a_profile_the_one_in_front(
    store: MemoryStore, way: StartsFrom
) -> None:
    profile = store.add()
    store.put(profile.id, TAR, manifest=STATE.to_json())
    stage = make_stage(store, way=way)
    stage.owner.all_there.clear()
    starting = spawn(start(stage), name="starting")
    async with asyncio.timeout(5):
        while stage.owner.asked[-1:] != ["restore"]:
            await asyncio.sleep(0.001)
    for _ in range(20):
        await asyncio.sleep(0)
    assert starting.done() is (way is StartsFrom.PROFILE)
    stage.owner.all_there.set()
    await asyncio.wait_for(starting, 5)
    await stage.side.close()


async def test_tabs_that_do_not_come_keep_a_session_down_no_longer_than_so(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESTORE_S", 0.01)
    profile = store.add()
    store.put(profile.id, TAR, manifest=STATE.to_json())
    stage = make_stage(store, way=StartsFrom.SNAPSHOT)
    stage.owner.all_there.clear()
    await asyncio.wait_for(start(stage), 5)
    assert stage.told(EventType.PROFILE_RESTORED)["revision"] == 1
    await stage.side.close()


async def test_the_page_that_a_session_is_asked_to_open_is_opened_beside_the_kept_tabs(store: MemoryStore) -> None:
    profile = store.add()
    store.put(profile.id, TAR, manifest=STATE.to_json())
    stage = make_stage(store, start_url="http://site.test/asked")
    await start(stage)
    assert stage.owner.started_with == {"restore_tabs": False, "start_url": "http://site.test/asked"}


async def test_tabs_that_only_the_agent_has_noted_are_opened_by_it(store: MemoryStore) -> None:
    profile = store.add()
    store.put(profile.id, TAR, manifest=KeptState().to_json())
    stage = make_stage(store)
    await start(stage)
    assert stage.owner.started_with == {"restore_tabs": True}
    assert "restore" not in stage.owner.asked


async def test_a_storage_state_needs_no_directory(store: MemoryStore) -> None:
    profile = store.add()
    store.put(profile.id, msgspec.json.encode(STORAGE), form=ProfileForm.STORAGE_STATE)
    stage = make_stage(store)
    await start(stage)
    assert stage.owner.asked == []
    assert stage.owner.storage == STORAGE
    assert stage.told(EventType.PROFILE_RESTORED)["revision"] == 1


async def test_a_profile_in_which_nothing_was_saved_yet_asks_nothing_of_the_sandbox(store: MemoryStore) -> None:
    store.add()
    stage = make_stage(store)
    await start(stage)
    assert (stage.owner.asked, stage.owner.events) == ([], [])


async def test_an_adopted_session_is_not_furnished_again(store: MemoryStore) -> None:
    profile = store.add()
    store.put(profile.id, TAR, manifest=STATE.to_json())
    stage = make_stage(store)
    stage.owner.is_running = True
    await stage.side.begin()
    assert (stage.owner.asked, stage.owner.events) == (["/browser/start"], []), "it runs already"


async def test_a_browser_that_was_left_stopped_by_a_save_is_started_by_who_adopts_its_session(
    store: MemoryStore,
) -> None:
    profile = store.add()
    store.put(profile.id, TAR, manifest=STATE.to_json())
    stage = make_stage(store)
    await stage.side.begin()
    assert stage.owner.is_running and stage.owner.started_with == {"restore_tabs": True}
    assert stage.owner.expected == [True, False]


@pytest.mark.parametrize("how", ["reads", "storage_state", "machine"])
async def test_a_browser_that_no_save_has_stopped_stays_so(store: MemoryStore, how: str) -> None:
    profile = store.add()
    store.put(profile.id, TAR, manifest=STATE.to_json())
    stage = make_stage(store, save=how != "reads", form=ProfileForm(how if how == "storage_state" else "directory"))
    if how == "machine":
        session = stage.owner.session
        stage.owner.session = replace(session, options=replace(session.options, machine=True))
    await stage.side.begin()
    assert (stage.owner.asked, stage.owner.is_running) == ([], False)


async def test_an_adopted_session_whose_browser_does_not_start_is_kept(store: MemoryStore) -> None:
    profile = store.add()
    store.put(profile.id, TAR, manifest=STATE.to_json())
    stage = make_stage(store)
    stage.owner.refuses = {"/browser/start": AgentError("broke off")}
    await stage.side.begin()
    assert stage.owner.expected == [True, False]


@pytest.mark.parametrize(
    "refused",
    [
        {"/browser/start": ConflictError("crashed", reason="restart_failed")},
        {"/browser/start": AgentError("broke off")},
        {"restore": ActionError(Failure.TIMEOUT, "it does not answer")},
    ],
)
async def test_a_session_never_starts_with_half_a_profile(store: MemoryStore, refused: dict[str, Exception]) -> None:
    profile = store.add()
    store.put(profile.id, TAR, manifest=STATE.to_json())
    stage = make_stage(store)
    stage.owner.refuses = refused
    with pytest.raises(StartError) as caught:
        await start(stage)
    assert caught.value.reason == "profile_not_restored"
    assert stage.owner.events == []
    await stage.side.close()


@pytest.mark.parametrize("manifest", [b"{", b'{"version": 2}', b'{"tabs": 3}'])
async def test_a_manifest_of_another_making_is_refused(store: MemoryStore, manifest: bytes) -> None:
    profile = store.add()
    store.put(profile.id, TAR, manifest=manifest)
    stage = make_stage(store)
    with pytest.raises(StartError) as caught:
        await start(stage)
    assert caught.value.reason == "profile_not_restored"
    await stage.side.close()


async def test_what_the_store_cannot_read_stops_the_start_with_the_stores_own_words(store: MemoryStore) -> None:
    profile = store.add()
    store.put(profile.id, TAR)
    stage = make_stage(store)
    store.fails = ConflictError("damaged", reason="profile_damaged")
    with pytest.raises(ConflictError, match="damaged"):
        await start(stage)
    await stage.side.close()


# --- saving at the end ----------------------------------------------------------------------------------------------


async def test_the_end_of_a_session_saves_what_stands_there_then(stage: Stage) -> None:
    stage.owner.directory, stage.owner.state = b"changed", KeptState(tabs=(KeptTab(url="http://two.test/"),))
    await stage.side.save("closed_by_user")

    assert stage.owner.asked == ["capture", "/browser/stop", "/fs/download_dir_tar"]
    assert not stage.owner.is_running
    saved = stage.store.revisions[stage.profile_id][-1]
    assert (saved.revision, saved.form, saved.engine, saved.content) == (2, ProfileForm.DIRECTORY, "shell", b"changed")
    assert KeptState.from_json(saved.manifest) == stage.owner.state
    told = stage.told(EventType.PROFILE_SAVED)
    assert (told["revision"], told["bytes"]) == (2, 7)


async def test_tabs_that_have_not_come_back_yet_are_saved_as_they_were(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TABS_S", 0.05)
    profile = store.add()
    store.put(profile.id, TAR, manifest=STATE.to_json())
    stage = make_stage(store)
    stage.owner.pages_load = asyncio.Event()
    await store.take(profile.id, stage.owner.session.id, writes=True)
    await start(stage)
    stage.owner.browser.tabs_to_come = 1
    new = KeptTab(url="http://new.test/")
    stage.owner.state = KeptState(tabs=(new,))
    await stage.side.save("closed_by_user")
    assert KeptState.from_json(store.revisions[profile.id][-1].manifest).tabs == (new, *STATE.tabs)
    await stage.side.close()


async def test_no_more_of_tabs_that_have_not_come_back_is_saved_than_can_be_read_again(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TABS_S", 0.05)
    profile = store.add()
    large = (KeptStorage(origin="http://site.test", entries=(("n", "v" * (5 << 20)),)),)
    left = KeptTab(url="http://left.test/", storage=large)
    store.put(profile.id, TAR, manifest=KeptState(tabs=(left,)).to_json())
    stage = make_stage(store)
    stage.owner.pages_load = asyncio.Event()
    await store.take(profile.id, stage.owner.session.id, writes=True)
    await start(stage)
    stage.owner.browser.tabs_to_come = 1
    stage.owner.state = KeptState(tabs=(KeptTab(url="http://new.test/", storage=large),))
    await stage.side.save("closed_by_user")
    tabs = KeptState.from_json(store.revisions[profile.id][-1].manifest).tabs
    assert tabs == (*stage.owner.state.tabs, KeptTab(url="http://left.test/"))
    await stage.side.close()


async def test_a_browser_that_its_owner_had_stopped_is_saved_as_it_lies_there(stage: Stage) -> None:
    stage.owner.is_running = False
    await stage.side.save("closed_by_user")
    saved = stage.store.revisions[stage.profile_id][-1]
    assert (saved.revision, KeptState.from_json(saved.manifest)) == (2, KeptState())


async def test_one_that_only_reads_saves_nothing(store: MemoryStore) -> None:
    profile = store.add()
    store.put(profile.id, TAR)
    stage = make_stage(store, save=False)
    await start(stage)
    stage.owner.asked.clear()
    await stage.side.save("closed_by_user")
    assert stage.owner.asked == []
    assert len(store.revisions[profile.id]) == 1
    with pytest.raises(ConflictError) as caught:
        await stage.side.save_now()
    assert caught.value.fields["reason"] == "no_profile"


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        ({"capture": ActionError(Failure.BROWSER_RESTARTED, "gone")}, "browser_restarted"),
        ({"/browser/stop": ConflictError("stuck", reason="stop_failed")}, "stop_failed"),
        ({"/fs/download_dir_tar": AgentError("broke off")}, "agent_failed"),
        ({"/fs/download_dir_tar": ValueError("a bug")}, "internal"),
    ],
)
async def test_a_save_that_fails_is_told_and_leaves_the_last_revision(
    stage: Stage, refused: dict[str, Exception], reason: str
) -> None:
    stage.owner.refuses = refused
    await stage.side.save("closed_by_user")
    assert stage.told(EventType.PROFILE_NOT_SAVED) == {"profile": stage.profile_id, "reason": reason}
    assert len(stage.store.revisions[stage.profile_id]) == 1


async def test_a_profile_that_was_deleted_meanwhile_is_told_as_such(stage: Stage) -> None:
    stage.store.delete(stage.profile_id)
    await stage.side.save("closed_by_user")
    assert stage.told(EventType.PROFILE_NOT_SAVED)["reason"] == "profile_deleted"


async def test_a_directory_that_has_grown_too_large_is_not_saved(store: MemoryStore) -> None:
    profile = store.add()
    stage = make_stage(store, max_bytes=10_000)
    await store.take(profile.id, stage.owner.session.id, writes=True)
    stage.owner.is_running, stage.owner.directory = True, bytes(10_001)
    await stage.side.save("closed_by_user")
    assert stage.told(EventType.PROFILE_NOT_SAVED)["reason"] == "too_large"
    assert profile.id not in store.revisions


async def test_the_end_of_a_session_waits_for_its_profile_so_long_and_no_longer(store: MemoryStore) -> None:
    profile = store.add()
    stage = make_stage(store, saves_s=0.05)
    await store.take(profile.id, stage.owner.session.id, writes=True)
    stage.owner.is_running, store.holds = True, asyncio.Event()
    await asyncio.wait_for(stage.side.save("closed_by_user"), 5)
    assert stage.told(EventType.PROFILE_NOT_SAVED)["reason"] == "too_slow"


async def test_a_storage_state_is_saved_of_all_origins_that_were_seen_or_brought_along(store: MemoryStore) -> None:
    profile = store.add()
    store.put(profile.id, msgspec.json.encode(STORAGE), form=ProfileForm.STORAGE_STATE)
    stage = make_stage(store, form=ProfileForm.STORAGE_STATE)
    await store.take(profile.id, stage.owner.session.id, writes=True)
    await start(stage)
    stage.owner.browser.memory.origins._seen = {"http://seen.test": None}
    await stage.side.save("idle_timeout")

    assert stage.owner.wanted_origins == ["http://site.test", "http://seen.test"]
    assert stage.owner.is_running, "nothing is stopped for it"
    saved = store.revisions[profile.id][-1]
    assert (saved.revision, saved.form, saved.engine) == (2, ProfileForm.STORAGE_STATE, "")
    assert msgspec.json.decode(saved.content, type=StorageState) == STORAGE


async def test_a_storage_state_that_no_session_could_start_from_is_not_saved(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = store.add()
    stage = make_stage(store, form=ProfileForm.STORAGE_STATE)
    await store.take(profile.id, stage.owner.session.id, writes=True)
    await start(stage)
    stage.owner.storage = STORAGE
    monkeypatch.setattr(module, "MAX_STATE_BYTES", 10)
    await stage.side.save("closed_by_user")
    assert stage.told(EventType.PROFILE_NOT_SAVED)["reason"] == "too_large"
    assert profile.id not in store.revisions


async def test_an_adopted_session_saves_the_origins_that_it_came_with_too(store: MemoryStore) -> None:
    profile = store.add()
    store.put(profile.id, msgspec.json.encode(STORAGE), form=ProfileForm.STORAGE_STATE)
    stage = make_stage(store, form=ProfileForm.STORAGE_STATE)
    await store.take(profile.id, stage.owner.session.id, writes=True)
    stage.owner.is_running = True
    await stage.side.begin()
    stage.owner.browser.memory.origins._seen = {"http://seen.test": None}
    await stage.side.save("idle_timeout")
    assert stage.owner.wanted_origins == ["http://site.test", "http://seen.test"]


async def test_an_adopted_session_is_saved_also_when_the_last_revision_cannot_be_read(store: MemoryStore) -> None:
    profile = store.add()
    store.put(profile.id, b"no state", form=ProfileForm.STORAGE_STATE)
    stage = make_stage(store, form=ProfileForm.STORAGE_STATE)
    await store.take(profile.id, stage.owner.session.id, writes=True)
    stage.owner.is_running = True
    await stage.side.begin()
    await stage.side.save("idle_timeout")
    assert store.revisions[profile.id][-1].revision == 2


# --- saving while it lives on ---------------------------------------------------------------------------------------


async def test_a_living_session_goes_on_with_its_tabs_after_it_was_saved(stage: Stage) -> None:
    revision = await stage.side.save_now()

    assert revision.revision == 2
    assert stage.owner.asked == ["capture", "/browser/stop", "/fs/download_dir_tar", "/browser/start", "restore"]
    assert stage.owner.is_running
    assert stage.owner.expected == [True, False]
    assert stage.owner.started_with == {"restore_tabs": False, "start_url": "about:blank"}


async def test_a_browser_comes_back_also_when_its_profile_could_not_be_saved(stage: Stage) -> None:
    stage.store.fails = ConflictError("disk", reason="profile_damaged")
    with pytest.raises(ConflictError):
        await stage.side.save_now()
    assert stage.owner.is_running
    assert stage.owner.expected == [True, False]
    assert stage.told(EventType.PROFILE_NOT_SAVED)["reason"] == "profile_damaged"


async def test_one_whose_browser_does_not_answer_is_left_alone(stage: Stage) -> None:
    stage.owner.refuses = {"capture": ActionError(Failure.TIMEOUT, "hangs")}
    with pytest.raises(AgentError):
        await stage.side.save_now()
    assert "/browser/stop" not in stage.owner.asked
    assert stage.owner.is_running


async def test_saves_come_one_after_the_other(stage: Stage) -> None:
    first, second = await asyncio.gather(stage.side.save_now(), stage.side.save_now())
    await stage.side.save("closed_by_user")
    assert [first.revision, second.revision] == [2, 3]
    assert len(stage.store.revisions[stage.profile_id]) == 4
    steps = ["capture", "/browser/stop", "/fs/download_dir_tar"]
    assert stage.owner.asked == [*steps, "/browser/start", "restore"] * 2 + steps


async def test_who_asks_for_a_save_and_goes_away_does_not_leave_the_browser_stopped(stage: Stage) -> None:
    stage.store.holds = asyncio.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await stage.side.save_now()
    stage.store.holds.set()
    await stage.side.save("closed_by_user")  # waits for its turn
    assert [saved.revision for saved in stage.store.revisions[stage.profile_id]] == [1, 2, 3]
    assert stage.owner.asked.count("/browser/start") == 1


async def test_a_save_that_takes_too_long_is_told_to_who_asked(store: MemoryStore) -> None:
    profile = store.add()
    stage = make_stage(store, saves_s=0.05)
    await store.take(profile.id, stage.owner.session.id, writes=True)
    stage.owner.is_running, store.holds = True, asyncio.Event()
    with pytest.raises(DeadlineError):
        await asyncio.wait_for(stage.side.save_now(), 5)
    assert stage.owner.is_running
    assert stage.told(EventType.PROFILE_NOT_SAVED)["reason"] == "deadline_exceeded"


async def test_a_daemon_that_stops_waits_for_a_save_that_is_under_way(stage: Stage) -> None:
    stage.store.holds = asyncio.Event()
    saving = spawn(stage.side.save_now(), name="save")
    while "/fs/download_dir_tar" not in stage.owner.asked:
        await asyncio.sleep(0)
    settling = spawn(stage.side.settled(), name="settle")
    await asyncio.sleep(0)
    assert not settling.done()
    stage.store.holds.set()
    await settling
    assert saving.done() or (await saving).revision == 2
    assert stage.owner.is_running


async def test_a_side_that_closes_gives_up_the_save_that_is_under_way(stage: Stage) -> None:
    stage.store.holds = asyncio.Event()
    saving = spawn(stage.side.save_now(), name="save")
    while "/fs/download_dir_tar" not in stage.owner.asked:
        await asyncio.sleep(0)
    await asyncio.wait_for(stage.side.close(), 5)
    with pytest.raises(asyncio.CancelledError):
        await saving
    assert len(stage.store.revisions[stage.profile_id]) == 1
