"""`cloche profile` and `cloche artifact` as a person runs them, against the served API."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloche.artifacts.model import ArtifactState
from cloche.testing.api import RunningApi, running_api
from cloche.testing.command_line import Outcome, cloche

PASSPHRASE = "long enough, größer"
STATE = {"cookies": [], "origins": [{"origin": "https://a.test", "localStorage": [{"name": "k", "value": "v"}]}]}


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


class Typist:
    def __init__(self, api: RunningApi) -> None:
        self._api = api

    async def __call__(self, *arguments: str, key: str | None = None, **environment: str) -> Outcome:
        server: dict[str, Any] = {"CLOCHE_URL": self._api.url, "CLOCHE_KEY": key or self._api.user_key}
        return await cloche(*arguments, **(server | environment))


@pytest.fixture
def typed(api: RunningApi) -> Typist:
    return Typist(api)


def facts(outcome: Outcome) -> dict[str, str]:
    assert outcome.code == 0, outcome.err
    return dict(line.split(maxsplit=1) for line in outcome.out.splitlines())


async def test_a_profile_is_made_listed_carried_and_deleted(typed: Typist, tmp_path: Path) -> None:
    state, words, export = tmp_path / "state.json", tmp_path / "words", tmp_path / "work.cloche-profile"
    state.write_text(json.dumps(STATE))
    words.write_text(PASSPHRASE + "\n")
    id_ = facts(await typed("profile", "create", "work", "--color", "red"))["id"]
    assert facts(await typed("profile", "storage-state", id_, "--set", str(state)))["revision"] == "1"
    kept, renamed, active, revisions, unknown, written = await asyncio.gather(
        typed("profile", "storage-state", id_),
        typed("profile", "rename", id_, "home"),
        typed("profile", "activate", id_, "--json"),
        typed("profile", "revisions", id_, "--json"),
        typed("profile", "show", "prf_none"),
        typed("profile", "export", id_, "-o", str(export), CLOCHE_PASSPHRASE=PASSPHRASE),
    )
    assert kept.json["origins"] == STATE["origins"] and facts(renamed)["name"] == "home"
    assert active.json["active"] and [each["revision"] for each in revisions.json] == [1]
    assert (unknown.code, unknown.err.endswith("[invalid_request]\n")) == (1, True)
    assert written.code == 0 and stat.S_IMODE(export.stat().st_mode) == 0o600
    taken, silent, fork = await asyncio.gather(
        typed("profile", "import", str(export), "--name", "again", "--passphrase-file", str(words), "--json"),
        typed("profile", "import", str(export), "--name", "again"),
        typed("profile", "fork", id_, "copy", "--json"),
    )
    assert (taken.json["name"], taken.json["revision"], fork.json["name"]) == ("again", 1, "copy")
    assert silent.code == 1 and "CLOCHE_PASSPHRASE" in silent.err
    table, listed, deleted, denied = await asyncio.gather(
        typed("profile", "list"),
        typed("profile", "list", "--limit", "2", "--json"),
        typed("profile", "delete", fork.json["id"]),
        typed("profile", "rekey"),
    )
    assert "again" in table.out and len(listed.json) == 2
    assert deleted.out == f"{fork.json['id']} deleted\n"
    assert denied.code == 1 and denied.err.endswith("[denied]\n")


async def test_a_session_starts_from_a_profile_and_is_saved(typed: Typist, api: RunningApi) -> None:
    id_ = (await typed("profile", "create", "work", "--json")).json["id"]
    options = ("--profile", id_, "--save", "--form", "storage_state", "--downloads", "off")
    made, refused, rekeyed = await asyncio.gather(
        typed("session", "create", *options),
        typed("session", "create", "--save"),
        typed("profile", "rekey", key=api.admin_key),
    )
    shown = facts(made)
    assert shown["profile"] == f"{id_} from revision 0, saves back" and shown["downloads"] == "off"
    assert refused.code == 2 and "--profile" in refused.err
    assert facts(rekeyed)["rewrapped"] == "1"
    assert (await typed("profile", "save", shown["id"], "--json")).json["revision"] == 1


async def test_files_are_listed_fetched_released_and_handed_in(typed: Typist, api: RunningApi, tmp_path: Path) -> None:
    bad = api.artifacts.add(b"MZ", state=ArtifactState.QUARANTINED, reasons=("executable",), file_name="a\x1b[31m.exe")
    source, target = tmp_path / "ü.csv", tmp_path / "target"
    source.write_bytes(b"a,b\n")
    table, listed, shown, refused, made = await asyncio.gather(
        typed("artifact", "list"),
        typed("artifact", "list", "--state", "quarantined", "--json"),
        typed("artifact", "show", bad.id),
        typed("artifact", "get", bad.id, "-o", str(target)),
        typed("artifact", "upload", str(source), "--type", "text/csv", "--json"),
    )
    assert "quarantined" in table.out and "\x1b" not in table.out
    assert [each["id"] for each in listed.json] == [bad.id] and facts(shown)["reasons"] == "executable"
    assert refused.code == 1 and refused.err.endswith("[denied]\n") and not target.exists()
    assert (made.json["file_name"], made.json["declared_type"]) == ("ü.csv", "text/csv")
    forbidden, fetched, released = await asyncio.gather(
        typed("artifact", "release", bad.id),
        typed("artifact", "get", bad.id, "-o", str(target), "--quarantined", key=api.admin_key),
        typed("artifact", "release", bad.id, "--json", key=api.admin_key),
    )
    assert forbidden.code == 1 and fetched.code == 0 and target.read_bytes() == b"MZ"
    assert released.json["state"] == "released"
    own = await typed("artifact", "get", bad.id)
    assert own.code == 1 and "--output" in own.err
    deleted = await typed("artifact", "delete", bad.id, made.json["id"])
    assert deleted.out == f"{bad.id} deleted\n{made.json['id']} deleted\n"
