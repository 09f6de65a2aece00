import uuid

import pytest

from cloche.agent.machine.process import table
from cloche.agent.machine.process.table import new_id
from cloche.testing.agent_http import Client

from .conftest import Machine, ended, spawn, status


def test_an_id_is_a_random_uuid() -> None:
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100
    assert {(parsed.version, parsed.variant) for parsed in map(uuid.UUID, ids)} == {(4, uuid.RFC_4122)}
    assert all(str(uuid.UUID(id_)) == id_ for id_ in ids)


async def is_remembered(client: Client, id_: str) -> bool:
    return (await client.ask("GET", f"/process/{id_}/status")).status == 200


def test_of_those_that_have_ended_the_oldest_are_forgotten_when_there_are_many(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "KEPT_ENDED", 2)

    async def scenario(client: Client) -> None:
        running = await spawn(client, "read x")
        ids = []
        for _ in range(4):
            ids.append(await spawn(client, "exit 0"))
            await ended(client, ids[-1])
        assert [await is_remembered(client, id_) for id_ in ids] == [False, False, True, True]
        assert await is_remembered(client, running)

    machine.run(scenario)


def test_one_that_has_ended_is_forgotten_in_time(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(client: Client) -> None:
        first = await spawn(client, "exit 0")
        await ended(client, first)
        assert await is_remembered(client, first)
        while await is_remembered(client, first):
            await client.loop.sleep(0.02)
        # And those after it too, though nobody was there for a while to be forgotten.
        second = await spawn(client, "exit 0")
        while await is_remembered(client, second):
            await client.loop.sleep(0.02)

    monkeypatch.setattr(table, "KEPT_S", 0.15)
    machine.run(scenario)


def test_what_is_forgotten_takes_no_memory_and_what_it_left_behind_prints_on(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "KEPT_ENDED", 0)
    monkeypatch.setattr("cloche.agent.machine.process.program.TAIL_S", 0.05)

    async def scenario(client: Client) -> None:
        go, mark = machine.workspace / "go", machine.workspace / "mark"
        later = "while [ ! -e go ]; do sleep 0.01; done; seq 100000; echo >mark"
        id_ = await spawn(client, f"read x; ({later}) & exit 0")
        program = machine.api._table.find(id_)
        await client.ask("POST", f"/process/{id_}/stdin", {"data_b64": "Cg=="})
        await client.until(lambda: not program.is_running)
        assert not await is_remembered(client, id_)
        go.touch()
        await client.until(mark.exists)
        assert program.ring.held_bytes == 0

    machine.run(scenario)


def test_the_output_of_few_that_have_ended_is_held_open(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_HELD_OPEN", 1)
    monkeypatch.setattr("cloche.agent.machine.process.program.TAIL_S", 0.02)

    async def scenario(client: Client) -> None:
        first, second = [await spawn(client, "sleep 60 & exit 0") for _ in range(2)]
        for id_ in (first, second):
            await ended(client, id_)
        older, newer = (machine.api._table.find(id_) for id_ in (first, second))
        if list(machine.api._table._held_open) == [first]:
            older, newer = newer, older
        await client.until(lambda: not older.holds_outputs)
        assert newer.holds_outputs
        assert (await status(client, first))["state"] == "exited"

    machine.run(scenario)


def test_all_output_of_a_session_together_is_bounded(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "STORE_BYTES", 1 << 20)

    async def scenario(client: Client) -> None:
        ids = [await spawn(client, "head -c 900000 /dev/zero", max_output_bytes=1 << 20) for _ in range(4)]
        found = [await ended(client, id_) for id_ in ids]
        programs = [machine.api._table.find(id_) for id_ in ids]
        await client.until(lambda: all(program.settled.is_set() for program in programs))
        found = [await status(client, id_) for id_ in ids]
        assert [one["output_bytes"] for one in found] == [900_000] * 4
        assert sum(one["output_bytes"] - one["output_kept_from"] for one in found) <= 1 << 20
        assert all(one["output_kept_from"] < 900_000 for one in found)

    machine.run(scenario)
