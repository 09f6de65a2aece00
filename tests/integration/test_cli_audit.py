"""`cloche audit …` as a person runs it, through a server; `tests/unit/cli/test_audit.py` has what needs none."""

import asyncio
import json
from pathlib import Path

from cloche.testing.api import running_api
from cloche.testing.audit import journal_in
from cloche.testing.command_line import cloche


async def test_the_journal_is_shown_and_exported_through_a_server(tmp_path: Path) -> None:
    exported = tmp_path / "audit.jsonl"
    async with journal_in(tmp_path) as world, running_api(journal=world.journal, audit=world.reader) as api:
        admin = {"CLOCHE_URL": api.url, "CLOCHE_KEY": api.admin_key}
        await world.wrote("session.created", "action.click", session_id="ses_1", data={"text": "\x1b[31m"})
        shown, saved = await asyncio.gather(
            cloche("audit", "tail", "--kind", "action.", **admin),
            cloche("audit", "export", "--output", str(exported), **admin),
        )
        assert "ann action.click ses_1 text=\\u{1b}[31m" in shown.out and "session.created" not in shown.out
        assert saved.code == 0 and exported.stat().st_mode & 0o777 == 0o600
        lines = [json.loads(line) for line in exported.read_text().splitlines()]
        assert [line["kind"] for line in lines] == ["session.created", "action.click", "audit.exported"]
