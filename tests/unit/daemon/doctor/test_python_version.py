"""Python older than 3.11 is refused."""

import pytest

from cloche.daemon.doctor import python_version


@pytest.mark.parametrize(("version", "ok"), [((3, 10, 9), False), ((3, 11, 0), True), ((3, 14, 1), True)])
def test_python_older_than_3_11_is_refused(version: tuple[int, int, int], ok: bool) -> None:
    assert python_version.judge(version).ok is ok
