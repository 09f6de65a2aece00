"""What `cloche audit verify` finds on this machine's files, without a daemon."""

import asyncio
import shutil
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from cloche.audit import rows
from cloche.audit.exported import line_of
from cloche.audit.journal import Journal, JournalOptions
from cloche.audit.metrics import JournalMetrics
from cloche.audit.model import AuditFilter, AuditRecord
from cloche.cli.audit import app
from cloche.clock import SystemClock
from cloche.errors import InvalidError
from cloche.storage.database import Database
from cloche.testing.audit import tamper
from cloche.vault.secret_box import derive_key
from cloche.vault.server_secret import load_or_create


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state directory as a daemon leaves it, with an export beside the database."""
    directory = tmp_path_factory.mktemp("state")
    asyncio.run(work(directory))
    return directory


@pytest.fixture
def state(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "state"))


async def work(state_dir: Path) -> None:
    database = await Database.open(f"sqlite:///{state_dir / 'cloche.db'}")
    journal = Journal(
        database,
        SystemClock(),
        mac_key=derive_key(load_or_create(state_dir / "secret"), "audit"),
        tip_file=state_dir / "audit.tip",
        options=JournalOptions(),
        metrics=JournalMetrics(CollectorRegistry()),
    )
    await journal.open()
    for number in range(3):
        journal.note(AuditRecord(kind="a.b", actor="ann", data={"number": number}))
    await journal.close()
    async with database.read() as connection:
        events = await rows.page(connection, AuditFilter(), owner=None, limit=100, after=0)
    (state_dir / "audit.jsonl").write_text("".join(map(line_of, events)))
    await database.close()


def verify(state_dir: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["verify", *arguments], env={"CLOCHE_STATE_DIR": str(state_dir)})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_a_journal_and_its_export_hold(state: Path) -> None:
    export = ("--export", str(state / "audit.jsonl"))
    for arguments in (("--local",), export, ("--local", *export)):
        assert verify(state, *arguments) == (0, "the journal holds: 3 rows, 1 to 3\n")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("update audit_events set actor = 'nobody' where seq = 2", "at row 2: the row was changed"),
        ("delete from audit_events where seq = 3", "at row 3: rows are missing at the end, up to 3"),
    ],
)
def test_a_database_that_was_tampered_with_is_found(state: Path, statement: str, said: str) -> None:
    tamper(state, statement)
    code, output = verify(state, "--local")
    assert code == 1 and said in output


def test_an_export_convicts_a_journal_that_was_written_anew_with_the_secret(state: Path) -> None:
    for name in ("cloche.db", "audit.tip"):
        (state / name).unlink()
    export = (state / "audit.jsonl").read_text()
    asyncio.run(work(state))
    (state / "audit.jsonl").write_text(export)
    assert verify(state, "--local")[0] == 0
    code, output = verify(state, "--local", "--export", str(state / "audit.jsonl"))
    assert (code, output) == (1, "the journal does not hold at row 1: the export has another row here\n")


def test_an_export_that_was_edited_is_found(state: Path) -> None:
    file = state / "audit.jsonl"
    file.write_text(file.read_text().replace('"number":1', '"number":7'))
    for arguments in ((), ("--local",)):
        code, output = verify(state, *arguments, "--export", str(file))
        assert code == 1 and "at row 2: the row was changed" in output


@pytest.mark.parametrize("text", [None, "hello\n"])
def test_a_file_that_is_no_export_or_is_not_there_is_refused(state: Path, text: str | None) -> None:
    if text is not None:
        (state / "x").write_text(text)
    done = CliRunner().invoke(app, ["verify", "--export", str(state / "x")])
    assert isinstance(done.exception, InvalidError)


def test_an_export_without_rows_vouches_for_nothing(state: Path) -> None:
    (state / "audit.jsonl").write_text("")
    done = CliRunner().invoke(app, ["verify", "--export", str(state / "audit.jsonl")])
    assert isinstance(done.exception, InvalidError)
