"""Every exchange of tests/data/guest_protocol, byte for byte, and what the verbs make of what they ask."""

import json
from pathlib import Path

import pytest

from cloche.agent.checks.settling import Settled
from cloche.agent.guest_protocol.exec_gate import ExecGate
from cloche.agent.sleep import Report
from cloche.testing.guest_exchanges import read_exchange
from cloche.wire.frames import HEADER_BYTES, encode_frame
from cloche.wire.guest import Verb
from cloche.wire.messages import WorkerStatus

DATA = Path(__file__).parents[3] / "data/guest_protocol"

WHEN, LATER = "2026-03-14T09:26:53Z", "2026-03-14T09:26:54Z"


def integration(name: str, status: object, checkpoint: str | None = None, health: object = None) -> dict[str, object]:
    report = {"name": name, "status": status, "last_checkpoint_at": checkpoint}
    return report | {"state_size_bytes": 0, "health": health}


# What the parts below say in the exchanges whose answers hold more than the verb itself.
STATES: dict[str, dict[str, object]] = {
    "worker_status_busy": {"worker": (WorkerStatus.BUSY, WHEN)},
    "worker_status_unknown": {"worker": (WorkerStatus.UNKNOWN, None)},
    "sleep_prep_refused": {"report": Report(False, "checkpoint failed: db")},
    "post_restore_failed": {"report": Report(False, "restore failed: queue")},
    "integration_status": {
        "integrations": [
            integration("db", "active", WHEN, {"healthy": True, "detail": "ok", "checked_at": LATER}),
            integration(
                "queue",
                {"error": "exit code 3"},
                health={"healthy": False, "detail": "exit code 3", "checked_at": LATER},
            ),
            integration("mail", "starting"),
            integration("search", "pending"),
            integration("cache", "paused"),
        ]
    },
    "checkpoint_integrations_failed": {"settled": Settled(("queue",), (), "queue: exit code 3")},
    "probe_status": {
        "probes": [
            {
                "name": "disk",
                "healthy": True,
                "detail": "ok",
                "output": {"free": 12, "mounts": ["/", "/data"], "spare": None},
                "checked_at": WHEN,
            },
            {"name": "gpu", "healthy": False, "detail": "nicht verfügbar", "checked_at": WHEN},
        ]
    },
}
ASKED = {
    "sleep_prep": [("prepare", 30.0)],
    "sleep_prep_refused": [("prepare", 0.0)],
    "wake": ["wake"],
    "post_restore": ["post_restore"],
    "post_restore_failed": ["post_restore"],
    "checkpoint_integrations": [("checkpoint", ("db", "queue"))],
    "checkpoint_integrations_all": [("checkpoint", ())],
    "checkpoint_integrations_failed": [("checkpoint", ())],
}


@pytest.mark.parametrize("name", sorted(path.stem for path in DATA.glob("*.txt")))
def test_every_published_exchange_is_kept_byte_for_byte(rig, name: str) -> None:
    for part, value in STATES.get(name, {}).items():
        setattr(rig.stand_ins, part, value)

    async def main() -> None:
        client = rig.connect()
        for frame in read_exchange(DATA / f"{name}.txt"):
            if frame.is_from_host:
                await client.send(frame.data)
                continue
            body = await client.read()
            assert body is not None
            assert encode_frame(body) == frame.data

    rig.run(main)
    assert [call for call in rig.stand_ins.calls if call != "integration_reports"] == ASKED.get(name, [])


def test_there_is_an_exchange_for_every_verb() -> None:
    values = [json.loads(read_exchange(path)[0].data[HEADER_BYTES:]) for path in DATA.glob("*.txt")]
    assert {value if isinstance(value, str) else next(iter(value)) for value in values} == {*Verb, "Reboot"}


def answer(rig, *bodies: bytes) -> list[object]:
    answers: list[object] = []

    async def main() -> None:
        client = rig.connect()
        for body in bodies:
            answers.append(json.loads(await client.ask(body) or b""))

    rig.run(main)
    return answers


def test_fields_that_nobody_knows_are_ignored(rig) -> None:
    assert answer(rig, b'{"SleepPrep":{"drain_timeout_secs":7,"mode":"deep"}}') == [
        {"SleepPrepAck": {"success": True, "detail": None}}
    ]
    assert rig.stand_ins.calls == [("prepare", 7.0)]


def test_a_wake_that_fails_says_so_and_leaves_its_reason_in_the_log(rig) -> None:
    rig.stand_ins.report = Report(False, "restore failed: queue")
    assert answer(rig, b'"Wake"') == [{"WakeAck": {"success": False}}]
    assert "restore failed: queue" in rig.logged()


def test_one_checkpoint_runs_at_a_time(rig) -> None:
    rig.stand_ins.may_finish.clear()
    request = b'{"CheckpointIntegrations":{"integrations":[]}}'

    async def main() -> None:
        first, second = rig.connect(), rig.connect()
        await first.send(encode_frame(request))
        await rig.until(lambda: bool(rig.stand_ins.calls))
        assert await second.ask(request) == b'{"Error":{"message":"a checkpoint is running already"}}'
        rig.stand_ins.may_finish.set()
        assert b'"success":true' in (await first.read() or b"")
        assert b'"success":true' in (await second.ask(request) or b"")

    rig.run(main)


def test_a_checkpoint_that_fails_leaves_the_way_free_for_the_next(rig) -> None:
    request = b'{"CheckpointIntegrations":{"integrations":[]}}'
    rig.stand_ins.fails = OSError("no")

    async def main() -> None:
        client = rig.connect()
        assert await client.ask(request) == b'{"Error":{"message":"internal error"}}'
        rig.stand_ins.fails = None
        assert b'"success":true' in (await client.ask(request) or b"")

    rig.run(main)


@pytest.mark.parametrize("fields", [b'{"command":"true"}', b"{}", b'{"command":1}'])
def test_exec_that_may_not_run_is_refused_before_anyone_looks_at_it(rig, fields: bytes) -> None:
    rig.serve_with(ExecGate(enabled=False, allowed=True, policy_file=""))
    assert answer(rig, b'{"Exec":%s}' % fields) == [{"Error": {"message": "Exec is not switched on"}}]
    assert "exec refused" in rig.logged()
