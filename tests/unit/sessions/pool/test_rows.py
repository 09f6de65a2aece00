"""A pool comes back from its row as it went in."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.live.model import ClipboardPolicy, RecordPolicy
from cloche.sandbox.spec import Engine
from cloche.sessions.model import (
    BudgetRequest,
    Downloads,
    EgressOptions,
    LiveRequest,
    SessionRequest,
    StandbyRequest,
    Viewport,
)
from cloche.sessions.pool import rows
from cloche.sessions.pool.model import PoolRecord
from cloche.storage.database import Database
from cloche.testing.sessions import NOON

FULL = SessionRequest(
    engine=Engine.CHROME,
    viewport=Viewport(width=800, height=600, device_scale_factor=2),
    start_url="https://a.example/",
    locale="de-DE",
    timezone="Europe/Berlin",
    user_agent="Robot/1",
    egress=EgressOptions(allow_hosts=("a.example",), private_hosts=("10.0.0.1:80",), ports=("443",), upstream=None),
    egress_max_bytes=1 << 40,
    budget=BudgetRequest(memory_bytes=1 << 30, cpu_cores=0.5, on_exhausted="end"),
    idle_timeout_s=5,
    lifetime_s=6,
    labels={"a": "1"},
    action_allowed_domains=("a.example",),
    machine=True,
    private=True,
    downloads=Downloads.OFF,
    live=LiveRequest(clipboard=ClipboardPolicy.BOTH, record=RecordPolicy.ALWAYS),
    standby=StandbyRequest(after_s=2.5),
)
RECORD = PoolRecord(name="blue", size=3, request=FULL, upstream_sealed="sealed", created_at=NOON, updated_at=NOON)


async def stored(database: Database) -> list[PoolRecord]:
    async with database.read() as connection:
        return [rows.record_of(row) for row in await rows.every(connection)]


async def test_a_pool_comes_back_as_it_was(database: Database) -> None:
    plain = replace(RECORD, name="amber", size=0, request=SessionRequest(), upstream_sealed=None)
    async with database.begin() as connection:
        await rows.add(connection, RECORD)
        await rows.add(connection, plain)
    assert await stored(database) == [plain, RECORD]


async def test_what_changes_of_a_pool_is_saved_and_its_beginning_stays(database: Database) -> None:
    changed = replace(RECORD, size=1, request=SessionRequest(), upstream_sealed=None, updated_at=NOON.replace(hour=13))
    async with database.begin() as connection:
        await rows.add(connection, RECORD)
        await rows.save(connection, replace(changed, created_at=NOON.replace(hour=14)))
    assert await stored(database) == [changed]
    async with database.begin() as connection:
        await rows.remove(connection, "blue")
    assert await stored(database) == []


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.builds(SessionRequest, profile=st.none(), egress=st.builds(EgressOptions, upstream=st.none())))
def test_every_request_survives_json(request: SessionRequest) -> None:
    through = msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(request)))
    floats = {request.viewport.device_scale_factor, request.budget.cpu_cores}
    floats |= {request.standby.after_s} if request.standby is not None else set()
    if all(value is None or abs(value) < float("inf") for value in floats):  # the door lets no other in
        assert msgspec.convert(through, SessionRequest) == request


@pytest.mark.parametrize("options", [{"engine": "netscape"}, {"viewport": 7}, [], None])
def test_what_is_no_request_is_not_taken_for_one(options: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(options, SessionRequest)


def test_an_option_that_this_server_does_not_know_is_left_alone_and_one_that_is_missing_is_the_default() -> None:
    assert msgspec.convert({"lifetime_s": 5, "of_next_year": 1}, SessionRequest) == SessionRequest(lifetime_s=5)
