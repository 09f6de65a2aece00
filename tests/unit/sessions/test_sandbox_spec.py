import pytest

from cloche.ids import new_profile_id
from cloche.sandbox.spec import Engine
from cloche.sessions.model import ProfileUse, Viewport
from cloche.sessions.sandbox_spec import AgentSettings, sandbox_spec
from cloche.testing.sessions import BUDGET, make_options, make_session
from cloche.wire.agent_config import DEVTOOLS_PORT, parse_agent_config

TOKEN = "t0ken-of-the-agent"


def test_a_budget_becomes_the_limits_of_its_sandbox() -> None:
    session = make_session()
    spec = sandbox_spec(session, TOKEN, AgentSettings())

    limits = spec.limits
    assert spec.session_id == session.id
    assert (limits.memory_bytes, limits.processes) == (BUDGET.memory_bytes, BUDGET.processes)
    assert (limits.cpu_cores, limits.disk_bytes) == (BUDGET.cpu_cores, BUDGET.disk_bytes)


def test_the_agent_is_told_its_session_token_and_the_servers_settings() -> None:
    session = make_session()
    settings = AgentSettings(lease_s=7, browser_start_timeout_s=8, restart_budget=1, restart_window_s=9)
    config = sandbox_spec(session, TOKEN, settings).agent_config

    assert (config.session_id, config.token, config.lease_s) == (session.id, TOKEN, 7)
    assert config.browser is not None
    assert (config.browser.start_timeout_s, config.browser.restart_budget) == (8, 1)
    assert config.browser.restart_window_s == 9


def test_the_token_is_on_no_command_line_and_in_no_environment() -> None:
    browser = sandbox_spec(make_session(), TOKEN, AgentSettings()).agent_config.browser

    assert browser is not None
    assert not any(TOKEN in text for text in (*browser.args, *browser.env.values()))


def test_the_sessions_options_reach_the_browser() -> None:
    options = make_options(
        engine=Engine.CHROME,
        viewport=Viewport(width=800, height=600, device_scale_factor=2),
        start_url="https://a.test/",
        locale="de-AT",
        timezone="Europe/Vienna",
        user_agent="Test/1",
    )
    spec = sandbox_spec(make_session(options=options), TOKEN, AgentSettings())
    browser = spec.agent_config.browser

    assert spec.engine is Engine.CHROME
    assert browser is not None
    assert {"--headless=new", "--window-size=800,600", "--lang=de-AT", "--user-agent=Test/1"} <= set(browser.args)
    assert browser.args[-1] == "https://a.test/"
    assert browser.env["TZ"] == "Europe/Vienna"


def test_only_a_session_made_with_machine_has_a_shell_and_an_agent_that_serves_it() -> None:
    for machine in (False, True):
        spec = sandbox_spec(make_session(options=make_options(machine=machine)), TOKEN, AgentSettings())
        config = spec.agent_config
        assert {spec.machine, config.machine, config.exec_enabled, config.exec_allowed} == {machine}


def test_full_chromium_is_asked_on_the_port_it_was_given_since_it_writes_no_file() -> None:
    for engine, port in ((Engine.SHELL, 0), (Engine.CHROME, DEVTOOLS_PORT)):
        spec = sandbox_spec(make_session(options=make_options(engine=engine)), TOKEN, AgentSettings())
        assert spec.agent_config.browser is not None
        assert spec.agent_config.browser.devtools_port == port
        assert f"--remote-debugging-port={DEVTOOLS_PORT}" in spec.agent_config.browser.args


def test_the_agent_reads_what_it_is_sent() -> None:
    config = sandbox_spec(make_session(), TOKEN, AgentSettings()).agent_config

    assert parse_agent_config(config.encode()) == config


@pytest.mark.parametrize("machine", [False, True])
def test_programs_may_be_run_only_where_the_session_was_made_for_it(machine: bool) -> None:
    session = make_session(options=make_options(machine=machine))
    config = sandbox_spec(session, TOKEN, AgentSettings()).agent_config

    assert (config.exec_enabled, config.exec_allowed, config.policy_file) == (machine, machine, "")


def test_a_browser_waits_for_its_profile_where_one_is_to_come() -> None:
    browser = sandbox_spec(make_session(), TOKEN, AgentSettings(), browser_at_rest=True).agent_config.browser
    assert browser is not None
    assert browser.at_rest
    browser = sandbox_spec(make_session(), TOKEN, AgentSettings()).agent_config.browser
    assert browser is not None
    assert not browser.at_rest


@pytest.mark.parametrize(("private", "carries"), [(False, True), (True, False)])
def test_an_agent_hands_out_a_profile_but_not_that_of_a_private_session(private: bool, carries: bool) -> None:
    """Also where none was asked for: the session may be hibernated."""
    for profile in (ProfileUse(id=new_profile_id()), None):
        session = make_session(options=make_options(profile=profile, private=private))
        browser = sandbox_spec(session, TOKEN, AgentSettings()).agent_config.browser
        assert browser is not None
        assert browser.carries_profile is carries
