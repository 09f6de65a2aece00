import json

import pytest

from cloche.agent.checks.dropins import MAX_DEFINITIONS
from cloche.agent.checks.report import IntegrationState, integration_report, probe_report
from cloche.agent.checks.verdict import DETAIL_CHARACTERS, MAX_OUTPUT_BYTES, Result
from cloche.agent.guest_protocol.fitting import frame_answer
from cloche.wire.frames import FrameDecoder, encode_json
from cloche.wire.guest import Answer, Tagged

AT = "2026-01-02T03:04:05Z"
ILL = Result(False, "exit code 1", AT)
WELL = Result(True, "ok", AT)


def state(result: Result | None = None, **changes: object) -> IntegrationState:
    return IntegrationState(result, True, False, False, None, 0)._replace(**changes)


@pytest.mark.parametrize(
    ("known", "status"),
    [
        (state(), "pending"),
        (state(is_in_grace=True), "starting"),
        (state(ILL, is_in_grace=True), "starting"),
        (state(ILL), {"error": "exit code 1"}),
        (state(WELL), "active"),
        (state(WELL, is_in_grace=True), "active"),
        (state(WELL, is_paused=True), "paused"),
        (state(ILL, is_paused=True), {"error": "exit code 1"}),
        (state(is_paused=True), "pending"),
        (state(has_command=False), "pending"),
        (state(has_command=False, is_in_grace=True), "pending"),
    ],
)
def test_the_status_follows_from_result_grace_and_sleep(known: IntegrationState, status: object) -> None:
    assert integration_report("a", known)["status"] == status


def test_an_integrations_report_has_the_published_keys_in_their_order() -> None:
    assert encode_json(integration_report("a", state())) == (
        b'{"name":"a","status":"pending","last_checkpoint_at":null,"state_size_bytes":0,"health":null}'
    )
    known = state(ILL, last_checkpoint_at=AT, state_size_bytes=7)
    assert encode_json(integration_report("a", known)) == (
        b'{"name":"a","status":{"error":"exit code 1"},"last_checkpoint_at":"2026-01-02T03:04:05Z",'
        b'"state_size_bytes":7,"health":{"healthy":false,"detail":"exit code 1","checked_at":"2026-01-02T03:04:05Z"}}'
    )


def test_a_probes_report_leaves_out_the_output_where_there_is_none_and_only_there() -> None:
    assert encode_json(probe_report("p", WELL)) == (
        b'{"name":"p","healthy":true,"detail":"ok","checked_at":"2026-01-02T03:04:05Z"}'
    )
    assert encode_json(probe_report("p", WELL._replace(has_output=True))) == (
        b'{"name":"p","healthy":true,"detail":"ok","output":null,"checked_at":"2026-01-02T03:04:05Z"}'
    )


@pytest.mark.parametrize("character", ["x", '"', "\U0001f600"])
def test_the_largest_report_there_can_be_fits_into_a_frame_and_leaves_nobody_out(character: str) -> None:
    output = character * (MAX_OUTPUT_BYTES // len(character.encode()) - 2)
    ill = Result(False, character * DETAIL_CHARACTERS, AT, True, output)
    names = [f"{number:063}" for number in range(MAX_DEFINITIONS)]
    probes = [probe_report(name, ill) for name in names]
    integrations = [integration_report(name, state(ill)) for name in names]
    for tag, key, reports in (
        (Answer.PROBE_STATUS_REPORT, "probes", probes),
        (Answer.INTEGRATION_STATUS_REPORT, "integrations", integrations),
    ):
        decoder = FrameDecoder()
        decoder.feed(frame_answer(Tagged(tag, {key: reports})))
        body = decoder.next_frame()
        assert body is not None
        assert [report["name"] for report in json.loads(body)[tag][key]] == names
