"""A user-data directory in and out of a sandbox whose browser is at rest, and that browser stopped and started."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Final

from cloche.errors import ConflictError, TooLargeError
from cloche.sessions.interface import MachineRequest, SessionMachine
from cloche.sessions.machine_bodies import archive_fields, archive_records, send_body
from cloche.wire.machine import PROFILE
from cloche.wire.messages import Payload

STOP_S: Final = 15.0
"""The agent's own steps, of which it gives up the last after nine seconds, and what a busy machine adds."""
START_S: Final = 40.0
PLACED_S: Final = 30.0
"""From the last byte: everything has been unpacked by then."""


async def pour_in(machine: SessionMachine, tar: AsyncGenerator[bytes]) -> None:
    """Have the user-data directory be what the archive holds: all of it or, when this raises, as it was."""
    request = MachineRequest(method="POST", path="/fs/upload_tar")
    async with aclosing(tar):
        records = archive_records(tar, archive_fields(PROFILE.encode(), replace=True))
        await send_body(machine, request, records, answer_s=PLACED_S)


@asynccontextmanager
async def poured_out(machine: SessionMachine, max_bytes: int) -> AsyncGenerator[AsyncIterator[bytes]]:
    """The user-data directory as an archive, without what Chromium makes again by itself.

    Reading it raises TooLargeError past `max_bytes`.
    """
    query = {"path": PROFILE, "without": "caches"}
    async with (
        machine.open(MachineRequest(method="GET", path="/fs/download_dir_tar", query=query)) as answer,
        aclosing(bounded(answer.body, max_bytes)) as body,
    ):
        yield body


async def stop_browser(machine: SessionMachine) -> bool:
    """Have it write down what it holds and end. False: it was stopped already."""
    try:
        await machine.ask(MachineRequest(method="POST", path="/browser/stop", fields={}), timeout_s=STOP_S)
    except ConflictError as error:
        if error.fields.get("reason") != "browser_stopped":
            raise
        return False
    return True


async def start_browser(machine: SessionMachine, *, opens_left_tabs: bool, url: str | None = None) -> None:
    """Start it and wait until it answers.

    `opens_left_tabs`: those that the agent has noted in the directory. `url`: in place of the start page that the agent
    was told of, and in front of those tabs.
    """
    fields: Payload = {"restore_tabs": opens_left_tabs} | ({} if url is None else {"start_url": url})
    await machine.ask(MachineRequest(method="POST", path="/browser/start", fields=fields), timeout_s=START_S)


async def bounded(body: AsyncIterator[bytes], max_bytes: int) -> AsyncGenerator[bytes]:
    """Raises: TooLargeError."""
    taken = 0
    async for piece in body:
        taken += len(piece)
        if taken > max_bytes:
            raise TooLargeError("the profile is larger than this server keeps")
        yield piece
