"""What an agent says of its browser, taken apart with suspicion. Pure.

Every value was written inside the sandbox: unknown states are ignored, numbers are bounded, texts are cut to plain
characters before they reach a log, an event or an answer.
"""

from dataclasses import dataclass
from typing import Final

from cloche.sessions.agent_values import count, slug, text, whole
from cloche.wire.messages import BrowserState, Payload

MAX_LOG_TAIL: Final = 2048
START_FAILURES: Final = frozenset(
    {"closed", "crashed", "crashed_at_start", "exec_failed", "over_memory", "restart_budget_spent", "start_timeout"}
)
"""The reasons for which an agent gives its browser up (`cloche.agent.supervisor`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserNews:
    """A `browser` message; `state` None when it is none we know."""

    state: BrowserState | None
    product: str = ""
    revision: str = ""
    reason: str = ""
    restarts: int = 0
    exit_code: int | None = None
    signal: int | None = None
    log_tail: str = ""


def read_browser_news(payload: Payload) -> BrowserNews:
    try:
        state = BrowserState(payload.get("state"))  # type: ignore[arg-type]  # a wrong type is an unknown state too
    except ValueError:
        return BrowserNews(state=None)
    return BrowserNews(
        state=state,
        product=text(payload.get("product"), 64),
        revision=text(payload.get("revision"), 64),
        reason=slug(payload.get("reason")),
        restarts=count(payload.get("restarts")),
        exit_code=whole(payload.get("exit_code")),
        signal=whole(payload.get("signal")),
        log_tail=text(payload.get("log_tail"), MAX_LOG_TAIL),
    )


def start_failure_reason(news: BrowserNews) -> str:
    """The `reason` of a StartError, which is a metric label too: one of ours, whatever the sandbox wrote."""
    return news.reason if news.reason in START_FAILURES else "browser_gave_up"
