"""A daemon that must not start, does not: it says why in one line, with the exit code that fits."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from cloche.testing.raw_http import exchange, head
from cloche.testing.traces import await_no_traces, live_ids

EXIT_FAILED, EXIT_USAGE = 1, 2


@dataclass(frozen=True)
class Refusal:
    code: int
    output: str

    @property
    def said(self) -> dict[str, Any]:
        """The `not_started` line of its log."""
        lines = [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]
        found: dict[str, Any] = next(line for line in lines if line["event"] == "not_started")
        return found


@pytest.fixture
def unstarted(stub_browser: Path) -> Iterator[DaemonProcess]:
    """The directories and settings of a daemon that has not been started; they go afterwards."""
    daemon = DaemonProcess(chromium_shell=stub_browser)
    yield daemon
    asyncio.run(daemon.close())


def start_in_vain(daemon: DaemonProcess, **variables: str) -> Refusal:
    """Run `serve`, which must end by itself."""
    env = {name: value for name, value in (daemon.env | variables).items() if value}
    done = subprocess.run(
        [sys.executable, *daemon.command], env=env, cwd=daemon.directory, capture_output=True, text=True, timeout=30
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Refusal(done.returncode, done.stdout + done.stderr)


def test_a_setting_that_makes_no_sense_is_told_by_its_variable(unstarted: DaemonProcess) -> None:
    wrong = {
        "CLOCHE_MAX_SESSIONS": "many",
        "CLOCHE_HTTP_BIND": "8090",
        "CLOCHE_LOG_LEVEL": "loud",
        "CLOCHE_MEMORY_BYTES": "1",
        "CLOCHE_START_TIMEOUT_S": "-1",
        "CLOCHE_STOP_SESSIONS": "perhaps",
    }
    refusal = start_in_vain(unstarted, **wrong)
    assert refusal.code == EXIT_USAGE
    for name in wrong:
        assert f"{name}: " in refusal.output
    assert not unstarted.state_dir.exists(), "nothing was touched"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLOCHE_EGRESS_PORTS", "http"),
        ("CLOCHE_EGRESS_UPSTREAM", "ftp://user:secret-word@proxy.test:1"),
        ("CLOCHE_PRIVATE_HOSTS_CEILING", "10.0.0.0/99"),
    ],
)
def test_a_policy_that_makes_no_sense_keeps_the_daemon_from_starting(
    unstarted: DaemonProcess, name: str, value: str
) -> None:
    refusal = start_in_vain(unstarted, **{name: value})
    assert refusal.code == EXIT_FAILED
    assert refusal.said["field"] == name
    assert "secret-word" not in refusal.output


@pytest.mark.promise("no-keys-no-outside")
def test_it_does_not_listen_beyond_loopback_without_keys(unstarted: DaemonProcess) -> None:
    refusal = start_in_vain(unstarted, CLOCHE_HTTP_BIND="0.0.0.0:0", CLOCHE_ADMIN_KEY="")
    assert refusal.code == EXIT_FAILED
    assert refusal.said["code"] == "invalid_request"
    assert "beyond loopback" in refusal.said["detail"]
    assert "CLOCHE_ADMIN_KEY" in refusal.said["detail"]
    assert not (unstarted.state_dir / "admin.key").exists()


def test_an_admin_key_that_is_too_short_is_refused(unstarted: DaemonProcess) -> None:
    refusal = start_in_vain(unstarted, CLOCHE_ADMIN_KEY="short")
    assert refusal.code == EXIT_FAILED
    assert "short" not in json.dumps(refusal.said).replace("too short", "")


def test_a_port_that_is_taken_is_told_before_anything_is_touched(unstarted: DaemonProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        refusal = start_in_vain(unstarted, CLOCHE_HTTP_BIND=address)
    assert refusal.code == EXIT_FAILED
    assert address in refusal.said["detail"]
    assert not [path for path in unstarted.state_dir.iterdir() if path.name != "lock"]


def test_an_address_that_is_not_this_machines_is_told(unstarted: DaemonProcess) -> None:
    refusal = start_in_vain(unstarted, CLOCHE_HTTP_BIND="192.0.2.1:8090")
    assert refusal.code == EXIT_FAILED
    assert "192.0.2.1:8090" in refusal.said["detail"]


def test_a_state_directory_that_is_a_file_is_told(unstarted: DaemonProcess) -> None:
    unstarted.state_dir.write_text("")
    refusal = start_in_vain(unstarted)
    assert refusal.code == EXIT_FAILED
    assert refusal.said["code"] == "os_error"


def test_a_damaged_secret_is_not_replaced(unstarted: DaemonProcess) -> None:
    unstarted.state_dir.mkdir()
    (unstarted.state_dir / "secret").write_bytes(b"half")
    refusal = start_in_vain(unstarted)
    assert refusal.code == EXIT_FAILED
    assert "secret" in refusal.said["detail"]
    assert (unstarted.state_dir / "secret").read_bytes() == b"half"


def test_a_database_that_is_none_is_told_and_left_alone(unstarted: DaemonProcess) -> None:
    unstarted.state_dir.mkdir()
    (unstarted.state_dir / "cloche.db").write_bytes(b"this is no database" * 100)
    refusal = start_in_vain(unstarted)
    assert refusal.code == EXIT_FAILED
    assert "database" in refusal.said["detail"]
    assert (unstarted.state_dir / "cloche.db").read_bytes() == b"this is no database" * 100


async def test_a_second_daemon_on_the_same_state_refuses_and_the_first_goes_on(stub_daemon: DaemonProcess) -> None:
    second = DaemonProcess()
    try:
        variables = {"CLOCHE_STATE_DIR": str(stub_daemon.state_dir)}
        refusal = await asyncio.to_thread(start_in_vain, second, **variables)
    finally:
        await second.close()
    assert refusal.code == EXIT_FAILED
    assert refusal.said["code"] == "conflict"
    assert "another daemon" in refusal.said["detail"]
    assert (await stub_daemon.request("GET", "/readyz")).status == 200
    assert (stub_daemon.state_dir / "daemon.json").exists()


async def test_with_a_key_it_listens_beyond_loopback_and_its_metrics_want_an_admin(stub_browser: Path) -> None:
    async with DaemonProcess(chromium_shell=stub_browser, http_bind="0.0.0.0:0") as daemon:
        daemon.base_url = daemon.base_url.replace("0.0.0.0", "127.0.0.1")
        assert (await daemon.request("GET", "/healthz", key="")).status == 200
        assert (await daemon.request("GET", "/v1/sessions", key="")).status == 401
        assert (await daemon.request("GET", "/metrics", key="")).status == 401
        assert (await daemon.request("GET", "/metrics")).status == 200
        # An address cannot be rebound, so any is let in here; a name must be known.
        for host, expected in (("192.0.2.7:80", 200), ("cloche.example", 403)):
            request = head("GET", "/v1/sessions", f"Host: {host}", f"X-API-Key: {daemon.key}", "Connection: close")
            assert (await exchange(daemon.base_url, request)).status == expected
        # Private hosts may be named only where the daemon serves this machine alone.
        answer = await daemon.request("POST", "/v1/sessions", {"egress": {"private_hosts": ["10.0.0.1:80"]}})
        assert (answer.status, answer.json["code"]) == (403, "denied")


async def test_a_graceful_stop_ends_sessions_and_tells_every_client_why() -> None:
    """Five real browsers with two clients each; nothing is left, and the exit code is 0."""
    async with DaemonProcess() as daemon:
        sessions = await asyncio.gather(*(daemon.create_session() for _ in range(5)))
        clients = [await CdpClient.connect(session["connect_url"]) for session in sessions for _ in range(2)]
        for client in clients:
            await client.send("Browser.getVersion")
        assert await asyncio.wait_for(daemon.terminate(), 10) == 0
        ends = [await client.wait_closed() for client in clients]
        assert {(end.code, end.reason) for end in ends} == {(1001, "server_stopping")}
        for client in clients:
            await client.close()
        await await_no_traces(daemon)
        await daemon.start()
        listed = await daemon.request("GET", "/v1/sessions")
        assert {(each["status"], each["reason"]) for each in listed.json["sessions"]} == {("closed", "server_stopping")}


async def test_sigint_stops_it_as_sigterm_does(stub_browser: Path) -> None:
    async with DaemonProcess(chromium_shell=stub_browser) as daemon:
        await daemon.create_session()
        assert await asyncio.to_thread(daemon._end, signal.SIGINT) == 0
        await await_no_traces(daemon)


async def test_a_second_signal_ends_it_at_once_and_the_next_start_cleans_up(stub_browser: Path) -> None:
    async with DaemonProcess(chromium_shell=stub_browser) as daemon:
        await daemon.create_session(user_agent="linger")  # takes three seconds to stop
        process = daemon._process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        await daemon.wait_for_log("stopping")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 2) == -signal.SIGTERM
        await daemon.kill9()
        await daemon.start()
        listed = (await daemon.request("GET", "/v1/sessions")).json["sessions"]
        # It depends on how far the ending had come; what matters is that nothing lives that is not listed.
        assert live_ids(daemon) == {session["id"] for session in listed if session["status"] == "ready"}
        for session in listed:
            await daemon.request("DELETE", f"/v1/sessions/{session['id']}")
        await await_no_traces(daemon)
