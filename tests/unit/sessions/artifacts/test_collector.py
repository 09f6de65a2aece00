import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from cloche.artifacts.model import ArtifactKind, ArtifactState
from cloche.browser.downloads import Begun
from cloche.browser.redact.urls import redact_url
from cloche.errors import AgentError, InternalError, InvalidError
from cloche.sessions.artifacts import collector as collecting
from cloche.sessions.artifacts.collector import MAX_REJECTED, MAX_TAKEN, MAX_UNDER_WAY, Collector
from cloche.sessions.model import EventType
from cloche.testing.sessions import BUDGET, make_options, make_session

from .conftest import FakeOwner, FakeStore, NotedAudit

SPOOL = "/data/downloads"
Make = Callable[..., Collector]


class Chromium:
    def __init__(self) -> None:
        self.canceled: list[str] = []
        self.refuses = False

    def cancel(self, guid: str) -> None:
        self.canceled.append(guid)

    def media_type_of(self, url: str) -> str:
        return {"http://typed.test/": "application/pdf"}.get(url, "")

    def refuse_all(self) -> None:
        self.refuses = True


@pytest.fixture
def chromium() -> Chromium:
    return Chromium()


@pytest.fixture
async def make(owner: FakeOwner, store: FakeStore, chromium: Chromium, audit: NotedAudit) -> AsyncIterator[Make]:
    made: list[Collector] = []

    def make(*, private: bool = False, **budget: int) -> Collector:
        options = make_options(budget=replace(BUDGET, **budget), private=private)
        made.append(Collector(make_session(options=options), owner, store, chromium, audit))
        return made[-1]

    yield make
    for collector in made:
        await collector.close()


def download(owner: FakeOwner, collector: Collector, guid: str, content: bytes = b"x", **facts: str) -> None:
    """Have a whole download told of."""
    owner.machine.files[f"/spool/{guid}"] = content
    collector.began(Begun(guid=guid, suggested_name=f"{guid}.txt", **facts))
    collector.grew(guid, len(content), len(content))
    collector.completed(guid, f"{SPOOL}/{guid}")


async def emptied(owner: FakeOwner) -> None:
    async with asyncio.timeout(5):
        while owner.machine.files:
            await asyncio.sleep(0)


async def test_a_download_is_taken_in_told_of_written_down_and_removed(
    make: Make, owner: FakeOwner, store: FakeStore, audit: NotedAudit
) -> None:
    collector = make()
    download(owner, collector, "a", b"hello", url="http://x.test/", referrer="http://y.test/")
    await owner.until(lambda: owner.published)
    ((draft, data),) = store.kept
    assert (draft.suggested_name, draft.source_url, draft.referrer, data) == (
        "a.txt", "http://x.test/", "http://y.test/", b"hello",
    )  # fmt: skip
    assert (draft.kind, draft.trusted, draft.bounds.max_file_bytes) == (ArtifactKind.DOWNLOAD, False, 8 << 20)
    (artifact,) = store.artifacts.values()
    told = {"artifact": artifact.id, "kind": "download", "size_bytes": 5, "reasons": "", "file_name": "a.txt"}
    ((type_, data_told),) = owner.published
    took_ms = data_told.pop("ms")
    assert (type_, data_told) == (EventType.ARTIFACT_READY, told) and isinstance(took_ms, float) and took_ms >= 0
    (record,) = audit.records
    assert (record.kind, record.actor, record.subject) == ("artifact.ready", "sandbox", artifact.id)
    assert record.data["sha256"] == artifact.sha256 and "file_name" not in record.data
    assert await collector.outcome("a", 0) == artifact.id
    await emptied(owner)


async def test_what_the_server_called_it_is_known_to_the_store(make: Make, owner: FakeOwner, store: FakeStore) -> None:
    collector = make()
    download(owner, collector, "a", b"hello", url="http://typed.test/")
    await owner.until(lambda: owner.published)
    assert store.kept[0][0].declared_type == "application/pdf"
    await emptied(owner)


