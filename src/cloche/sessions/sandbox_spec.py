"""From a session's options to what the driver and the agent are told. Pure."""

from dataclasses import dataclass

from cloche.browser.launch import LaunchOptions, browser_args, browser_env
from cloche.ids import SessionId
from cloche.sandbox.spec import Engine, Limits, SandboxSpec
from cloche.sessions.model import Budget, Session, SessionOptions
from cloche.wire.agent_config import DEVTOOLS_PORT, AgentConfig, BrowserConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """The server's settings for every agent."""

    lease_s: float = 60.0
    browser_start_timeout_s: float = 20.0
    restart_budget: int = 3
    restart_window_s: float = 300.0


def sandbox_spec(
    session: Session, token: str, settings: AgentSettings, *, browser_at_rest: bool = False
) -> SandboxSpec:
    """`browser_at_rest`: it is started by hand, once its user-data directory is there."""
    return spec_of(session.id, session.options, token, settings, browser_at_rest=browser_at_rest)


def spec_of(
    session_id: SessionId,
    options: SessionOptions,
    token: str,
    settings: AgentSettings,
    *,
    browser_at_rest: bool = False,
    carries_profile: bool = False,
) -> SandboxSpec:
    """`carries_profile`: whatever the options say; whose sandbox it will be is not known yet."""
    browser = _browser_config(options, settings)
    return SandboxSpec(
        session_id=session_id,
        engine=options.engine,
        limits=limits_of(options.budget),
        machine=options.machine,
        agent_config=AgentConfig(
            session_id=session_id,
            token=token,
            lease_s=settings.lease_s,
            machine=options.machine,
            machine_env={"TZ": options.timezone} if options.timezone else {},
            exec_enabled=options.machine,
            exec_allowed=options.machine,
            browser=browser._replace(
                at_rest=browser_at_rest, carries_profile=carries_profile or browser.carries_profile
            ),
        ),
    )


def limits_of(budget: Budget) -> Limits:
    return Limits(
        memory_bytes=budget.memory_bytes,
        processes=budget.processes,
        cpu_cores=budget.cpu_cores,
        disk_bytes=budget.disk_bytes,
    )


def _browser_config(options: SessionOptions, settings: AgentSettings) -> BrowserConfig:
    launch = LaunchOptions(
        full_chrome=options.engine is Engine.CHROME,
        width=options.viewport.width,
        height=options.viewport.height,
        device_scale_factor=options.viewport.device_scale_factor,
        start_url=options.start_url,
        locale=options.locale,
        timezone=options.timezone,
        user_agent=options.user_agent,
    )
    return BrowserConfig(
        args=browser_args(launch),
        env=browser_env(launch),
        devtools_port=DEVTOOLS_PORT if launch.full_chrome else 0,
        start_timeout_s=settings.browser_start_timeout_s,
        restart_budget=settings.restart_budget,
        restart_window_s=settings.restart_window_s,
        carries_profile=not options.private,
    )
