import base64
import os
import sys
from pathlib import Path

import pytest

from cloche.errors import InvalidError
from cloche.vault import keyring
from cloche.vault.keyring import KeySource, LiveKeyring, new_data_key
from cloche.vault.keys import StateKey

FIRST, SECOND = (base64.b64encode(letter * 32).decode() for letter in (b"a", b"b"))


def test_data_keys_are_new_each_time() -> None:
    assert len(new_data_key()) == 32
    assert new_data_key() != new_data_key()


def test_without_a_source_there_is_no_key() -> None:
    assert KeySource().read() is None
    assert not KeySource().is_given


def test_the_setting_itself_may_hold_the_key() -> None:
    ring = KeySource(text=FIRST).read()
    assert ring is not None and ring.key_id == StateKey.parse(FIRST).id


def test_a_file_holds_the_key_in_force_and_earlier_ones(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"# since March\n{SECOND}\n\n{FIRST}\n")
    ring = KeySource(file=file).read()
    assert ring is not None
    assert ring.key_id == StateKey.parse(SECOND).id
    assert ring.earlier_ids == (StateKey.parse(FIRST).id,)


def test_a_command_prints_what_would_stand_in_a_file() -> None:
    ring = KeySource(command=f"{sys.executable} -c 'print(\"{FIRST}\")'").read()
    assert ring is not None and ring.key_id == StateKey.parse(FIRST).id


def test_a_command_finds_nothing_of_the_daemons_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOCHE_STATE_KEY", SECOND)
    seen = tmp_path / "seen"
    script = tmp_path / "tool.py"
    script.write_text(f"import os\nopen({str(seen)!r}, 'w').write(repr(dict(os.environ)))\nprint({FIRST!r})\n")
    assert KeySource(command=f"{sys.executable} {script}").read() is not None
    assert SECOND not in seen.read_text()
    assert os.environ["CLOCHE_STATE_KEY"] == SECOND


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("", "empty"),
        ("'", "quotes"),
        ("/does/not/exist", "could not be started"),
        ("false", "exit code 1"),
        ("true", "there are 0"),
        ("echo nonsense!", "must be base64"),
        (f"{sys.executable} -c 'print(\"a\" * 100_000)'", "too large"),
    ],
)
def test_a_command_that_prints_no_key_is_refused(command: str, says: str) -> None:
    with pytest.raises(InvalidError, match=says) as refused:
        KeySource(command=command).read()
    assert refused.value.fields["field"] == "CLOCHE_STATE_KEY_COMMAND"


def test_a_command_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "COMMAND_TIMEOUT_S", 0.05)
    with pytest.raises(InvalidError, match="in time"):
        KeySource(command="sleep 60").read()


@pytest.mark.parametrize("content", ["", "nonsense", f"{FIRST}\nnonsense", "\n".join([FIRST] * 65), "é" * 10])
def test_a_file_of_anything_else_is_refused_without_repeating_it(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key"
    file.write_text(content)
    with pytest.raises(InvalidError) as refused:
        KeySource(file=file).read()
    assert refused.value.fields["field"] == "CLOCHE_STATE_KEY_FILE"
    assert FIRST not in refused.value.detail


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="cannot be read"):
        KeySource(file=tmp_path / "none").read()


def test_two_sources_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="set one of"):
        KeySource(text=FIRST, file=tmp_path / "key").read()


def test_no_text_shows_a_source() -> None:
    assert FIRST not in repr(KeySource(text=FIRST))


async def test_a_rotated_key_is_read_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(FIRST)
    live = await LiveKeyring.open(KeySource(file=file))
    assert live.current is not None and live.current.key_id == StateKey.parse(FIRST).id
    file.write_text(f"{SECOND}\n{FIRST}")
    await live.reload()
    assert live.current.key_id == StateKey.parse(SECOND).id


async def test_what_an_old_key_keeps_still_opens_when_the_new_file_leaves_it_out(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(FIRST)
    live = await LiveKeyring.open(KeySource(file=file))
    assert live.current is not None
    wrapped = live.current.wrap(bytes(32), b"")
    file.write_text(SECOND)
    await live.reload()
    assert live.current.key_id == StateKey.parse(SECOND).id
    assert live.current.unwrap(wrapped, b"") == bytes(32)
    file.write_text(FIRST)
    await live.reload()
    assert (live.current.key_id, live.current.earlier_ids) == (StateKey.parse(FIRST).id, (StateKey.parse(SECOND).id,))


async def test_a_source_that_is_spoilt_leaves_the_keys_in_force(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(FIRST)
    live = await LiveKeyring.open(KeySource(file=file))
    file.write_text("nonsense")
    with pytest.raises(InvalidError):
        await live.reload()
    assert live.current is not None and live.current.key_id == StateKey.parse(FIRST).id
