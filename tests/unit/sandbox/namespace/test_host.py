from pathlib import Path

from cloche.sandbox.namespace.host import first_closed


def test_the_outermost_directory_that_is_closed_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a").chmod(0o700)
    closed = first_closed(inner)
    assert closed is not None
    # The test's own directory may lie below one that is closed already.
    assert closed == tmp_path / "a" or closed in tmp_path.parents


def test_a_way_that_is_open_or_not_there_yet_is_fine() -> None:
    assert first_closed(Path("/usr/lib")) is None
    assert first_closed(Path("/usr/nothing/here")) is None
