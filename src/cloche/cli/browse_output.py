"""How the browser service's answers are shown. Pages wrote much of it: no control character reaches the terminal."""

import json
from typing import TYPE_CHECKING, Any, Final

import typer

from cloche.cli.output import print_facts, print_json, print_table, printable

if TYPE_CHECKING:
    from cloche.client import browser_answers as answers

MAX_CELL: Final = 100


def document(value: object) -> None:
    print_json(value)


def navigated(done: "answers.Navigated", as_json: bool) -> None:
    if as_json:
        return _answer(done)
    return print_facts(
        {
            "url": done.final_url,
            "status": done.status_code or "-",
            "title": done.title,
            "reached": done.reached,
            "redirects": len(done.redirects) or None,
            "took": f"{done.latency_ms} ms",
        }
    )


def acted(done: "answers.ElementAnswer", as_json: bool) -> None:
    if as_json:
        return _answer(done)
    effects = done.effects
    typer.echo(f"done in {max(done.action_log.completed_at_unix_ms - done.action_log.started_at_unix_ms, 0)} ms")
    return print_facts(
        {
            "navigated to": effects.navigated_url,
            "new tabs": " ".join(effects.new_tab_ids),
            "downloads": " ".join(each.suggested_filename for each in effects.downloads),
            "dialog": f"{effects.dialog.type}: {effects.dialog.message}" if effects.dialog else None,
            "file chooser": "open" if effects.file_chooser else None,
        }
    )


def waited(done: "answers.Waited", as_json: bool) -> None:
    if as_json:
        return _answer(done)
    return typer.echo(f"came after {done.waited_ms} ms")


def observed(seen: "answers.Observed", as_json: bool) -> None:
    if as_json:
        return _answer(seen)
    for part in (seen.accessibility_tree, seen.dom_snapshot, seen.visible_text):
        if part:
            _lines(part)
    if seen.next_cursor:
        typer.echo(f"cloche: there is more: --cursor {printable(seen.next_cursor)}", err=True)
    elif seen.accessibility_tree_truncated or seen.dom_truncated or seen.visible_text_truncated:
        typer.echo("cloche: there is more than was answered; see --max-bytes", err=True)
    return None


def saved(answer: "answers.BrowserAnswer", data: str, what: str, as_json: bool) -> None:
    """`data` names the field that went into the file."""
    if as_json:
        return print_json(answer.model_dump(mode="json", exclude={data}))
    return typer.echo(printable(what))


def console(log: "answers.ConsoleLog", as_json: bool) -> None:
    if as_json:
        return _answer(log)
    rows = [
        [_cell(each.get("severity")), _cell(each.get("kind")), _place(each), _cell(each.get("message"))]
        for each in log.entries
    ]
    return print_table(["SEVERITY", "KIND", "WHERE", "MESSAGE"], rows)


def network(log: "answers.NetworkLog", as_json: bool) -> None:
    if as_json:
        return _answer(log)
    rows = [
        [
            _cell(each.get("method")),
            _outcome(each),
            _cell(each.get("resource_type")),
            str(each.get("response_bytes", -1)),
            str(each.get("latency_ms", -1)),
            _cell(each.get("request_url")),
        ]
        for each in log.entries
    ]
    return print_table(["METHOD", "STATUS", "TYPE", "BYTES", "MS", "URL"], rows)


def actions(log: "answers.ActionLog", as_json: bool) -> None:
    if as_json:
        return _answer(log)
    rows = [
        [
            each.action_name,
            each.outcome,
            str(each.completed_at_unix_ms - each.started_at_unix_ms),
            each.principal,
            _cell(each.selector or each.page_url),
        ]
        for each in log.entries
    ]
    return print_table(["ACTION", "OUTCOME", "MS", "BY", "ON"], rows)


def tabs(listed: "answers.Tabs", as_json: bool) -> None:
    if as_json:
        return _answer(listed)
    rows = [["*" if each.active else "", each.tab_id, _cell(each.title), _cell(each.url)] for each in listed.tabs]
    return print_table(["", "TAB", "TITLE", "URL"], rows)


def tab(answer: "answers.BrowserAnswer", shown: "answers.Tab | None", as_json: bool) -> None:
    if as_json or shown is None:
        return _answer(answer)
    return print_facts({"tab": shown.tab_id, "url": shown.url, "title": shown.title})


def evaluated(done: "answers.Evaluated", as_json: bool) -> None:
    return _answer(done) if as_json else print_json(json.loads(done.value_json or "null"))


def cookies(kept: "answers.Cookies", as_json: bool) -> None:
    if as_json:
        return _answer(kept)
    rows = [
        [_cell(each.get("domain")), _cell(each.get("path")), _cell(each.get("name")), _expiry(each)]
        for each in kept.cookies
    ]
    return print_table(["DOMAIN", "PATH", "NAME", "EXPIRES"], rows)


def loaded(done: "answers.StorageStateSet", as_json: bool) -> None:
    if as_json:
        return _answer(done)
    return typer.echo(f"{done.cookies_set} cookies, {done.origins_set} origins")


def kept(state: "answers.StorageState", as_json: bool) -> None:
    """What was written to a file: how much, for the values are secrets."""
    counts = {name: len(state.storage_state.get(name, [])) for name in ("cookies", "origins")}
    if as_json:
        return print_json(counts)
    return typer.echo(f"{counts['cookies']} cookies, {counts['origins']} origins")


def _answer(answer: "answers.BrowserAnswer") -> None:
    print_json(answer.model_dump(mode="json"))


def _lines(text: str) -> None:
    for line in text.split("\n"):
        typer.echo(printable(line.replace("\t", "  ")))


def _cell(value: Any) -> str:
    text = str(value or "-")
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"


def _place(entry: dict[str, Any]) -> str:
    source = entry.get("source") or entry.get("page_url") or "-"
    line = entry.get("line", -1)
    return _cell(f"{source}:{line}" if line >= 0 else source)


def _outcome(entry: dict[str, Any]) -> str:
    if entry.get("blocked"):
        return f"blocked ({_cell(entry.get('blocked_reason'))})"
    return _cell(entry.get("error_text")) if entry.get("failed") else str(entry.get("status_code") or "-")


def _expiry(cookie: dict[str, Any]) -> str:
    expires = cookie.get("expires", -1)
    return "with the browser" if expires == -1 else str(int(expires))
