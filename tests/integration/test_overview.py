"""`/v1/events`, `/v1/usage` and `/v1/policy` through the real door."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from cloche.sessions.news import BOUND, Change, News
from cloche.testing.api import RunningApi, running_api


@asynccontextmanager
async def listening(api: RunningApi) -> AsyncIterator[AsyncIterator[str]]:
    """Alice's stream, begun."""
    async with api.http(api.user_key) as client, client.stream("GET", "/v1/events") as answer:
        assert answer.status_code == 200
        async with aclosing(answer.aiter_lines()) as lines:
            assert (await anext(lines)).startswith("retry:")
            yield lines


async def read_changes(lines: Any, count: int) -> list[Any]:
    """The next `count` events, as (event, data)."""
    found: list[Any] = []
    event = ""
    async with asyncio.timeout(10):
        while len(found) < count:
            line = await anext(lines)
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found.append((event, json.loads(line.removeprefix("data: "))))
    return found


async def test_changes_come_as_events_each_once():
    news = News()
    async with running_api(news=news) as api, listening(api) as lines:
        for _ in range(3):
            news.publish("alice", Change("profile", "prf_1", "profile.renamed"))
        news.publish("mallory", Change("profile", "prf_2", "profile.renamed"))
        news.publish("alice", Change("session", "ses_1", "session.ready"))
        assert await read_changes(lines, 2) == [
            ("change", {"kind": "profile", "id": "prf_1", "type": "profile.renamed"}),
            ("change", {"kind": "session", "id": "ses_1", "type": "session.ready"}),
        ]


async def test_who_misses_changes_is_told_to_look_again():
    news = News()
    async with running_api(news=news) as api, listening(api) as lines:
        for number in range(BOUND + 1):
            news.publish("alice", Change("session", f"ses_{number}", "session.ready"))
        assert await read_changes(lines, 1) == [("resync", {})]


async def test_changes_are_for_those_with_a_key():
    async with running_api() as api, api.http() as client:
        assert (await client.get("/v1/events")).status_code == 401


async def test_usage_is_the_own_and_everybodys_to_an_admin():
    async with running_api() as api:
        await api.session()
        async with api.http(api.user_key) as client:
            (line,) = (await client.get("/v1/usage")).json()["lines"]
            assert (line["owner"], line["sessions"]) == ("alice", 1)
            assert (await client.get("/v1/usage?days=91")).status_code == 400
        async with api.http(api.other_key) as client:
            assert (await client.get("/v1/usage")).json()["lines"] == []
        async with api.http(api.admin_key) as client:
            assert len((await client.get("/v1/usage?days=1")).json()["lines"]) == 1


async def test_policy_says_who_asks_and_what_holds():
    async with running_api(policy={"live": {"clipboard": "in"}}) as api, api.http(api.user_key) as client:
        answer = (await client.get("/v1/policy")).json()
        assert answer == {
            "principal": "alice",
            "role": "user",
            "scopes": ["machine"],
            "policy": {"live": {"clipboard": "in"}},
        }
