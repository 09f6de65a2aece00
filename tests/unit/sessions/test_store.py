from collections.abc import Mapping

import pytest

from cloche.errors import InvalidError, NotFoundError
from cloche.ids import PrincipalName, new_session_id
from cloche.sessions.model import Session, SessionPage, SessionStatus
from cloche.sessions.store import MAX_PAGE, SessionStore
from cloche.storage.database import Database
from cloche.testing.sessions import make_options, make_session

ANN, BOB = PrincipalName("ann"), PrincipalName("bob")


@pytest.fixture
def store(database: Database) -> SessionStore:
    return SessionStore(database)


async def add(store: SessionStore, *sessions: Session) -> None:
    for session in sessions:
        await store.add(session, agent_token_hash="h", upstream_sealed=None)


async def page(
    store: SessionStore,
    *,
    owner: PrincipalName | None = None,
    status: SessionStatus | None = None,
    labels: Mapping[str, str] | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> SessionPage:
    return await store.page(owner=owner, status=status, labels=labels or {}, limit=limit, cursor=cursor)


async def test_a_long_listing_is_paged_without_gap_or_repetition(store: SessionStore) -> None:
    made = [make_session() for _ in range(257)]
    await add(store, *made)
    found, cursor, pages = list[Session](), None, 0
    while True:
        part = await page(store, limit=50, cursor=cursor)
        found += part.sessions
        pages += 1
        cursor = part.next_cursor
        if cursor is None:
            break

    assert pages == 6
    assert [session.id for session in found] == sorted((session.id for session in made), reverse=True)


async def test_a_session_made_while_one_pages_disturbs_nothing(store: SessionStore) -> None:
    made = sorted([make_session() for _ in range(4)], key=lambda session: session.id)
    await add(store, *made)
    first = await page(store, limit=2)
    await add(store, make_session())
    second = await page(store, limit=2, cursor=first.next_cursor)

    assert [s.id for s in (*first.sessions, *second.sessions)] == [s.id for s in reversed(made)]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
async def test_only_a_page_that_is_not_the_last_has_a_cursor(store: SessionStore, count: int) -> None:
    await add(store, *(make_session() for _ in range(count)))
    found = await page(store, limit=2)

    assert len(found.sessions) == min(count, 2)
    assert (found.next_cursor is not None) == (count > 2)


async def test_everyone_sees_the_own_ones_and_nobody_means_all(store: SessionStore) -> None:
    mine, theirs = make_session(owner=ANN), make_session(owner=BOB)
    await add(store, mine, theirs)

    assert [s.id for s in (await page(store, owner=ANN)).sessions] == [mine.id]
    assert (await page(store, owner=PrincipalName("ann' or '1'='1"))).sessions == ()
    assert len((await page(store)).sessions) == 2


async def test_status_and_labels_narrow_the_listing_and_all_must_hold(store: SessionStore) -> None:
    both = make_session(options=make_options(labels={"team": "a", "job": "1"}), status=SessionStatus.READY)
    one = make_session(options=make_options(labels={"team": "a"}))
    swapped = make_session(options=make_options(labels={"team": "1", "job": "a"}))
    await add(store, both, one, swapped)

    async def ids(**wanted: object) -> set[str]:
        return {s.id for s in (await page(store, **wanted)).sessions}  # type: ignore[arg-type]

    assert await ids(labels={"team": "a"}) == {both.id, one.id}
    assert await ids(labels={"team": "a", "job": "1"}) == {both.id}
    assert await ids(labels={"team": "%"}) == set()
    assert await ids(labels={"none": ""}) == set()
    assert await ids(status=SessionStatus.READY) == {both.id}
    assert await ids(status=SessionStatus.READY, labels={"job": "a"}) == set()


@pytest.mark.parametrize("limit", [0, -1, MAX_PAGE + 1, 10**9])
async def test_a_page_has_its_limits(store: SessionStore, limit: int) -> None:
    with pytest.raises(InvalidError) as caught:
        await page(store, limit=limit)
    assert caught.value.fields["field"] == "limit"


@pytest.mark.parametrize(
    "cursor", ["", "1", "ses_", "ses_'; drop table sessions; --", "key_01J8ZQ4Y3M5N6P7R8S9T0V1W2X"]
)
async def test_a_cursor_that_is_none_is_refused(store: SessionStore, cursor: str) -> None:
    with pytest.raises(InvalidError) as caught:
        await page(store, cursor=cursor)
    assert caught.value.fields["field"] == "cursor"


async def test_a_cursor_needs_no_row_of_its_own(store: SessionStore) -> None:
    await add(store, make_session())

    assert len((await page(store, cursor=new_session_id())).sessions) == 1


async def test_an_unknown_session_is_not_found(store: SessionStore) -> None:
    with pytest.raises(NotFoundError):
        await store.load(new_session_id())


async def test_a_sandbox_is_remembered_with_its_session(store: SessionStore, database: Database) -> None:
    session = make_session()
    await add(store, session)
    await store.save(session, sandbox={"pid": 7, "boot": "x"})
    await store.save(session)

    assert (await store.load(session.id)).id == session.id
    async with database.read() as connection:
        from sqlalchemy import text

        stored = (await connection.execute(text("select sandbox from sessions"))).scalar_one()
    assert stored == '{"pid": 7, "boot": "x"}'
