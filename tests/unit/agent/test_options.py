import pytest

from cloche.agent.options import DEFAULTS, UsageError, parse_options


def test_defaults_are_the_documented_ones() -> None:
    config = parse_options(["--session-id", "s"], {}).config
    assert (config.socket, config.workspace) == ("/run/meshbrow/agent.sock", "/tmp/meshbrow-session")
    assert (config.heartbeat_interval_s, config.metrics_interval_s, config.lease_s) == (5.0, 10.0, 0.0)
    assert (config.log_level, config.guest_fd, config.browser) == ("info", -1, None)


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_flag_wins_over_both_variables_and_each_of_them_over_the_default(name: str) -> None:
    values = {"heartbeat-interval": ("1s", "2s", "3s"), "metrics-interval": ("1s", "2s", "3s")}.get(
        name, ("a", "b", "c")
    )
    ours, theirs = (prefix + name.upper().replace("-", "_") for prefix in ("CLOCHE_", "MESHBROW_"))
    least = [] if name == "session-id" else ["-session-id", "s"]
    outcomes = [
        parse_options([*least, f"--{name}", values[0]], {ours: values[1], theirs: values[2]}),
        parse_options(least, {ours: values[1], theirs: values[2]}),
        parse_options(least, {ours: "", theirs: values[2]}),
        parse_options([*least, f"-{name}={values[0]}"], {}),
    ]
    expected = [values[0], values[1], values[2], values[0]]
    assert [str(outcome) for outcome in outcomes] == [
        str(parse_options([*least, f"--{name}", value], {})) for value in expected
    ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 1),
        (["--session-id", ""], 1),
        (["--session-id", "s", "--heartbeat-interval", "-1s"], 1),
        (["--session-id", "s", "--metrics-interval", "soon"], 1),
        (["--session-id"], 2),
        (["--session-id", "s", "extra"], 2),
        (["--nope", "s"], 2),
    ],
)
def test_a_wrong_command_line_is_refused_with_its_code(arguments: list[str], code: int) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_options(arguments, {})
    assert refusal.value.exit_code == code
