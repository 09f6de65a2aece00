import json
import subprocess
import sys

import pytest

SCRIPT = """
import logging, sys, structlog
from cloche.telemetry.logs import LogFormat, configure_logs
configure_logs(LogFormat(sys.argv[1]), sys.argv[2])
log = structlog.get_logger("mine").bind(session="ses_1")
log.debug("quiet")
log.info("listening", http="127.0.0.1:1")
logging.getLogger("theirs").warning("old %s", "style")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("broke")
"""


def run(log_format: str, level: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, log_format, level], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout == "", "standard output belongs to the program, not to its log"
    return done.stderr.splitlines()


def test_json_is_one_object_a_line_and_old_loggers_join_in() -> None:
    lines = [json.loads(line) for line in run("json", "info")]

    assert [line["event"] for line in lines] == ["listening", "old style", "broke"]
    assert [line["level"] for line in lines] == ["info", "warning", "error"]
    assert lines[0]["session"] == "ses_1"
    assert lines[0]["http"] == "127.0.0.1:1"
    assert all(line["time"].endswith("Z") for line in lines)
    assert "ZeroDivisionError" in lines[2]["exception"]


def test_the_level_says_what_is_told() -> None:
    assert json.loads(run("json", "debug")[0])["event"] == "quiet"
    assert [json.loads(line)["event"] for line in run("json", "error")] == ["broke"]


@pytest.mark.parametrize("expected", ["listening", "old style", "broke", "ZeroDivisionError"])
def test_the_console_is_for_people_and_plain_where_it_is_no_terminal(expected: str) -> None:
    text = "\n".join(run("console", "info"))

    assert expected in text
    assert "\x1b" not in text
