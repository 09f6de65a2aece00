"""A hundred restarts on end, with clients at the door: what stays the same is all that there is."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from cloche.testing.daemon import DaemonProcess

RESTARTS = 100


@pytest.fixture
async def client(stub_daemon: DaemonProcess) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"x-api-key": stub_daemon.key}
    async with httpx2.AsyncClient(base_url=stub_daemon.base_url, headers=headers, trust_env=False, timeout=30) as made:
        yield made


async def test_a_hundred_restarts_leak_nothing(stub_daemon: DaemonProcess, client: httpx2.AsyncClient) -> None:
    session = await stub_daemon.create_session(machine=True)
    path, addresses = f"/v1/sessions/{session['id']}", set()

    async def one() -> None:
        async with connect(session["connect_url"], proxy=None) as socket:
            restarted = await client.post(f"{path}/browser/restart")
            assert restarted.status_code == 200, restarted.text
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1012, "browser_restarting")
        told = (await client.get(f"{path}/json/version")).json()["webSocketDebuggerUrl"]
        assert told not in addresses, "the address of a browser that is gone"
        addresses.add(told)

    for _ in range(3):  # what is loaded with the first ones stays
        await one()
    before = await figures(stub_daemon, client, path)
    for _ in range(RESTARTS):
        await one()
    async with asyncio.timeout(10):
        while (after := await figures(stub_daemon, client, path)) != before:
            await asyncio.sleep(0.05)
    assert after == before
    assert len(addresses) == RESTARTS + 3


async def figures(daemon: DaemonProcess, client: httpx2.AsyncClient, path: str) -> dict[str, Any]:
    """Descriptors of the daemon, and of the agent its tasks; who runs in the sandbox, and which clients it sees."""
    told = (await client.get(f"{path}/metrics?fresh=true")).json()
    parts = (await client.get(f"{path}/processes")).json()
    return {
        "daemon": len(open_files(daemon.pid)),
        "agent": (told["goroutines"], told["open_files"]),
        "processes": sorted(process["name"] for process in parts["processes"]),
        "clients": (await client.get(path)).json()["usage"]["devtools_clients"],
    }


def open_files(pid: int) -> list[str]:
    with suppress(FileNotFoundError):
        return os.listdir(f"/proc/{pid}/fd")
    return []
