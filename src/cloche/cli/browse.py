"""`cloche browse …`: drive and look at a session's browser. What fails in the page is exit code 1 and its code."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cloche.cli import browse_output as shown
from cloche.cli.connection import JsonOption, UrlOption, connect
from cloche.cli.output import printable
from cloche.cli.saving import save
from cloche.cli.state_files import read_state

if TYPE_CHECKING:
    from cloche.client.browser_sync import Browser

app = typer.Typer(help="Drive and look at a session's browser.", no_args_is_help=True)

EXIT_FAILED: Final = 1

SessionId = Annotated[str, typer.Argument(metavar="SESSION")]
Selector = Annotated[
    str, typer.Argument(metavar="SELECTOR", help="CSS, text=…, role=button[name=Save], xpath=… or ref=e7.")
]
Within = Annotated[str, typer.Option("--selector", metavar="SELECTOR", help="Only this element.")]
TabOption = Annotated[str, typer.Option("--tab", metavar="TAB", help="Instead of the active tab.")]
Timeout = Annotated[
    int, typer.Option("--timeout", metavar="MS", min=0, max=600_000, help="0: what the session's budget says.")
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE")]
Limit = Annotated[int, typer.Option(metavar="N", min=0, max=10_000, help="The newest; 0: the server's own limit.")]


@app.command()
def navigate(
    session_id: SessionId,
    to: Annotated[str, typer.Argument(metavar="URL")],
    wait_until: Annotated[str, typer.Option(metavar="STATE", help="commit, domcontentloaded, load, networkidle.")] = "",
    tab: TabOption = "",
    timeout: Timeout = 0,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go to a URL."""
    with _browser(session_id, url) as browser:
        done = browser.navigate(to, wait_until=wait_until, tab_id=tab, timeout_ms=timeout)
    shown.navigated(done, as_json)


