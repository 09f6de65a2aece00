import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloche.agent.guest_protocol.fitting import CUT, Output, exec_result, frame_answer
from cloche.wire.frames import HEADER_BYTES, MAX_FRAME_BYTES, encode_json
from cloche.wire.guest import Tagged

# Characters that take one to six bytes in a frame.
CHARACTERS = ("x", "\n", '"', "\0", "ü", "€", "🦜")
# Sizes around those at which something has to give.
LENGTHS = st.sampled_from(
    (0, 1, 10, 20_000, 43_000, 44_000, 65_000, 66_000, 87_000, 131_000, 132_000, 262_000, 263_000)
)
TEXTS = st.builds(
    lambda character, length, end: character * length + end, st.sampled_from(CHARACTERS), LENGTHS, st.text(max_size=5)
)
OUTPUTS = st.builds(Output, TEXTS, st.booleans(), st.sampled_from(("", "killed: not done within 30 s")))


def unframed(frame: bytes) -> Any:
    assert int.from_bytes(frame[:HEADER_BYTES], "big") == len(frame) - HEADER_BYTES <= MAX_FRAME_BYTES
    return json.loads(frame[HEADER_BYTES:])


def fields(answer: Tagged) -> dict[str, Any]:
    value = unframed(frame_answer(answer))
    assert list(value) == [answer.tag], "it was replaced"
    return value[answer.tag]


@settings(max_examples=40)
@given(st.integers(-1, 255), OUTPUTS, OUTPUTS)
def test_a_commands_result_always_fits_and_says_where_it_does_not_say_all(
    exit_code: int, stdout: Output, stderr: Output
) -> None:
    result = fields(exec_result(exit_code, stdout, stderr))
    assert result["exit_code"] == exit_code
    for output, said in ((stdout, result["stdout"]), (stderr, result["stderr"])):
        if output.last_words:
            assert said.endswith(f"[{output.last_words}]")
            said = said.removesuffix(f"[{output.last_words}]")
        if output.is_cut or not said.startswith(output.text):
            begins, cut, _ = said.rpartition(CUT)
            assert cut
            assert output.text.startswith(begins)
        else:
            assert said.removeprefix(output.text) in ("", "\n")


@settings(max_examples=40)
@given(OUTPUTS, OUTPUTS)
def test_outputs_are_cut_only_where_they_have_to_be_and_only_as_much(stdout: Output, stderr: Output) -> None:
    answer = exec_result(0, stdout, stderr)
    size = len(encode_json(answer.value()))
    whole = [output.text for output in (stdout, stderr)]
    said = [answer.fields["stdout"], answer.fields["stderr"]]
    if any(not a.startswith(b) for a, b in zip(said, whole, strict=True)):
        # One more character of either, of at most six bytes, would not have fitted, rounding both halves down.
        assert size > MAX_FRAME_BYTES - 16


def test_an_output_that_fits_is_not_touched() -> None:
    answer = exec_result(0, Output("a\n"), Output("b", last_words="ended by signal 9"))
    assert answer.fields == {"exit_code": 0, "stdout": "a\n", "stderr": "b\n[ended by signal 9]"}
    assert exec_result(0, Output(""), Output("", last_words="no")).fields["stderr"] == "[no]"


def test_a_short_output_leaves_its_room_to_a_long_one() -> None:
    result = fields(exec_result(0, Output("x" * 300_000), Output("short")))
    assert result["stderr"] == "short"
    assert len(result["stdout"]) > 262_000
    both = fields(exec_result(0, Output("x" * 300_000), Output("y" * 300_000)))
    assert len(both["stdout"]) > 131_000
    assert len(both["stderr"]) > 131_000


@pytest.mark.parametrize("character", CHARACTERS)
def test_a_cut_never_goes_through_a_character(character: str) -> None:
    for shift in range(4):
        stdout = fields(exec_result(0, Output("x" * shift + character * 300_000), Output("")))["stdout"]
        assert set(stdout.removesuffix(CUT)) <= {"x", character}


def probe(name: str, output: object = None, detail: str = "ok") -> dict[str, object]:
    report: dict[str, object] = {"name": name, "healthy": True, "detail": detail}
    return report | ({} if output is None else {"output": output}) | {"checked_at": "2026-03-14T09:26:53Z"}


def test_a_report_that_fits_is_not_touched() -> None:
    report = Tagged("ProbeStatusReport", {"probes": [probe("a", "x" * 250_000), probe("b", {"c": 1})]})
    assert fields(report) == report.fields


def test_of_a_report_that_is_too_large_the_largest_outputs_are_left_out_and_their_probes_say_so() -> None:
    probes = [probe("small", [1]), probe("large", "x" * 200_000), probe("middle", "y" * 100_000, ""), probe("none")]
    kept = fields(Tagged("ProbeStatusReport", {"probes": probes}))["probes"]
    assert kept == [
        probes[0],
        probe("large", detail="ok (output of 200002 bytes left out: too large)"),
        probes[2],
        probes[3],
    ]
    assert "output" in probes[1], "the probe's own result has been changed"
    probes[2]["output"] = "y" * 300_000
    assert fields(Tagged("ProbeStatusReport", {"probes": probes}))["probes"][2] == probe(
        "middle", detail="(output of 300002 bytes left out: too large)"
    )


def test_long_texts_of_a_report_that_is_too_large_are_cut() -> None:
    failing = {"name": "db", "status": {"error": "e" * 2000}, "health": {"healthy": False, "detail": "🦜" * 2000}}
    kept = fields(Tagged("IntegrationStatusReport", {"integrations": [failing] * 100}))["integrations"]
    assert len(kept) == 100
    assert kept[0]["status"]["error"] == "e" * 127 + "…"
    assert kept[0]["health"] == {"healthy": False, "detail": "🦜" * 127 + "…"}
    result = fields(Tagged("CheckpointResult", {"success": False, "failed": ["db"], "detail": "d" * 300_000}))
    assert result == {"success": False, "failed": ["db"], "detail": "d" * 127 + "…"}


def test_an_answer_that_cannot_be_made_to_fit_is_an_error_that_says_which() -> None:
    report = Tagged("IntegrationStatusReport", {"integrations": [{"name": "x"}] * 50_000})
    assert unframed(frame_answer(report)) == {
        "Error": {"message": "the IntegrationStatusReport does not fit into a frame"}
    }


@settings(max_examples=40)
@given(
    st.lists(st.builds(probe, st.text(max_size=10), TEXTS | st.none(), TEXTS), max_size=5),
    st.sampled_from(("probes", "integrations")),
)
def test_any_report_becomes_a_frame(reports: list[dict[str, object]], key: str) -> None:
    names = [report["name"] for report in fields(Tagged("Report", {key: reports}))[key]]
    assert names == [report["name"] for report in reports]
