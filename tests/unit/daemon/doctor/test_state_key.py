import base64
from dataclasses import replace
from pathlib import Path

import pytest

from cloche.daemon.doctor import state_key
from cloche.daemon.doctor.check import DoctorSettings
from cloche.vault.keyring import KeySource

KEY = base64.b64encode(b"k" * 32).decode()


def test_without_a_key_it_says_what_is_missing_and_how_to_make_one(settings: DoctorSettings) -> None:
    result = state_key.check(settings)
    assert result.ok is None
    assert "no profiles" in result.found and "openssl rand -base64 32" in result.mend


def test_a_key_is_told_by_its_id_alone(settings: DoctorSettings) -> None:
    result = state_key.check(replace(settings, state_key=KeySource(text=KEY)))
    assert result.ok is True
    assert KEY not in repr(result)


def test_a_key_that_is_none_is_bad(settings: DoctorSettings) -> None:
    result = state_key.check(replace(settings, state_key=KeySource(text="short")))
    assert result.ok is False
    assert "CLOCHE_STATE_KEY" in result.found


@pytest.mark.parametrize(("mode", "ok"), [(0o600, True), (0o640, None), (0o604, None)])
def test_a_file_that_others_may_read_is_told(settings: DoctorSettings, tmp_path: Path, mode: int, ok: bool) -> None:
    file = tmp_path / "state.key"
    file.write_text(KEY)
    file.chmod(mode)
    result = state_key.check(replace(settings, state_key=KeySource(file=file)))
    assert result.ok is ok
    assert (f"chmod 600 {file}" in result.mend) is (ok is None)
