"""A low limit on inotify instances is a warning."""

from cloche.daemon.doctor import inotify


def test_a_low_limit_on_inotify_is_a_warning() -> None:
    assert inotify.judge(128, 64).ok is None
    assert inotify.judge(1024, 64).ok is True