@pytest.mark.parametrize(
    ("state", "type_"),
    [
        (ArtifactState.QUARANTINED, EventType.ARTIFACT_QUARANTINED),
        (ArtifactState.CONDEMNED, EventType.ARTIFACT_QUARANTINED),
        (ArtifactState.REJECTED, EventType.ARTIFACT_REJECTED),
    ],
)
async def test_what_the_store_decides_is_told(
    make: Make, owner: FakeOwner, store: FakeStore, state: ArtifactState, type_: EventType
) -> None:
    store.state = state
    download(owner, make(), "a")
    await owner.until(lambda: owner.published)
    assert owner.published[0][0] is type_


async def test_of_a_private_session_names_are_not_told(
    make: Make, owner: FakeOwner, store: FakeStore, audit: NotedAudit
) -> None:
    download(owner, make(private=True), "a")
    await owner.until(lambda: owner.published)
    assert store.kept[0][0].private
    assert "file_name" not in owner.published[0][1] and "sha256" not in audit.records[0].data


async def test_a_file_that_a_client_had_put_elsewhere_is_read_there_and_left(
    make: Make, owner: FakeOwner, store: FakeStore
) -> None:
    collector = make()
    owner.machine.files["/data/workspace/mine.txt"] = b"mine"
    collector.began(Begun(guid="a"))
    collector.completed("a", "/data/workspace/mine.txt")
    await owner.until(lambda: owner.published)
    assert store.kept[0][1] == b"mine"
    assert owner.machine.requests == [("GET", "/data/workspace/mine.txt")]


async def test_one_of_which_the_beginning_was_not_heard_is_taken_all_the_same(
    make: Make, owner: FakeOwner, store: FakeStore
) -> None:
    owner.machine.files["/spool/a"] = b"x"
    make().completed("a", "")
    await owner.until(lambda: owner.published)
    assert store.kept[0][0].source_url == ""


@pytest.mark.parametrize(("received", "total"), [(101, 0), (1, 101)])
async def test_what_does_not_fit_is_ended_while_it_comes(
    make: Make, owner: FakeOwner, store: FakeStore, chromium: Chromium, received: int, total: int
) -> None:
    collector = make(artifacts_bytes=100)
    collector.began(Begun(guid="a", suggested_name="a.txt"))
    collector.grew("a", received, total)
    collector.canceled("a")  # as Chromium answers
    await owner.until(lambda: owner.published)
    assert chromium.canceled == ["a"]
    assert store.rejected == [("a.txt", "session_quota", received)]
    assert owner.reported == []


async def test_those_that_come_side_by_side_share_the_room(make: Make, chromium: Chromium) -> None:
    collector = make(artifacts_bytes=100)
    for guid in ("a", "b"):
        collector.began(Begun(guid=guid))
        collector.grew(guid, 60, 0)
    assert chromium.canceled == ["b"]


async def test_what_is_kept_already_takes_room(make: Make, owner: FakeOwner, chromium: Chromium) -> None:
    collector = make(artifacts_bytes=100)
    download(owner, collector, "a", bytes(90))
    await owner.until(lambda: owner.published)
    collector.began(Begun(guid="b"))
    collector.grew("b", 20, 0)
    assert chromium.canceled == ["b"]


async def test_beyond_the_number_of_artifacts_downloads_are_refused_and_chromium_told(
    make: Make, owner: FakeOwner, store: FakeStore, chromium: Chromium
) -> None:
    collector = make(artifacts=3)
    for guid in "abc":
        download(owner, collector, guid)
    await owner.until(lambda: len(owner.published) == 3)
    for number in range(1000):
        collector.began(Begun(guid=f"{number:x}00"))
    assert chromium.refuses and len(chromium.canceled) == 1000
    assert len(store.artifacts) == 3 and store.rejected == []
    assert {data["reasons"] for _, data in owner.reported} == {"too_many_artifacts"}


