"""The part of a budget that single calls are bound by. Pure."""

from dataclasses import fields

from cloche.browser.call import Limits
from cloche.sessions.model import Budget


def limits_of(budget: Budget) -> Limits:
    """By name; the console's log is as long as the network's."""
    named = {field.name: getattr(budget, field.name) for field in fields(Limits) if field.name != "console_log_entries"}
    return Limits(console_log_entries=budget.network_log_entries, **named)
