"""Who may use a session as a machine, and what a program in one can reach."""

from typing import Any

import pytest

from cloche.client.aio import Client
from cloche.errors import DeniedError, NotFoundError
from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

from .stage import Place, works


async def key(daemon: DaemonProcess, principal: str, *scopes: str) -> str:
    made = await daemon.request("POST", "/v1/keys", {"principal": principal, "scopes": list(scopes)})
    assert made.status == 201, made.body
    return str(made.json["secret"])


@pytest.mark.promise("a-machine-is-opened-on-purpose")
async def test_a_machine_is_made_and_used_only_by_who_may(shared_daemon: DaemonProcess) -> None:
    plain, scoped = await key(shared_daemon, "ann"), await key(shared_daemon, "ann", "machine")
    other = await key(shared_daemon, "bob", "machine")
    async with (
        Client(shared_daemon.base_url, plain) as without,
        Client(shared_daemon.base_url, scoped) as with_scope,
        Client(shared_daemon.base_url, other) as stranger,
    ):
        with pytest.raises(DeniedError) as refused:
            await without.sessions.create(machine=True)
        assert refused.value.fields["reason"] == "machine_not_allowed"
        opened = await with_scope.sessions.create(machine=True)
        assert (await with_scope.sessions.machine(opened.id).exec(["id", "-u"])).stdout == b"1000\n"
        # The same principal by a key without the scope, and another one with it.
        for client, error in ((without, DeniedError), (stranger, NotFoundError)):
            machine = client.sessions.machine(opened.id)
            for ask in (machine.exec(["true"]), machine.read_file("a"), machine.write_file("a", b"b")):
                with pytest.raises(error):
                    await ask
        closed = await with_scope.sessions.create()
        machine = with_scope.sessions.machine(closed.id)
        for ask in (machine.exec(["true"]), machine.list_files(), machine.restart_browser(flags=[])):
            with pytest.raises(DeniedError) as refused:
                await ask
            assert refused.value.fields["reason"] == "machine_off"
        # What an owner sees and does anyway.
        assert [part.name for part in (await machine.parts()).parts] == ["agent", "browser"]
        assert [line async for line in machine.logs("supervisor", follow=False)]
        assert (await machine.restart_browser()).start_ms > 0


async def test_a_program_reaches_only_what_the_session_may(place: Place, local_web: LocalWeb, canary: Any) -> None:
    run = place.machine.exec
    assert (await run(["cat", "/proc/net/route"])).stdout.count(b"\n") == 1, "no route leads out"
    fetch = (
        "import socket, sys; s = socket.create_connection(('127.0.0.1', 1080), 5); s.sendall(b'\\5\\1\\0'); s.recv(2);"
        "h, port = sys.argv[1].encode(), int(sys.argv[2]).to_bytes(2, 'big');"
        "s.sendall(b'\\5\\1\\0\\3' + bytes([len(h)]) + h + port);"
        "print(s.recv(4)[1])"
    )
    reached = [
        (await run(["python3", "-c", fetch, host, str(port)])).stdout
        for host, port in (("site.test", 80), ("127.0.0.1", canary.port), ("127.0.0.1", 9222))
    ]
    assert reached == [b"0\n", b"2\n", b"2\n"], "the gateway decides for programs as for pages"
    assert canary.callers == []
    told = (await run(["sh", "-c", "grep -h Cap /proc/self/status; cat /proc/self/environ"])).stdout
    assert b"CapEff:\t0000000000000000" in told
    assert b"CLOCHE" not in told


async def test_a_program_that_takes_too_much_does_not_take_the_browser_of_another_session(make_place: Any) -> None:
    greedy: Place = await make_place(budget={"memory_bytes": 256 << 20, "processes": 150})
    other: Place = await make_place()
    bomb = await greedy.machine.exec(["sh", "-c", "f() { f | f & }; f; sleep 1"], timeout_sec=3)
    assert bomb.exit_code is not None or bomb.timed_out or bomb.signal is not None
    async with await CdpClient.connect(other.connect_url) as client:
        await works(client)
