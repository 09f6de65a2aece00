"""Whether a real coturn takes deploy/coturn/turnserver.conf, lets in whom it should, and relays where it should.

    python tests/by_hand/check_coturn.py        as root, with Debian's package `coturn` installed

It runs in a network namespace of its own. By hand, because coturn is not among what a test machine needs.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from aioice.stun import TransactionFailed
from aioice.turn import create_turn_endpoint

from cloche.live.webrtc.ice import IceSettings, TurnCredentials, read_ice_settings, turn_credentials
from cloche.testing import netns

CONF = Path(__file__).parents[2] / "deploy/coturn/turnserver.conf"
SERVER, PEER = netns.PUBLIC_LOOKING[1], netns.PUBLIC_LOOKING[2]
SECRET = "of-this-check-only"
DENIED = (*netns.FORBIDDEN[:6], "127.0.0.1", "224.0.0.5")
PATIENCE_S = 10.0


class Relayed(asyncio.DatagramProtocol):
    """What comes back through the relay."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.received.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        self.received.put_nowait(exc)


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.transport.sendto(data, addr)


@asynccontextmanager
async def allocation(who: TurnCredentials, transport: str) -> AsyncGenerator[tuple[Any, Relayed]]:
    async with asyncio.timeout(PATIENCE_S):
        relay, protocol = await create_turn_endpoint(
            Relayed, (SERVER, 3478), who.username, who.password, transport=transport
        )
    try:
        yield relay, protocol
    finally:
        relay.close()
        await asyncio.sleep(0.2)


async def refused(who: TurnCredentials) -> int | None:
    """The code with which an allocation is refused; None: it was not."""
    try:
        async with allocation(who, "udp"):
            return None
    except TransactionFailed as error:
        return int(error.response.attributes["ERROR-CODE"][0])


async def sent(relay: Any, protocol: Relayed, to: tuple[str, int]) -> bytes | int:
    """What comes of a datagram: its echo, or the code of the refusal."""
    relay.sendto(b"there and back", to)
    async with asyncio.timeout(PATIENCE_S):
        answer = await protocol.received.get()
    if isinstance(answer, bytes):
        return answer
    assert isinstance(answer, TransactionFailed), answer
    return int(answer.response.attributes["ERROR-CODE"][0])


async def check(settings: IceSettings) -> None:
    loop, now = asyncio.get_running_loop(), time.time()
    good = turn_credentials(settings, "ses_1.v1", now)
    echo, _ = await loop.create_datagram_endpoint(Echo, local_addr=(PEER, 5000))
    for transport in ("udp", "tcp"):
        async with allocation(good, transport) as (relay, protocol):
            host, port = relay.get_extra_info("sockname")
            say(49152 <= port <= 49651, f"over {transport}: relayed from {host}:{port}")
            say(await sent(relay, protocol, (PEER, 5000)) == b"there and back", "it comes back from a public peer")
            for address in (one for one in DENIED if ":" not in one):
                say(await sent(relay, protocol, (address, 5000)) == 403, f"{address} is denied")
    echo.close()
    say(await refused(replace(good, password="wrong")) == 401, "a wrong password is refused")
    say(await refused(turn_credentials(settings, "ses_1.v1", now - 7200)) == 401, "what has expired is refused")
    other = replace(settings, turn_secret="another")
    say(await refused(turn_credentials(other, "ses_1.v1", now)) == 401, "another secret is refused")


def say(is_so: bool, what: str) -> None:
    print("ok  " if is_so else "NOT ", what)
    global failures
    failures += not is_so


failures = 0


def main() -> int:
    netns.enter()
    for address in (SERVER, PEER):
        assert address in netns.PUBLIC_LOOKING
    settings = read_ice_settings(turn_urls=(f"turn:{SERVER}:3478",), turn_secret=SECRET)
    text = CONF.read_text().replace("no-stdout-log\nsyslog\n", "log-file=stdout\nsimple-log\n")
    with tempfile.TemporaryDirectory() as directory:
        conf = Path(directory, "turnserver.conf")
        conf.write_text(f"{text}\nstatic-auth-secret={SECRET}\nlistening-ip={SERVER}\nrelay-ip={SERVER}\n")
        conf.chmod(0o600)
        # Not the defaults: those are the machine's.
        own = ["--pidfile", f"{directory}/pid", "--db", f"{directory}/db"]
        with Path(directory, "log").open("w+b") as log:
            coturn = subprocess.Popen(["turnserver", "-c", str(conf), *own], stdout=log, stderr=log, cwd=directory)
            try:
                wait_for_listener()
                asyncio.run(check(settings))
            finally:
                coturn.terminate()
                coturn.wait(10)
                log.seek(0)
                said = log.read().decode(errors="replace").splitlines()
    disliked = [line for line in said if "bad config" in line.lower() or "unknown" in line.lower()]
    say(not disliked, "\n".join(["it understands the whole file", *disliked]))
    print(f"{failures} failures" if failures else "all is well")
    if os.environ.get("VERBOSE"):
        print("\n".join(said))
    return 1 if failures else 0


def wait_for_listener() -> None:
    wanted = f"{int.from_bytes(bytes(map(int, SERVER.split('.'))), 'little'):08X}:{3478:04X}"
    for _ in range(200):
        if wanted in Path("/proc/self/net/tcp").read_text():
            return
        threading.Event().wait(0.05)
    raise TimeoutError("coturn does not listen")


if __name__ == "__main__":
    sys.exit(main())
