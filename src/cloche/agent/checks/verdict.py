"""What a command's end says about the thing it checks. Bytes in, a verdict out; the time is an argument."""

import json
import math
from typing import Any, Final, NamedTuple, NoReturn

from cloche.agent.child import ChildOutcome
from cloche.agent.procfs import printable

MAX_OUTPUT_BYTES: Final = 16 * 1024
"""Kept of each output of a check; JSON must fit into it."""
MAX_JSON_DEPTH: Final = 32
DETAIL_CHARACTERS: Final = 512


class Result(NamedTuple):
    """How the last run went."""

    healthy: bool
    detail: str
    checked_at: str
    """`YYYY-MM-DDTHH:MM:SSZ`, when it ended."""
    has_output: bool = False
    output: Any = None
    """The JSON value that it printed."""


def judge(outcome: ChildOutcome, timeout_s: float, checked_at: str, *, is_json: bool = False) -> Result:
    """Say whether it is healthy: it has ended in time, with 0, and printed one JSON value if it should."""
    healthy, detail = outcome.succeeded, explain(outcome, timeout_s)
    if not is_json:
        return Result(healthy, detail, checked_at)
    try:
        output = _parse_output(outcome)
    except (ValueError, RecursionError):
        return Result(False, "output is not JSON" if healthy else detail, checked_at)
    return Result(healthy, detail, checked_at, True, output)


def explain(outcome: ChildOutcome, timeout_s: float) -> str:
    """Return one line fit to be shown: `ok`, or why not."""
    if outcome.timed_out:
        return f"timed out after {round(timeout_s, 1):g} s"
    if outcome.error:
        return one_line(outcome.error)
    if outcome.succeeded:
        return "ok"
    if said := one_line(outcome.stderr.decode("utf-8", "replace")):
        return said
    return f"killed by signal {outcome.signal}" if outcome.signal is not None else f"exit code {outcome.exit_code}"


def one_line(text: str, limit: int = DETAIL_CHARACTERS) -> str:
    """Return the beginning of a text, trimmed, in one line, and with nothing in it but printable characters."""
    return printable(" ".join(text.split()))[:limit]


def _parse_output(outcome: ChildOutcome) -> Any:
    """Read the one JSON value of an output; it must come out of our own encoder again (RFC 8259: no NaN, no Infinity).

    Raises:
        ValueError, RecursionError: it is not one, or larger or deeper than we pass on.
    """
    if outcome.stdout_cut:
        raise ValueError("too large")
    value = json.loads(outcome.stdout.decode(), parse_constant=_refuse, parse_float=_finite)
    if _is_deeper(value, MAX_JSON_DEPTH):
        raise ValueError("too deep")
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _is_deeper(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for one in level
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
        ]
    return any(isinstance(one, dict | list) for one in level)
