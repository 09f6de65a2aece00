"""A low limit on open files is a warning."""

from cloche.daemon.doctor import descriptors


def test_a_low_limit_on_open_files_is_a_warning_with_the_number_that_would_do() -> None:
    result = descriptors.judge(1024, 64)
    assert result.ok is None
    assert "19456" in result.mend
    assert descriptors.judge(-1, 64).ok is True
