"""What of a session's options is built into its sandbox, so that a warm one fits only who asked for the same. Pure.

All else is applied when one is taken: what it may reach, its processes and processor time, its budget of bytes and
actions, labels, timeouts, start page, profile, domains. Chromium takes viewport, locale, time zone and user agent
from its command line and its environment alone: what DevTools can set later holds for one client's connection, and
stands in the way of clients that set their own (a second `Emulation.setTimezoneOverride` is refused).
A whole user-data directory is read by a browser that starts with it, so whoever brings one gets a sandbox whose agent
is up and whose browser is at rest.
"""

from dataclasses import dataclass, replace

from cloche.sandbox.spec import Engine
from cloche.sessions.model import EgressOptions, SessionOptions, Viewport


@dataclass(frozen=True, slots=True)
class Shape:
    engine: Engine
    machine: bool
    memory_bytes: int
    """Of which its shared memory has a part; and the agent is told."""
    disk_bytes: int
    viewport: Viewport
    locale: str | None
    timezone: str | None
    user_agent: str | None
    browser_at_rest: bool = False


def shape_of(options: SessionOptions, *, browser_at_rest: bool = False) -> Shape:
    return Shape(
        options.engine,
        options.machine,
        options.budget.memory_bytes,
        options.budget.disk_bytes,
        options.viewport,
        options.locale,
        options.timezone,
        options.user_agent,
        browser_at_rest,
    )


def nobodys(options: SessionOptions) -> SessionOptions:
    """The options of a sandbox of this shape that is nobody's yet: nothing of the one who asked first is in them."""
    return replace(
        options,
        start_url=None,
        egress=EgressOptions(),
        labels={},
        action_allowed_domains=(),
        profile=None,
        private=False,
        standby=None,
        pool=None,
    )
