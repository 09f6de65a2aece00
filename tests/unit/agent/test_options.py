import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent import guest_config, options
from cloche.agent.options import DEFAULTS, REPEATABLE, SWITCHES, USAGE, UsageError, parse_options

# Per option three values that differ; those that are not here take any text.
VALUES = {
    "heartbeat-interval": ("1s", "2s", "3s"),
    "metrics-interval": ("1s", "2s", "3s"),
    "sample-interval": ("1s", "2.5", "3m"),
    "busy-threshold": ("0.5", "1", "2"),
    "listen": ("unix:/a", "vsock:1000", "vsock:52,peer=any"),
    "port": ("52", "53", "54"),
    **dict.fromkeys(SWITCHES, ("1", "false", "true")),
}


@pytest.fixture(autouse=True)
def no_files_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(guest_config, "DEFAULT_PATH", str(tmp_path / "agent.json"))
    monkeypatch.setattr(options, "POLICY_FILES", (str(tmp_path / "given.json"), "/etc/cloche/security-policy.json"))


def variables(name: str) -> tuple[str, str]:
    key = name.upper().replace("-", "_")
    return f"CLOCHE_{key}", f"MESHBROW_{key}"


def test_defaults_are_the_documented_ones() -> None:
    config = parse_options(["--session-id", "s"], {}).config
    assert (config.socket, config.workspace) == ("/run/meshbrow/agent.sock", "/tmp/meshbrow-session")
    assert (config.heartbeat_interval_s, config.metrics_interval_s, config.lease_s) == (5.0, 10.0, 0.0)
    assert (config.log_level, config.guest_fd, config.browser) == ("info", -1, None)
    assert (config.listen, config.config_dirs) == ((), ("/etc/cloche", "/etc/mvm"))
    assert (config.busy_threshold, config.sample_interval_s) == (0.1, 5.0)
    assert (config.exec_enabled, config.exec_allowed, config.owns_machine) == (False, False, False)
    assert config.policy_file == "/etc/cloche/security-policy.json"
    assert config.watch_workspace is True


@pytest.mark.parametrize("name", [name for name in DEFAULTS if name != "config"])
def test_a_flag_wins_over_both_variables_and_each_of_them_over_the_default(name: str) -> None:
    values = VALUES.get(name, ("a", "b", "c"))
    ours, theirs = variables(name)
    least = [] if name == "session-id" else ["-session-id", "s"]
    outcomes = [
        parse_options([*least, f"--{name}={values[0]}"], {ours: values[1], theirs: values[2]}),
        parse_options(least, {ours: values[1], theirs: values[2]}),
        parse_options(least, {ours: "", theirs: values[2]}),
        parse_options([*least, f"-{name}={values[0]}"], {}),
    ]
    expected = [values[0], values[1], values[2], values[0]]
    assert outcomes == [parse_options([*least, f"--{name}={value}"], {}) for value in expected]
    assert outcomes[0] != outcomes[1] or values[1] == DEFAULTS[name]


def test_an_address_to_listen_on_makes_a_session_id_needless_and_may_be_given_again() -> None:
    config = parse_options(["--listen", "unix:/run/a.sock", "--listen=vsock:52,peer=any", "--port", "5252"], {}).config
    assert config.session_id == ""
    assert config.listen == ("unix:/run/a.sock", "vsock:52,peer=any", "vsock:5252")
    assert config.watch_workspace is False


def test_variables_of_repeatable_options_have_blanks_between_their_values() -> None:
    environ = {"CLOCHE_LISTEN": "vsock:52,peer=any  unix:/a", "MESHBROW_CONFIG_DIR": "/one /two"}
    config = parse_options([], environ).config
    assert config.listen == ("vsock:52,peer=any", "unix:/a")
    assert config.config_dirs == ("/one", "/two")


@pytest.mark.parametrize(
    ("arguments", "owns"),
    [
        (["--port", "52"], True),
        (["--listen", "unix:/a"], False),
        (["--listen", "unix:/a", "--owns-machine"], True),
        (["--listen", "unix:/a", "--listen", "vsock:7"], True),
        (["--session-id", "s"], False),
    ],
)
def test_who_listens_on_vsock_is_in_a_machine_of_its_own(arguments: list[str], owns: bool) -> None:
    assert parse_options(arguments, {}).config.owns_machine is owns


@pytest.mark.parametrize(
    ("arguments", "environ", "watches"),
    [
        ([], {}, True),
        (["--no-watch"], {"CLOCHE_WATCH": "1"}, False),
        (["--watch"], {"CLOCHE_WATCH": "0"}, True),
        (["--watch=false"], {}, False),
        ([], {"MESHBROW_WATCH": "FALSE"}, False),
    ],
)
def test_watching_the_workspace_can_be_switched_off(arguments, environ, watches) -> None:
    assert parse_options(["--session-id", "s", *arguments], environ).config.watch_workspace is watches


