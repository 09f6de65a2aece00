"""What `script/run` does once the machine is set up: a daemon in the background and a session in it.

    python -m cloche.cli.quickstart [URL]      start the daemon unless it runs, open a session, say how to use both
    python -m cloche.cli.quickstart --stop     end the daemon and its sessions

Only the standard library is imported for talking to the daemon, so that a second run is quick.
"""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final, NoReturn

from pydantic import ValidationError

from cloche.daemon import background
from cloche.daemon.settings import Settings

LISTEN_TIMEOUT_S: Final = 60.0
READY_TIMEOUT_S: Final = 5.0
"""Once it listens, what it lacks is lacking for good: only a machine under load needs this long."""
STOP_TIMEOUT_S: Final = 60.0
CREATE_TIMEOUT_S: Final = 60.0
POLL_S: Final = 0.05
LOG_LINES: Final = 15


class DaemonApi:
    """The few requests a quick start needs, sent with the admin key."""

    def __init__(self, http: str, key: str) -> None:
        self.base_url = f"http://{http}"
        self.key = key
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method: str, path: str, body: object = None, *, timeout_s: float = 5.0) -> tuple[int, Any]:
        """Return status and JSON body (None when it is none). Raises OSError when nobody answers."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        request = urllib.request.Request(self.base_url + path, data, headers, method=method)  # noqa: S310 - our own
        try:
            with self._opener.open(request, timeout=timeout_s) as answer:
                return answer.status, _json(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _json(error.read())


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="script/run", description="Start Cloche and open a browser session.")
    parser.add_argument("url", nargs="?", help="the page to open; without it a page that ships with Cloche")
    parser.add_argument("--stop", action="store_true", help="end the daemon and its sessions")
    options = parser.parse_args(argv)
    try:
        settings = Settings()
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        _die("\n".join(f"CLOCHE_{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in problems))
    return _stop(settings.state_dir) if options.stop else _run(settings, options.url)


def _run(settings: Settings, url: str | None) -> int:
    api = _connect(settings)
    body = {"labels": {"started_by": "script/run"}} | ({"start_url": url} if url else {})
    _say("opening a session …")
    status, session = api.call("POST", "/v1/sessions", body, timeout_s=CREATE_TIMEOUT_S)
    if status == 401:
        _die(f"the daemon at {api.base_url} does not know the key in {_key_file(settings)}")
    if status != 201:
        detail = session.get("detail") if isinstance(session, dict) else None
        _fail(settings, f"no session was made ({status}): {detail or 'no reason given'}")
    _print_usage(settings, api, session)
    return 0


def _connect(settings: Settings) -> DaemonApi:
    """Find the daemon or start one, and wait until it can make sessions."""
    process = None
    if background.find_running(settings.state_dir) is None:
        _say(f"starting the daemon (log: {settings.state_dir / background.LOG_NAME})")
        process = background.start(settings.state_dir)
    deadline = time.monotonic() + LISTEN_TIMEOUT_S
    while (record := background.find_running(settings.state_dir)) is None:
        if process is not None and process.poll() is not None:
            _fail(settings, f"the daemon ended with {process.returncode}")
        if time.monotonic() > deadline:
            _fail(settings, f"the daemon does not listen after {LISTEN_TIMEOUT_S:.0f} s")
        time.sleep(POLL_S)
    return _await_ready(settings, DaemonApi(record.http, _key(settings)))


def _await_ready(settings: Settings, api: DaemonApi) -> DaemonApi:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while missing := _what_is_missing(api):
        if time.monotonic() > deadline:
            _fail(settings, f"the daemon cannot make sessions: {missing}")
        time.sleep(POLL_S)
    return api


def _what_is_missing(api: DaemonApi) -> str:
    """What the daemon says stands in the way of a session; empty when it is ready."""
    try:
        status, body = api.call("GET", "/readyz")
    except OSError as error:
        return f"no answer ({error})"
    return "" if status == 200 else json.dumps(body)


def _stop(state_dir: Path) -> int:
    record = background.find_running(state_dir)
    if record is None:
        _say("no daemon is running")
        return 0
    _say(f"stopping the daemon (pid {record.pid}) and its sessions …")
    if not background.stop(record, timeout_s=STOP_TIMEOUT_S):
        _die(f"it has not ended within {STOP_TIMEOUT_S:.0f} s; its log is {state_dir / background.LOG_NAME}")
    _say("stopped")
    return 0


def _key(settings: Settings) -> str:
    if settings.admin_key is not None:
        return settings.admin_key.get_secret_value()
    try:
        return _key_file(settings).read_text().strip()
    except OSError:
        _die(
            f"no key in {_key_file(settings)}: make one with `cloche key create --local` and set CLOCHE_ADMIN_KEY to it"
        )


def _key_file(settings: Settings) -> Path:
    return settings.state_dir / "admin.key"


def _print_usage(settings: Settings, api: DaemonApi, session: dict[str, Any]) -> None:
    key = "$CLOCHE_ADMIN_KEY" if settings.admin_key else f"$(cat {_key_file(settings)})"
    lines = [
        "",
        f"  API        {api.base_url}/v1   (documentation: {api.base_url}/docs)",
        f"  key        {api.key}",
        f"  session    {session['id']}   until {session['expires_at']}",
        f"  connect    {session['connect_url']}",
        *([f"  live view  {session['live_url']}"] if session.get("live_url") else []),
        "",
        "  Playwright (pip install playwright; no browser download needed):",
        "",
        "    from playwright.sync_api import sync_playwright",
        "    with sync_playwright() as p:",
        f'        browser = p.chromium.connect_over_cdp("{session["connect_url"]}")',
        "        page = browser.contexts[0].pages[0]",
        "        print(page.title())",
        "",
        "  curl:",
        "",
        f'    curl -H "Authorization: Bearer {key}" {api.base_url}/v1/sessions/{session["id"]}',
        "",
        "  Stop it all: script/run --stop",
        "",
    ]
    sys.stdout.write("\n".join(lines))
    sys.stdout.flush()


def _fail(settings: Settings, what: str) -> NoReturn:
    """Say what went wrong, what the log ends with, and what the doctor finds."""
    from cloche.daemon.doctor.checks import run_checks
    from cloche.daemon.doctor.from_settings import doctor_settings

    lines = [what]
    if tail := background.log_tail(settings.state_dir, LOG_LINES):
        lines += [f"the log ends with ({settings.state_dir / background.LOG_NAME}):", tail]
    for result in run_checks(doctor_settings(settings)):
        if result.ok is False:
            lines += [f"{result.name}: {result.found}", f"  mend: {result.mend}"]
    _die("\n".join(lines))


def _die(text: str) -> NoReturn:
    for line in text.splitlines():
        _say(line)
    raise SystemExit(1)


def _say(text: str) -> None:
    sys.stderr.write(f"cloche: {text}\n")


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


if __name__ == "__main__":
    sys.exit(main())
