import json

import pytest

from cloche.wire.agent_config import (
    MAX_CONFIG_BYTES,
    AgentConfig,
    BrowserConfig,
    ConfigError,
    WatchdogConfig,
    parse_agent_config,
)

WHOLE = AgentConfig(
    session_id="s",
    token="t",
    guest_fd=7,
    owns_pid_namespace=True,
    browser=BrowserConfig(executable="/bin/x", args=("-a", "ü"), env={"K": "V"}),
    watchdog=WatchdogConfig(memory_bytes=1, processes=2),
)


@pytest.mark.parametrize("config", [WHOLE, AgentConfig(session_id="s", token="t")], ids=["whole", "least"])
def test_a_configuration_is_understood_as_it_was_written(config: AgentConfig) -> None:
    assert parse_agent_config(config.encode()) == config


def test_unknown_keys_are_ignored_so_that_an_older_agent_runs_under_a_newer_daemon() -> None:
    value = json.loads(WHOLE.encode())
    value["new"] = 1
    value["browser"]["new"] = 1
    assert parse_agent_config(json.dumps(value).encode()) == WHOLE


@pytest.mark.parametrize(
    ("change", "culprit"),
    [
        ({"session_id": None}, "session_id"),
        ({"guest_fd": True}, "guest_fd"),
        ({"guest_fd": "7"}, "guest_fd"),
        ({"owns_pid_namespace": 1}, "owns_pid_namespace"),
        ({"lease_s": float("nan")}, "lease_s"),
        ({"browser": []}, "BrowserConfig"),
        ({"browser": {"args": [1]}}, "args"),
        ({"browser": {"env": {"K": 1}}}, "env"),
        ({"watchdog": {}}, "memory_bytes"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(change: dict[str, object], culprit: str) -> None:
    value = json.loads(WHOLE.encode()) | change
    with pytest.raises(ConfigError, match=culprit):
        parse_agent_config(json.dumps(value).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"[" * 100_000, b" " * (MAX_CONFIG_BYTES + 1)])
def test_what_is_no_configuration_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigError):
        parse_agent_config(data)
