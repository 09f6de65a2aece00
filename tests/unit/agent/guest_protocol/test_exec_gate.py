import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.agent.guest_protocol.exec_gate import MAX_POLICY_BYTES, ExecGate

ALLOW = b'{"access":{"debug_exec":true}}'


def refusal(policy: Path | str, *, enabled: bool = True, allowed: bool = False) -> str:
    return ExecGate(enabled=enabled, allowed=allowed, policy_file=str(policy)).refusal()


def write(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_it_takes_both_the_switch_and_the_policy() -> None:
    verdicts = {
        (enabled, allowed): refusal("", enabled=enabled, allowed=allowed)
        for enabled in (False, True)
        for allowed in (False, True)
    }
    assert verdicts == {
        (False, False): "Exec is not switched on",
        (False, True): "Exec is not switched on",
        (True, False): "Exec is not allowed by the policy",
        (True, True): "",
    }


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o644, 0o755])
def test_a_policy_file_allows_what_it_says_in_so_many_words(tmp_path: Path, mode: int) -> None:
    published = json.loads(ALLOW) | {"require_auth": True, "rate_limits": {"frames_per_second": 100}}
    assert refusal(write(tmp_path / "policy", json.dumps(published).encode(), mode)) == ""


def test_a_policy_file_is_read_anew_each_time_and_stands_above_what_was_said_at_start(tmp_path: Path) -> None:
    path = tmp_path / "policy"
    gate = ExecGate(enabled=True, allowed=True, policy_file=str(path))
    assert "cannot be read" in gate.refusal()
    write(path, ALLOW)
    assert gate.refusal() == ""
    write(path, b'{"access":{"debug_exec":false}}')
    assert gate.refusal() == "Exec is not allowed by the policy"
    path.unlink()
    assert "cannot be read" in gate.refusal()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not JSON"),
        (b"yes", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (ALLOW.decode().encode("utf-16"), "not JSON"),
        (ALLOW + b"\xff", "not JSON"),
        (b"true", "says nothing"),
        (b"[]", "says nothing"),
        (b"{}", "says nothing"),
        (b'{"access":true}', "says nothing"),
        (b'{"debug_exec":true}', "says nothing"),
        (b'{"access":{}}', "by the policy"),
        (b'{"access":{"debug_exec":1}}', "by the policy"),
        (b'{"access":{"debug_exec":"true"}}', "by the policy"),
        (b'{"access":{"debug_exec":[true]}}', "by the policy"),
        (b'{"access":{"Debug_Exec":true}}', "by the policy"),
        (b'{"access":{"debug_exec":false,"debug_exec":true}}', "says something twice"),
        (b'{"access":{"debug_exec":false},"access":{"debug_exec":true}}', "says something twice"),
        (ALLOW.ljust(MAX_POLICY_BYTES + 1), "too large"),
    ],
)
def test_a_policy_that_is_unclear_is_no(tmp_path: Path, data: bytes, why: str) -> None:
    assert why in refusal(write(tmp_path / "policy", data), allowed=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=100) | st.dictionaries(st.text(), st.text()).map(lambda value: json.dumps(value).encode()))
def test_any_other_file_is_no_and_nothing_of_it_is_told(tmp_path: Path, data: bytes) -> None:
    reason = refusal(write(tmp_path / "policy", data), allowed=True)
    assert reason.startswith("Exec is not allowed")
    assert len(reason) < 80


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_policy_that_others_can_write_is_no(tmp_path: Path, mode: int) -> None:
    assert "can be written by others" in refusal(write(tmp_path / "policy", ALLOW, mode), allowed=True)


def test_a_policy_of_somebody_elses_is_no(tmp_path: Path) -> None:
    path = write(tmp_path / "policy", ALLOW)
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
        assert "belongs to somebody else" in refusal(path, allowed=True)
        os.chown(path, 0, -1)
    assert refusal(path) == ""


def test_a_link_a_directory_a_pipe_and_a_device_are_no(tmp_path: Path) -> None:
    policy, link, pipe = write(tmp_path / "policy", ALLOW), tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(policy)
    os.mkfifo(pipe, 0o600)
    assert refusal(policy) == ""
    assert "cannot be read" in refusal(link)
    for other in (tmp_path, pipe, "/dev/null"):
        assert "not a regular file" in refusal(other)
    for nothing in (tmp_path / "none", tmp_path / "policy/none", "a\0b"):
        assert "cannot be read" in refusal(nothing)