async def test_no_more_are_under_way_than_can_be_watched(make: Make, chromium: Chromium) -> None:
    collector = make(artifacts=10_000)
    for number in range(MAX_UNDER_WAY + 10):
        collector.began(Begun(guid=f"{number:x}"))
    assert len(chromium.canceled) == 10 and not chromium.refuses


async def test_only_so_many_rejections_are_written_down(
    make: Make, owner: FakeOwner, store: FakeStore, chromium: Chromium
) -> None:
    collector = make(artifacts_bytes=10, artifacts=1000)
    for number in range(MAX_REJECTED + 20):
        collector.began(Begun(guid=f"{number:x}"))
        collector.grew(f"{number:x}", 11, 0)
    await owner.until(lambda: len(owner.published) == MAX_REJECTED)
    assert len(store.rejected) == MAX_REJECTED and len(owner.reported) == 20


async def test_a_few_are_taken_at_a_time(make: Make, owner: FakeOwner) -> None:
    collector = make()
    owner.machine.gate.clear()
    for number in range(10):
        download(owner, collector, f"{number}")
    async with asyncio.timeout(5):
        while owner.machine.reading < MAX_TAKEN:
            await asyncio.sleep(0)
    owner.machine.gate.set()
    await owner.until(lambda: len(owner.published) == 10)
    assert owner.machine.most_reading == MAX_TAKEN


@pytest.mark.parametrize("error", [InvalidError("it is no regular file"), AgentError("it broke off")])
async def test_what_cannot_be_read_is_rejected_and_removed(
    make: Make, owner: FakeOwner, store: FakeStore, error: Any
) -> None:
    owner.machine.fails = [error]
    download(owner, make(), "a")
    await owner.until(lambda: owner.published)
    assert store.rejected == [("a.txt", "not_readable", 1)]
    await emptied(owner)


async def test_one_that_fails_or_is_canceled_leaves_no_record(make: Make, owner: FakeOwner, store: FakeStore) -> None:
    collector = make()
    collector.began(Begun(guid="a"))
    collector.canceled("a")
    assert await collector.outcome("a", 0) is None
    assert owner.reported == [(EventType.ARTIFACT_REJECTED, {"kind": "download", "reasons": "canceled"})]
    assert store.rejected == []


async def test_what_was_refused_but_came_whole_before_that_was_heard_is_removed(
    make: Make, owner: FakeOwner, store: FakeStore
) -> None:
    collector = make(artifacts_bytes=10)
    owner.machine.files["/spool/a"] = bytes(11)
    collector.began(Begun(guid="a"))
    collector.grew("a", 11, 11)
    collector.completed("a", f"{SPOOL}/a")
    await emptied(owner)
    assert store.kept == []


async def test_with_its_browser_a_download_ends(make: Make, owner: FakeOwner, store: FakeStore) -> None:
    collector = make()
    owner.machine.files["/spool/a"] = b"half"
    collector.began(Begun(guid="a", suggested_name="a.txt"))
    collector.browser_went()
    await owner.until(lambda: owner.published)
    assert store.rejected == [("a.txt", "browser_ended", 0)]
    await emptied(owner)


async def test_at_the_end_what_is_complete_is_taken_and_the_rest_told(
    make: Make, owner: FakeOwner, store: FakeStore, chromium: Chromium
) -> None:
    collector = make()
    download(owner, collector, "a")
    collector.began(Begun(guid="b", suggested_name="b.txt"))
    await collector.settle(2)
    assert [draft.suggested_name for draft, _ in store.kept] == ["a.txt"]
    assert store.rejected == [("b.txt", "session_ended", 0)] and chromium.canceled == ["b"]


async def test_the_end_waits_only_so_long(make: Make, owner: FakeOwner) -> None:
    collector = make()
    owner.machine.gate.clear()
    download(owner, collector, "a")
    await collector.settle(0.01)
    assert owner.machine.reading == 1
    await collector.close()
    assert owner.machine.reading == 0