@app.command()
def click(
    session_id: SessionId,
    selector: Selector,
    button: Annotated[str, typer.Option(metavar="left|middle|right")] = "",
    count: Annotated[int, typer.Option(metavar="N", min=1, max=3, help="2 is a double click.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Do not wait until it can be clicked.")] = False,
    tab: TabOption = "",
    timeout: Timeout = 0,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Click an element."""
    with _browser(session_id, url) as browser:
        done = browser.click(selector, button=button, click_count=count, force=force, tab_id=tab, timeout_ms=timeout)
    shown.acted(done, as_json)


@app.command("type")
def type_(
    session_id: SessionId,
    selector: Selector,
    text: Annotated[str, typer.Argument(help="- reads it from stdin.")],
    clear: Annotated[bool, typer.Option("--clear", help="What is there goes first.")] = False,
    submit: Annotated[bool, typer.Option("--submit", help="Press Enter at the end.")] = False,
    tab: TabOption = "",
    timeout: Timeout = 0,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Type into an element; with an empty selector, into what has the focus."""
    typed = _text(text)
    with _browser(session_id, url) as browser:
        done = browser.type(selector, typed, clear_existing=clear, submit=submit, tab_id=tab, timeout_ms=timeout)
    shown.acted(done, as_json)


@app.command()
def press(
    session_id: SessionId,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Enter, Control+a, ArrowLeft …")],
    selector: Annotated[str, typer.Option(metavar="SELECTOR", help="Focus this first.")] = "",
    tab: TabOption = "",
    timeout: Timeout = 0,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Press a key or a chord."""
    with _browser(session_id, url) as browser:
        done = browser.press(key, selector=selector, tab_id=tab, timeout_ms=timeout)
    shown.acted(done, as_json)


@app.command()
def select(
    session_id: SessionId,
    selector: Selector,
    value: Annotated[list[str] | None, typer.Option(metavar="VALUE", help="Repeatable.")] = None,
    label: Annotated[str, typer.Option(metavar="TEXT")] = "",
    tab: TabOption = "",
    timeout: Timeout = 0,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose options of a <select>."""
    with _browser(session_id, url) as browser:
        done = browser.select(selector, values=value or [], label=label, tab_id=tab, timeout_ms=timeout)
    shown.acted(done, as_json)


@app.command()
def wait(
    session_id: SessionId,
    selector: Annotated[str, typer.Argument(metavar="SELECTOR")] = "",
    text: Annotated[str, typer.Option(metavar="TEXT", help="Until this is to be seen.")] = "",
    state: Annotated[str, typer.Option(metavar="STATE", help="attached, visible, hidden, detached.")] = "",
    address: Annotated[str, typer.Option("--at", metavar="TEXT", help="Until the page's URL contains this.")] = "",
    load_state: Annotated[str, typer.Option(metavar="STATE", help="domcontentloaded, load, networkidle.")] = "",
    tab: TabOption = "",
    timeout: Timeout = 0,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Wait for an element, a text, an address or a load state."""
    with _browser(session_id, url) as browser:
        done = browser.wait_for(
            selector, text=text, state=state, url=address, load_state=load_state, tab_id=tab, timeout_ms=timeout
        )
    shown.waited(done, as_json)


@app.command()
def observe(
    session_id: SessionId,
    interactive: Annotated[bool, typer.Option("--interactive", help="Only what can be acted on.")] = False,
    dom: Annotated[bool, typer.Option("--dom", help="The DOM instead.")] = False,
    text: Annotated[bool, typer.Option("--text", help="The visible text instead.")] = False,
    root: Annotated[str, typer.Option(metavar="SELECTOR", help="Only what is below this element.")] = "",
    search: Annotated[str, typer.Option(metavar="TEXT", help="Only lines with this.")] = "",
    diff: Annotated[str, typer.Option(metavar="SNAPSHOT", help="Only what has changed since.")] = "",
    cursor: Annotated[str, typer.Option(metavar="CURSOR", help="The next page of an answer.")] = "",
    max_bytes: Annotated[int, typer.Option(metavar="BYTES", min=0)] = 0,
    tab: TabOption = "",
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what the page shows: its accessibility tree, with refs that the other commands take."""
    wanted: dict[str, Any] = {"max_bytes": max_bytes, "root": root, "cursor": cursor, "tab_id": tab}
    if dom or text:
        sizes = {"max_dom_snapshot_bytes": max_bytes, "max_visible_text_bytes": max_bytes}
        wanted |= sizes | {"include_dom_snapshot": dom, "include_visible_text": text}
    with _browser(session_id, url) as browser:
        seen = browser.observe(interactive_only=interactive, search=search, diff_from=diff, **wanted)
    shown.observed(seen, as_json)


@app.command()
def screenshot(
    session_id: SessionId,
    output: Output,
    full_page: Annotated[bool, typer.Option("--full-page")] = False,
    selector: Within = "",
    format_: Annotated[str, typer.Option("--format", metavar="png|jpeg|webp", help="As FILE is named, or png.")] = "",
    tab: TabOption = "",
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a picture of the page."""
    named = {".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}.get(output.suffix.lower(), "")
    with _browser(session_id, url) as browser:
        shot = browser.screenshot(full_page=full_page, selector=selector, format=format_ or named, tab_id=tab)
    save(output, [shot.image_bytes])
    shown.saved(shot, "image_bytes", f"{shot.mime_type}, {shot.width}x{shot.height}", as_json)


@app.command()
def pdf(
    session_id: SessionId,
    output: Output,
    landscape: Annotated[bool, typer.Option("--landscape")] = False,
    background: Annotated[bool, typer.Option("--background", help="Print backgrounds too.")] = False,
    tab: TabOption = "",
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the page as PDF."""
    with _browser(session_id, url) as browser:
        printed = browser.export_pdf(landscape=landscape, print_background=background, tab_id=tab)
    save(output, [printed.pdf_bytes])
    shown.saved(printed, "pdf_bytes", f"{printed.mime_type}, {printed.size_bytes} bytes", as_json)


@app.command()
def console(
    session_id: SessionId,
    severity: Annotated[str, typer.Option(metavar="debug|info|warning|error", help="At least.")] = "",
    limit: Limit = 0,
    all_tabs: Annotated[bool, typer.Option("--all-tabs")] = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what pages wrote to the console."""
    with _browser(session_id, url) as browser:
        log = browser.console_log(limit=limit, minimum_severity=severity, all_tabs=all_tabs)
    shown.console(log, as_json)


@app.command()
def network(
    session_id: SessionId,
    failed: Annotated[bool, typer.Option("--failed", help="Only what failed or was blocked.")] = False,
    limit: Limit = 0,
    all_tabs: Annotated[bool, typer.Option("--all-tabs")] = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what went over the network."""
    with _browser(session_id, url) as browser:
        log = browser.network_log(limit=limit, failed_only=failed, all_tabs=all_tabs)
    shown.network(log, as_json)


@app.command()
def actions(
    session_id: SessionId,
    failed: Annotated[bool, typer.Option("--failed", help="Only what failed.")] = False,
    limit: Limit = 0,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what was done in the session."""
    with _browser(session_id, url) as browser:
        log = browser.action_log(limit=limit, failed_only=failed)
    shown.actions(log, as_json)


@app.command()
def tabs(session_id: SessionId, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List the tabs."""
    with _browser(session_id, url) as browser:
        listed = browser.list_tabs()
    shown.tabs(listed, as_json)


@app.command("open")
def open_(
    session_id: SessionId,
    to: Annotated[str, typer.Argument(metavar="URL")] = "",
    background: Annotated[bool, typer.Option("--background", help="The active tab stays active.")] = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open a tab."""
    with _browser(session_id, url) as browser:
        opened = browser.open_tab(to, activate=not background)
    shown.tab(opened, opened.tab, as_json)


@app.command()
def switch(
    session_id: SessionId,
    tab_id: Annotated[str, typer.Argument(metavar="TAB")],
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a tab the active one."""
    with _browser(session_id, url) as browser:
        switched = browser.switch_tab(tab_id)
    shown.tab(switched, switched.active_tab, as_json)


@app.command()
def close(
    session_id: SessionId,
    tab_id: Annotated[str, typer.Argument(metavar="TAB", help="Default: the active one.")] = "",
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close a tab; the last one stays."""
    with _browser(session_id, url) as browser:
        closed = browser.close_tab(tab_id)
    shown.tab(closed, closed.active_tab, as_json)


@app.command()
def evaluate(
    session_id: SessionId,
    expression: Annotated[str, typer.Argument(metavar="JAVASCRIPT", help="- reads it from stdin.")],
    tab: TabOption = "",
    timeout: Timeout = 0,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run JavaScript in the page and print its result as JSON."""
    code = _text(expression)
    with _browser(session_id, url) as browser:
        done = browser.evaluate(code, tab_id=tab, timeout_ms=timeout)
    shown.evaluated(done, as_json)


@app.command()
def cookies(
    session_id: SessionId,
    of: Annotated[list[str] | None, typer.Option("--of", metavar="URL", help="Sent to this URL. Repeatable.")] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List cookies; their values only with --json."""
    with _browser(session_id, url) as browser:
        kept = browser.get_cookies(urls=of or [])
    shown.cookies(kept, as_json)


@app.command("storage-state")
def storage_state(
    session_id: SessionId,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it here.")] = None,
    load: Annotated[Path | None, typer.Option(metavar="FILE", help="Set it from here instead.", dir_okay=False)] = None,
    clear: Annotated[bool, typer.Option("--clear", help="With --load: what is there goes first.")] = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print, write or load cookies and localStorage, in the format of Playwright's storage_state."""
    if load is not None and output is not None:
        raise typer.BadParameter("either --load or --output")
    if load is not None:
        state = read_state(load)
        with _browser(session_id, url) as browser:
            done = browser.set_storage_state(state, clear_first=clear)
        return shown.loaded(done, as_json)
    with _browser(session_id, url) as browser:
        kept = browser.get_storage_state()
    if output is None:
        return shown.document(kept.storage_state)
    save(output, [json.dumps(kept.storage_state, indent=2).encode()], is_secret=True)
    return shown.kept(kept, as_json)


@contextmanager
def _browser(session_id: str, url: str | None) -> Iterator["Browser"]:
    """What fails in the page is shown as errors of the server are."""
    from cloche.client.browser_calls import ActionFailedError

    with connect(url) as client:
        try:
            yield client.sessions.browser(session_id)
        except ActionFailedError as error:
            typer.echo(printable(f"cloche: {error.detail} [{error.code}]"), err=True)
            raise typer.Exit(EXIT_FAILED) from None


def _text(given: str) -> str:
    return sys.stdin.read() if given == "-" else given
