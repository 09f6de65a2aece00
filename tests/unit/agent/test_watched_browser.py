import resource
import subprocess
from collections.abc import Callable

from cloche.agent.loop import Event, Loop
from cloche.agent.watched_browser import watch_browser

PATIENCE_S = 5.0


def run(find: Callable[[], int | None], until: Callable[[list[str]], bool], seen: list[str]) -> None:
    """Watch until `until` holds for what was seen; it is asked whenever `find` is, and after each end."""

    async def main() -> None:
        looked = Event(loop)

        def look() -> int | None:
            looked.pulse()
            return find()

        def ended() -> None:
            seen.append("ended")
            looked.pulse()

        loop.spawn(watch_browser(loop, look, ended, look_s=0.001), "watch")
        while not until(seen):
            await looked.next()

    failures: list[str] = []
    loop = Loop(lambda name, error: failures.append(f"{name}: {error!r}"))
    loop.run(main())
    assert not failures


def test_each_end_is_told_once_and_the_next_browser_is_found() -> None:
    seen: list[str] = []

    def find() -> int | None:
        """One browser after the other; each is killed as soon as it is named."""
        if len(seen) == len(browsers):
            return None
        browsers[len(seen)].kill()
        return browsers[len(seen)].pid

    browsers = [subprocess.Popen(["sleep", "1000"]) for _ in range(2)]
    try:
        run(find, lambda seen: len(seen) == 2, seen)
    finally:
        for browser in browsers:
            browser.kill()
            browser.wait()
    assert seen == ["ended", "ended"]


def test_nothing_is_told_while_there_is_no_browser() -> None:
    looks: list[None] = []

    def find() -> int | None:
        looks.append(None)
        return None

    seen: list[str] = []
    run(find, lambda _: len(looks) == 3, seen)
    assert seen == []


def test_one_that_has_ended_since_it_was_named_is_told() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    seen: list[str] = []
    run(lambda: gone.pid, bool, seen)
    assert seen == ["ended"]


def test_without_a_descriptor_to_spare_nothing_is_told_and_it_is_tried_again() -> None:
    seen: list[str] = []
    looks: list[None] = []
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def find() -> int | None:
        looks.append(None)
        # None can be opened any more, until it is looked for the third time.
        resource.setrlimit(resource.RLIMIT_NOFILE, (3 if len(looks) < 3 else soft, hard))
        return gone.pid if len(looks) == 3 else alive.pid

    gone = subprocess.Popen(["true"])
    gone.wait()
    alive = subprocess.Popen(["sleep", "1000"])
    try:
        run(find, bool, seen)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        alive.kill()
        alive.wait()
    assert (len(looks), seen) == (3, ["ended"])