async def test_whoever_asks_for_an_outcome_waits_for_it_and_no_longer_than_asked(
    make: Make, owner: FakeOwner, store: FakeStore
) -> None:
    collector = make()
    owner.machine.gate.clear()
    download(owner, collector, "a")
    assert await collector.outcome("a", 0.01) is None
    asking: Awaitable[Any] = asyncio.gather(collector.outcome("a", 5), collector.outcome("unknown", 5))
    owner.machine.gate.set()
    told = await asking
    assert told == [*store.artifacts, None]


async def test_what_the_daemon_made_is_kept_as_its_own(
    make: Make, owner: FakeOwner, store: FakeStore, audit: NotedAudit
) -> None:
    collector = make()
    kept = await collector.keep(ArtifactKind.PDF, b"%PDF", name="a.pdf", media_type="application/pdf", url="u")
    assert [kept] == [*store.artifacts] and store.kept[0][0].trusted
    assert audit.records[0].actor == "cloche"
    store.fails = [InternalError("the disk fails")]
    assert await collector.keep(ArtifactKind.PDF, b"", name="b.pdf", media_type="application/pdf", url="") is None


async def test_what_an_earlier_daemon_left_is_thrown_away(make: Make, owner: FakeOwner) -> None:
    await make().clear()
    assert owner.machine.requests == [("DELETE", "/spool")]


async def test_addresses_are_redacted_where_they_are_kept_and_only_there(
    make: Make, owner: FakeOwner, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noted(url: str) -> str:
        read.append(url)
        return redact_url(url)

    monkeypatch.setattr("cloche.browser.downloads.redact_url", noted)
    collector = make(artifacts=1)
    download(owner, collector, "a", url="https://u:p@x.test/a?token=secret", referrer="https://y.test/#secret")
    for number in range(10_000):
        collector.began(Begun(guid=f"b{number}", url="https://x.test/?" + "&" * 8000))
    await owner.until(lambda: owner.published)
    ((draft, _),) = store.kept
    assert (draft.source_url, draft.referrer) == ("https://x.test/a?token=<redacted>", "https://y.test/")
    assert len(read) == 2


async def test_an_agent_that_gives_a_byte_now_and_then_is_given_up(
    make: Make, owner: FakeOwner, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "TAKE_S", 0.01)
    collector = make(artifacts_bytes=1)
    owner.machine.gate.clear()
    download(owner, collector, "a")
    await owner.until(lambda: owner.published)
    assert store.rejected == [("a.txt", "not_readable", 1)] and owner.machine.reading == 0
    assert await collector.outcome("a", 5) is None


async def test_a_failure_that_nobody_foresaw_leaves_no_download_waiting(
    make: Make, owner: FakeOwner, store: FakeStore
) -> None:
    collector = make()
    store.fails = [OSError(28, "database or disk is full")]
    download(owner, collector, "a")
    assert await collector.outcome("a", 5) is None
    assert owner.reported == [(EventType.ARTIFACT_REJECTED, {"kind": "download", "reasons": "not_readable"})]


async def test_a_print_has_its_id_at_once_and_is_told_when_it_is_there(
    make: Make, owner: FakeOwner, store: FakeStore
) -> None:
    collector = make()
    kept = collector.keep_soon(ArtifactKind.PDF, b"%PDF", name="a.pdf", media_type="application/pdf", url="")
    assert kept == "art_soon" and owner.published == []
    await owner.until(lambda: owner.published)
    ((draft, data),) = store.kept
    assert (draft.trusted, draft.must_fit, data) == (True, True, b"%PDF")


async def test_a_print_for_which_there_is_no_room_is_not_begun(make: Make) -> None:
    for collector in (make(artifacts=1), make(artifacts_bytes=7)):
        prints = [
            collector.keep_soon(ArtifactKind.PDF, b"%PDF", name="a.pdf", media_type="application/pdf", url="")
            for _ in range(2)
        ]
        assert prints == ["art_soon", None]
