"""gRPC as a part of the daemon: where it listens, how it starts and stops."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import trustme

from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.testing.daemon import DaemonProcess
from cloche.testing.grpc import CHANNEL_OPTIONS, GrpcClient, core_is_awake


@pytest.fixture(scope="module", autouse=True)
def _core() -> Iterator[None]:
    with core_is_awake():
        yield


async def test_a_session_made_over_grpc_with_tls_is_one_like_any_other(stub_browser: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    trusted = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    files = {"grpc_tls_cert": tmp_path / "cert.pem", "grpc_tls_key": tmp_path / "key.pem"}
    async with DaemonProcess(chromium_shell=stub_browser, **files) as daemon:
        record = json.loads((daemon.state_dir / "daemon.json").read_text())
        assert record["grpc"] == daemon.grpc_address
        async with grpc.aio.secure_channel(daemon.grpc_address, trusted, options=CHANNEL_OPTIONS) as channel:
            client = GrpcClient(channel, daemon.key)
            made = await client.session(channel="web", budget=pb.SessionBudget(max_actions_per_session=5))
            assert (await client.call("Health")).active_sessions == 1
            shown = (await daemon.request("GET", f"/v1/sessions/ses_{made.ulid}")).json
            assert (shown["status"], shown["labels"], shown["budget"]["actions"]) == ("ready", {"channel": "web"}, 5)
            metrics = await daemon.request("GET", "/metrics")
            assert b'cloche_grpc_calls_total{code="OK",rpc="CreateSession"} 1.0' in metrics.body
            closed = await client.call("CloseSession", pb.CloseSessionRequest(session_id=made))
            assert closed.reason == "closed_by_user"
        assert await daemon.terminate() == 0
        foreign = [line for line in daemon.log if "level" not in line]
        assert not foreign, "gRPC's core wrote past the log"


async def test_without_grpc_the_daemon_serves_what_it_did_before(stub_browser: Path) -> None:
    async with DaemonProcess(chromium_shell=stub_browser, grpc_bind="") as daemon:
        assert daemon.grpc_address == ""
        assert json.loads((daemon.state_dir / "daemon.json").read_text())["grpc"] == ""
        assert (await daemon.request("GET", "/readyz")).status == 200


@pytest.mark.promise("no-keys-no-outside")
def test_grpc_does_not_listen_beyond_loopback_without_keys(stub_browser: Path) -> None:
    daemon = DaemonProcess(chromium_shell=stub_browser, grpc_bind="0.0.0.0:0")
    try:
        env = {name: value for name, value in daemon.env.items() if name != "CLOCHE_ADMIN_KEY"}
        done = subprocess.run(
            [sys.executable, *daemon.command], env=env, cwd=daemon.directory, capture_output=True, text=True, timeout=30
        )
        said = [json.loads(line) for line in done.stderr.splitlines()]
        assert (done.returncode, said[-1]["event"]) == (1, "not_started")
        assert "beyond loopback without keys" in said[-1]["detail"]
        assert not (daemon.state_dir / "admin.key").exists()
    finally:
        asyncio.run(daemon.close())
