import json
from pathlib import Path

import pytest

from cloche.audit.chain import GENESIS, Tip
from cloche.audit.tip import BadTipError, read_tip, write_tip

KEY = b"k" * 32
TIP = Tip(5, GENESIS, 1)


@pytest.mark.parametrize("durable", [False, True])
def test_what_was_written_last_is_read_and_nobody_else_may_read_it(tmp_path: Path, durable: bool) -> None:
    file = tmp_path / "tip"
    write_tip(file, KEY, Tip(1, GENESIS, 0), durable=durable)
    write_tip(file, KEY, TIP, durable=durable)
    assert read_tip(file, KEY) == TIP
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["tip"]


def test_none_is_none(tmp_path: Path) -> None:
    assert read_tip(tmp_path / "tip", KEY) is None


@pytest.mark.parametrize("name", ["seq", "hash", "segments", "mac"])
def test_a_changed_one_is_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / "tip"
    write_tip(file, KEY, TIP, durable=False)
    tip = json.loads(file.read_text())
    tip[name] = tip[name] + 1 if isinstance(tip[name], int) else "1" * 64
    file.write_text(json.dumps(tip))
    with pytest.raises(BadTipError):
        read_tip(file, KEY)


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b"\xff", b"[" * 5000, b'{"seq": 1e999, "hash": "", "segments": 1}']
)
def test_what_is_no_tip_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "tip").write_bytes(text)
    with pytest.raises(BadTipError):
        read_tip(tmp_path / "tip", KEY)


def test_one_signed_with_another_secret_is_refused(tmp_path: Path) -> None:
    write_tip(tmp_path / "tip", b"x" * 32, TIP, durable=False)
    with pytest.raises(BadTipError):
        read_tip(tmp_path / "tip", KEY)
