import json
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    memory_limit_bytes=1 << 30,
    watch_workspace=True,
    listen=("vsock:52,peer=any", "unix:/run/a.sock"),
    config_dirs=("/one",),
    busy_threshold=0.5,
    sample_interval_s=2.5,
    exec_enabled=True,
    exec_allowed=True,
    policy_file="/policy.json",
    owns_machine=True,
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
        ({"busy_threshold": "0.1"}, "busy_threshold"),
        ({"sample_interval_s": float("inf")}, "sample_interval_s"),
        ({"listen": "vsock:52"}, "listen"),
        ({"config_dirs": [None]}, "config_dirs"),
        ({"exec_enabled": 1}, "exec_enabled"),
        ({"exec_allowed": "true"}, "exec_allowed"),
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


def anything(cls: type[NamedTuple], **parts: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Any value of this type, with short texts and finite numbers."""
    by_type = {str: st.text(max_size=5), float: st.floats(allow_nan=False, allow_infinity=False)}
    chosen = {name: by_type[type_] for name, type_ in cls.__annotations__.items() if type_ in by_type}
    return st.builds(cls, **(chosen | parts))


PARTS = {"browser": st.none() | anything(BrowserConfig), "watchdog": st.none() | anything(WatchdogConfig)}


@given(anything(AgentConfig, listen=st.just(("vsock:52", "ü")), **PARTS))
def test_any_configuration_survives_its_way(config: AgentConfig) -> None:
    assert parse_agent_config(config.encode()) == config


@given(
    st.dictionaries(
        st.sampled_from(AgentConfig._fields),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    )
)
def test_whatever_is_in_it_the_agent_gets_the_types_it_expects_or_nothing(value: dict[str, object]) -> None:
    try:
        config = parse_agent_config(json.dumps({"session_id": "s", "token": "t"} | value).encode())
    except ConfigError:
        return
    assert type(config.exec_enabled) is type(config.exec_allowed) is type(config.owns_machine) is bool
    assert all(isinstance(address, str) for address in config.listen)


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"[" * 100_000, b" " * (MAX_CONFIG_BYTES + 1)])
def test_what_is_no_configuration_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigError):
        parse_agent_config(data)
