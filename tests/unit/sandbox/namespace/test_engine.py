from pathlib import Path

import pytest

from cloche.errors import StartError
from cloche.sandbox.namespace.engine import find_browser


def test_links_are_followed_to_where_the_data_files_lie(tmp_path: Path) -> None:
    real = tmp_path / "chrome-linux" / "chrome"
    real.parent.mkdir()
    real.write_text("")
    real.chmod(0o755)
    (tmp_path / "link").symlink_to(real)
    found = find_browser(tmp_path / "link")
    assert (found.directory, found.path_inside) == (real.parent, "/opt/chromium/chrome")


@pytest.mark.skipif(not Path("/usr/lib/chromium/chromium-headless-shell").exists(), reason="needs Debian's package")
def test_debians_wrapper_leads_to_the_program_itself() -> None:
    found = find_browser(Path("/usr/bin/chromium-headless-shell"))
    assert found.executable == Path("/usr/lib/chromium/chromium-headless-shell")


@pytest.mark.parametrize("path", ["/nonexistent", "/usr/bin/env", "/usr/bin"])
def test_what_is_absent_or_would_bind_a_shared_directory_is_missing(path: str) -> None:
    with pytest.raises(StartError) as raised:
        find_browser(Path(path))
    assert raised.value.reason == "chromium_missing"


def test_a_file_without_the_bit_is_not_executable(tmp_path: Path) -> None:
    (tmp_path / "chrome").write_text("")
    with pytest.raises(StartError) as raised:
        find_browser(tmp_path / "chrome")
    assert raised.value.reason == "chromium_not_executable"
