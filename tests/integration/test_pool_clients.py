"""Both Python clients and `cloche pool`, against the served API."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloche.client.aio import Client
from cloche.client.sync import SyncClient
from cloche.errors import ConflictError, DeniedError, NotFoundError
from cloche.testing.api import RunningApi, running_api
from cloche.testing.command_line import Outcome, cloche


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


async def test_a_pool_is_made_used_and_deleted(api: RunningApi) -> None:
    async with Client(api.url, api.admin_key) as admin, Client(api.url, api.user_key) as client:
        made = await admin.pools.create("blue", size=2, labels={"team": "blue"}, viewport={"width": 800, "height": 600})
        assert (made.name, made.size, made.wanted, made.hit_rate) == ("blue", 2, 2, None)
        assert made.options["viewport"]["width"] == 800
        default, listed = await client.pools.list()
        assert listed == made
        assert default == await client.pools.get("default")
        assert (default.name, default.size, default.created_at) == ("default", 1, None)
        assert await admin.pools.flush("default") == 0
        session = await client.pools.acquire("blue", labels={"run": "7"}, lifetime_s=60)
        assert (session.pool, session.labels) == ("blue", {"team": "blue", "run": "7"})
        assert (await client.pools.acquire("blue", wait=False)).status == "pending"
        assert (await client.pools.get("blue")).in_use == 2
        assert (await client.pools.release("blue", session.id)).status == "closed"
        with pytest.raises(ConflictError):
            await client.pools.release("blue", (await client.sessions.create()).id)
        with pytest.raises(DeniedError):
            await client.pools.create("red", size=1)
        changed = await admin.pools.update("blue", size=1, options={"lifetime_s": 60})
        assert (changed.size, changed.options["labels"], changed.options["lifetime_s"]) == (1, {}, 60)
        assert (await admin.pools.update("blue", size=0)).options["lifetime_s"] == 60
        assert await admin.pools.flush("blue") == 0
        await admin.pools.delete("blue")
        with pytest.raises(NotFoundError):
            await client.pools.acquire("blue")


async def test_the_synchronous_client_does_the_same(api: RunningApi) -> None:
    def use() -> None:
        with SyncClient(api.url, api.admin_key) as admin:
            assert admin.pools.create("blue", size=1).size == 1
            session = admin.pools.acquire("blue", start_url="https://a.test/")
            assert session.pool == "blue"
            assert [(pool.name, pool.in_use) for pool in admin.pools.list()] == [("default", 0), ("blue", 1)]
            assert admin.pools.flush("default") == 0
            assert admin.pools.release("blue", session.id).status == "closed"
            assert admin.pools.update("blue", size=0).size == 0
            assert admin.pools.flush("blue") == 0
            admin.pools.delete("blue")
            with pytest.raises(NotFoundError):
                admin.pools.get("blue")

    await asyncio.to_thread(use)


async def test_pools_are_made_and_used_from_the_command_line(api: RunningApi, tmp_path: Path) -> None:
    async def typed(*arguments: str, key: str | None = None) -> Outcome:
        return await cloche("pool", *arguments, CLOCHE_URL=api.url, CLOCHE_KEY=key or api.admin_key)

    options, nonsense = tmp_path / "options.json", tmp_path / "nonsense.json"
    options.write_text(json.dumps({"lifetime_s": 60, "egress": {"deny_hosts": ["b.test"]}, "labels": {"a": "1"}}))
    nonsense.write_text("[")
    made, denied, broken = await asyncio.gather(
        typed(
            *("create", "blue", "--size", "2", "--options", str(options), "--viewport", "800x600"),
            *("--allow-host", "a.test", "--label", "b=2", "--json"),
        ),
        typed("create", "red", "--size", "1", key=api.user_key),
        typed("create", "red", "--size", "1", "--options", str(nonsense)),
    )
    assert made.code == 0, made.err
    shown = made.json["options"]
    assert (shown["lifetime_s"], shown["viewport"]["width"], shown["labels"]) == (60, 800, {"b": "2"})
    assert (shown["egress"]["allow_hosts"], shown["egress"]["deny_hosts"]) == (["a.test"], ["b.test"])
    assert denied.code == 1 and denied.err.endswith("[denied]\n")
    assert broken.code == 1 and "could not be read as JSON" in broken.err

    acquired = await typed("acquire", "blue", "https://a.test/", "--label", "c=3", "--json", key=api.user_key)
    assert (acquired.json["pool"], acquired.json["labels"]) == ("blue", {"b": "2", "c": "3"})
    listed, seen = await asyncio.gather(typed("list", key=api.user_key), typed("show", "blue"))
    released = await typed("release", "blue", acquired.json["id"], key=api.user_key)
    assert listed.out.splitlines()[1].split()[:5] == ["default", "1", "0", "0", "0"]
    assert listed.out.splitlines()[2].split()[:5] == ["blue", "2", "0", "0", "1"]
    facts = dict(line.split(maxsplit=1) for line in seen.out.splitlines())
    assert (facts["name"], facts["wanted"]) == ("blue", "2") and '"lifetime_s": 60' in facts["options"]
    assert released.code == 0 and "closed" in released.out and "blue" in released.out

    updated = await typed("update", "blue", "--size", "0", "--json")
    assert (updated.json["size"], updated.json["options"]["lifetime_s"]) == (0, 60)
    assert (await typed("flush", "blue")).out == "0 flushed\n"
    assert (await typed("delete", "blue")).out == "blue deleted\n"
    seen, changed, flushed = await asyncio.gather(
        typed("show", "default"), typed("update", "default", "--size", "3"), typed("flush", "default")
    )
    assert dict(line.split(maxsplit=1) for line in seen.out.splitlines())["size"] == "1"
    assert "created" not in seen.out
    assert changed.code == 1 and "CLOCHE_POOL_SIZE" in changed.err and changed.err.endswith("[conflict]\n")
    assert flushed.out == "0 flushed\n"
    assert [pool["name"] for pool in json.loads((await typed("list", "--json")).out)] == ["default"]
