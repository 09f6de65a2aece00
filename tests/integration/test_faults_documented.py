"""What can go wrong is written down: each reason, code and setting of the sources stands in the how-to pages."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloche import errors
from cloche.api.devtools_door import closing
from cloche.daemon import readiness
from cloche.daemon.settings import Settings
from cloche.sandbox.namespace.reasons import StartReason
from cloche.sessions.model import EndReason
from cloche.wire import messages

ROOT = Path(__file__).parents[2]
TROUBLESHOOT = ROOT / "docs" / "how-to" / "troubleshoot.md"
OPERATE = ROOT / "docs" / "how-to" / "operate.md"

OF_THE_SESSION_LAYER = {"start_timeout", "agent_lost", "browser_gave_up"}
OF_THE_AGENT = {"start_timeout", "crashed_at_start", "exec_failed", "over_memory"}
"""What it says of a browser that never came up."""


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of the tables under a heading, without their head lines and code marks."""
    section = re.split(r"^## ", page.read_text(), flags=re.MULTILINE)
    (text,) = [part for part in section if part.startswith(heading)]
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|") and "---" not in line]
    return [[cell.strip().strip("`") for cell in line] for line in lines]


def first_cells(heading: str) -> set[str]:
    return {row[0] for row in rows(TROUBLESHOOT, heading)} - {"reason", "code", "status"}


def every_error() -> Iterator[type[errors.ClocheError]]:
    pending = [errors.ClocheError]
    while pending:
        found = pending.pop()
        pending += found.__subclasses__()
        yield found


def test_every_reason_of_a_failed_start_is_explained() -> None:
    assert first_cells("Why a session did not start") == (
        {str(reason) for reason in StartReason} | OF_THE_SESSION_LAYER | OF_THE_AGENT
    )


def test_the_agents_reasons_are_those_the_page_knows() -> None:
    described = messages.BrowserState.__doc__ or ""
    assert set(re.findall(r"`(\w+)`", described)) >= OF_THE_AGENT


def test_every_reason_of_an_end_is_explained() -> None:
    assert first_cells("Why a session ended") == {str(reason) for reason in EndReason}


def test_every_close_code_is_explained() -> None:
    ours = {closing.closing_for(reason.value).code for reason in EndReason} | {
        closing.TARGET_CLOSED.code,
        closing.BROWSER_CLOSED.code,
        closing.KEY_REVOKED.code,
        closing.SERVER_STOPPING.code,
        closing.closing_for("browser_restarting").code,
        closing.closing_for("browser_stopped").code,
    }
    # Two that are nobody's to send: the other side's goodbye, and none at all (RFC 6455, section 7.4.1).
    assert {int(code) for code in first_cells("Close codes")} == ours | {1000, 1006}


def test_every_error_code_is_explained_with_its_status() -> None:
    told = {(int(row[0]), row[1]) for row in rows(TROUBLESHOOT, "Error codes") if row[0] != "status"}
    assert told == {(error.http_status, error.code) for error in every_error()} | {(405, "method_not_allowed")}


def test_every_setting_is_documented_and_no_other() -> None:
    told = {row[0] for row in rows(OPERATE, "Settings")} - {"setting"}
    assert told == {f"CLOCHE_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_default_of_a_setting_is_the_one_documented(name: str) -> None:
    (told,) = [row[1] for row in rows(OPERATE, "Settings") if row[0] == f"CLOCHE_{name.upper()}"]
    default = Settings.model_fields[name].default
    in_words = {
        "state_dir": "see above",
        "run_dir": "see above",
        "database_url": "cloche.db` in the state directory",
        "uid_range": "2000000000:65536",
        "max_cpu_cores": "as many as the machine has",
    }
    listed = ",".join(default) if isinstance(default, tuple) else str(default)
    plain = "unset" if default is None else listed or "empty"
    assert told == in_words.get(name, plain.lower() if isinstance(default, bool) else plain)


def test_every_readiness_reason_is_explained() -> None:
    listed = set(re.findall(r"^    (\w+) {2,}", readiness.__doc__ or "", flags=re.MULTILINE))
    told = {row[0] for row in rows(OPERATE, "What to watch")}
    assert listed == {"database", "sandbox", "walls", "room", "starts", "audit"}
    assert listed | {"capacity"} <= told


def test_every_metric_is_named() -> None:
    sources = [ROOT / "src/cloche/telemetry/metrics.py", ROOT / "src/cloche/api/observe.py"]
    sources += [ROOT / "src/cloche/sessions/pool/figures.py"]
    series = {name for source in sources for name in re.findall(r'"(cloche_\w+)"', source.read_text())}
    page = OPERATE.read_text()
    assert len(series) > 10
    assert not {name for name in series if name not in page}


def test_every_hardening_line_of_the_service_is_explained() -> None:
    """A directive stands in a block that begins with a comment."""
    text = (ROOT / "deploy/systemd/cloche.service").read_text()
    service = text[text.index("[Service]") : text.index("[Install]")].splitlines()[1:]
    explained, bare = False, []
    for line in service:
        explained = line.startswith("#") or (explained and bool(line))
        if line and not explained:
            bare.append(line)
    assert bare == []