def test_the_first_policy_file_that_is_there_is_the_one(tmp_path: Path) -> None:
    (tmp_path / "given.json").write_text("{}")
    assert parse_options(["--session-id", "s"], {}).config.policy_file == str(tmp_path / "given.json")
    assert parse_options(["--session-id", "s", "--policy", "/p"], {}).config.policy_file == "/p"


def test_a_named_configuration_file_makes_it_listen_on_its_port_and_flags_win_over_it(tmp_path: Path) -> None:
    file = tmp_path / "named.json"
    file.write_text('{"port": 5252, "busy_threshold": 0.7, "sample_interval_secs": 9}')
    config = parse_options(["--config", str(file)], {"CLOCHE_BUSY_THRESHOLD": "0.3"}).config
    assert (config.listen, config.busy_threshold, config.sample_interval_s) == (("vsock:5252",), 0.3, 9.0)
    config = parse_options(["--config", str(file), "--port", "60", "--sample-interval", "2s"], {}).config
    assert (config.listen, config.busy_threshold, config.sample_interval_s) == (("vsock:60",), 0.7, 2.0)
    file.write_text("{}")
    assert parse_options(["--config", str(file)], {}).config.listen == ("vsock:52",)


def test_the_usual_configuration_file_counts_where_it_listens_and_stops_nothing_when_it_is_broken(
    tmp_path: Path,
) -> None:
    (tmp_path / "agent.json").write_text('{"port": 99, "busy_threshold": 0.7}')
    outcome = parse_options(["--listen", "unix:/a"], {})
    assert (outcome.config.listen, outcome.config.busy_threshold, outcome.warning) == (("unix:/a",), 0.7, "")
    assert parse_options(["--session-id", "s"], {}).config.busy_threshold == 0.1
    (tmp_path / "agent.json").write_text('{"busy_threshold": "much"}')
    outcome = parse_options(["--listen", "unix:/a"], {})
    assert outcome.config.busy_threshold == 0.1
    assert "busy_threshold must be a number" in outcome.warning


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 1),
        (["--session-id", ""], 1),
        (["--session-id", "s", "--heartbeat-interval", "-1s"], 1),
        (["--session-id", "s", "--heartbeat-interval", "5"], 1),
        (["--session-id", "s", "--metrics-interval", "soon"], 1),
        (["--session-id", "s", "--sample-interval", "0"], 1),
        (["--session-id", "s", "--sample-interval", "1ns"], 1),
        (["--session-id", "s", "--busy-threshold", "lots"], 1),
        (["--session-id", "s", "--busy-threshold", "-1"], 1),
        (["--session-id", "s", "--busy-threshold", "nan"], 1),
        (["--session-id", "s", "--busy-threshold", "inf"], 1),
        (["--session-id", "s", "--exec=maybe"], 1),
        (["--port", "many"], 1),
        (["--port", "-1"], 1),
        (["--listen", "tcp:80"], 1),
        (["--listen", ""], 1),
        (["--config", "/nowhere/at/all"], 1),
        (["--config", "/dev/null"], 1),
        (["--session-id"], 2),
        (["--session-id", "s", "extra"], 2),
        (["--nope", "s"], 2),
        (["--session-id", "s", "--exec", "true"], 2),
        (["--session-id", "s", "-"], 2),
    ],
    ids=str,
)
def test_a_wrong_command_line_is_refused_with_its_code(arguments: list[str], code: int) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_options(arguments, {})
    assert refusal.value.exit_code == code
    assert str(refusal.value)


def test_the_usage_text_names_every_option_and_its_default() -> None:
    for name, default in DEFAULTS.items():
        line = next(line for line in USAGE.splitlines() if line.lstrip().startswith(f"--{name}"))
        if name not in SWITCHES | REPEATABLE:
            assert f"({default}" in line or not default


@given(st.lists(st.text(max_size=12) | st.sampled_from([f"--{name}" for name in DEFAULTS]), max_size=6))
def test_no_command_line_does_more_than_be_refused(arguments: list[str]) -> None:
    try:
        outcome = parse_options(arguments, {})
    except UsageError as error:
        assert error.exit_code in (1, 2)
    else:
        assert outcome.config.session_id or outcome.config.listen


def test_a_fifo_in_the_place_of_the_pid_file_holds_up_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "browser.pid")
    look = "import sys; from cloche.agent.options import read_pid_file; print(read_pid_file(sys.argv[1]))"
    looked = subprocess.run(
        [sys.executable, "-c", look, str(tmp_path / "browser.pid")],
        capture_output=True,
        text=True,
        timeout=5,
        check=True,
    )
    assert looked.stdout == "None\n"


@pytest.mark.parametrize(
    ("text", "is_found"), [("{}", True), (" {}\n", True), ("", False), ("-1", False), ("{}x", False), ("\u00b2", False)]
)
def test_a_pid_file_holds_one_number_of_a_process_that_lives(tmp_path: Path, text: str, is_found: bool) -> None:
    (tmp_path / "browser.pid").write_text(text.format(os.getpid()))
    assert options.read_pid_file(str(tmp_path / "browser.pid")) == (os.getpid() if is_found else None)
