from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.machine.process.status import timestamp
from cloche.testing.agent_http import Client

from .conftest import Machine, status


@given(st.integers(0, 4_000_000_000_000))
def test_a_timestamp_is_rfc_3339_to_the_millisecond(milliseconds: int) -> None:
    text = timestamp(milliseconds / 1000 + 0.0001)
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == datetime.fromtimestamp(milliseconds / 1000, UTC).replace(
        microsecond=milliseconds % 1000 * 1000
    )


def test_of_many_or_long_arguments_only_the_first_are_told(machine: Machine) -> None:
    async def scenario(client: Client) -> None:
        args = ["-c", "exit 0", "x" * 500, "y" * 600, "z"]
        id_ = (await client.ask("POST", "/process/spawn", {"command": "/bin/sh", "args": args})).json["process_id"]
        found = await status(client, id_)
        assert (found["args"], found["args_count"]) == (args[:3], 5)

    machine.run(scenario)
