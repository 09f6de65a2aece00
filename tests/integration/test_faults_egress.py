"""What a hostile program in a sandbox says to its gateway: every conversation ends, soon, and is told to the owner."""

from typing import Any

from cloche.testing.daemon import DaemonProcess
from cloche.testing.stub_chromium import GARBAGE
from cloche.testing.watching import all_events, stub_report

HANDSHAKE_TIMEOUT_S = 10
"""Of the default policy."""


async def refusals_of(daemon: DaemonProcess, id_: str) -> list[dict[str, Any]]:
    """The egress refusals of a session, which is closed for it."""
    await daemon.request("DELETE", f"/v1/sessions/{id_}")
    return [event["data"] for event in await all_events(daemon, id_) if event["type"] == "egress.refused"]


async def test_what_is_no_socks_ends_its_connection_and_is_told(stub_daemon: DaemonProcess) -> None:
    session = await stub_daemon.create_session(user_agent="socks:garbage")
    outcomes = (await stub_report(stub_daemon, session["id"], "outcomes"))["outcomes"]
    assert len(outcomes) == len(GARBAGE) + 1
    assert "timeout" not in outcomes
    # Nothing got through: after the greeting's answer (05 00) a success would be 05 00 again.
    assert not [each for each in outcomes if each.startswith("closed:05000500")]
    refusals = await refusals_of(stub_daemon, session["id"])
    assert {refusal["reason"] for refusal in refusals} == {"protocol_error", "host_malformed"}
    assert sum(refusal["count"] for refusal in refusals) == len(outcomes)
    assert (await stub_daemon.request("GET", f"/v1/sessions/{session['id']}")).json["usage"]["egress_connections"] == 0


async def test_who_greets_the_gateway_byte_by_byte_is_cut_off(stub_daemon: DaemonProcess) -> None:
    session = await stub_daemon.create_session(user_agent="socks:slow")
    report = await stub_report(stub_daemon, session["id"], "cut_after_s", timeout_s=HANDSHAKE_TIMEOUT_S * 2)
    assert report["open"] == 0
    refusals = await refusals_of(stub_daemon, session["id"])
    assert {refusal["reason"] for refusal in refusals} == {"handshake_timeout"}
    assert sum(refusal["count"] for refusal in refusals) == 40
    metrics = (await stub_daemon.request("GET", "/metrics")).body.decode()
    assert 'cloche_egress_refusals_total{reason="handshake_timeout"} 40.0' in metrics
