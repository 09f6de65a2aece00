"""The verdict for every history, and the sampling on the real loop with loads that are handed to it."""

import time
from collections.abc import Callable, Coroutine, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.activity import CALM_SAMPLES, CALM_SHARE, Activity, Verdict
from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop
from cloche.wire.messages import WorkerStatus

THRESHOLD = 0.1
CALM = THRESHOLD * CALM_SHARE

Count = tuple[str, int]
Sample = tuple[str, float | None]

counts = st.tuples(st.just("count"), st.integers(0, 3))
samples = st.tuples(
    st.just("sample"), st.none() | st.sampled_from([0.0, CALM / 2, CALM, 0.07, THRESHOLD, 2.0]) | st.floats(0, 1)
)
histories = st.lists(counts | samples, max_size=30)


def judged(history: list[Count | Sample]) -> Verdict:
    """The verdict after a history, one event a second from second 0 on."""
    verdict = Verdict(THRESHOLD)
    for now, (kind, value) in enumerate(history):
        verdict.count(value, now) if kind == "count" else verdict.sample(value, now)
    return verdict


def inside_after(history: list[Count | Sample]) -> int:
    return next((value for kind, value in reversed(history) if kind == "count"), 0)


def expected(history: list[Count | Sample]) -> WorkerStatus:
    """What the status must be, from the whole history at once and by the words of the rule."""
    if inside_after(history):
        return WorkerStatus.BUSY
    taken = [value for kind, value in history if kind == "sample"]
    if taken and taken[-1] is None:
        return WorkerStatus.UNKNOWN
    stirred = [
        at
        for at, (kind, value) in enumerate(history)
        if inside_after(history[: at + 1]) or (kind == "sample" and value is not None and value >= THRESHOLD)
    ]
    if not stirred:
        return WorkerStatus.IDLE
    since = [value for kind, value in history[stirred[-1] + 1 :] if kind == "sample"]
    calm = "".join("c" if value is not None and value < CALM else "." for value in since)
    return WorkerStatus.IDLE if "c" * CALM_SAMPLES in calm else WorkerStatus.BUSY


@given(histories)
def test_the_status_follows_from_the_history(history: list[Count | Sample]) -> None:
    assert judged(history).status == expected(history)


@given(histories)
def test_it_never_flaps(history: list[Count | Sample]) -> None:
    """Between becoming busy and being idle again lie at least the calm samples; nothing else ends a busy time."""
    statuses = [judged(history[:end]).status for end in range(len(history) + 1)]
    for end, (before, after) in enumerate(pairwise(statuses), 1):
        if (before, after) == (WorkerStatus.BUSY, WorkerStatus.IDLE):
            last = [value for kind, value in history[:end] if kind == "sample"][-CALM_SAMPLES:]
            assert len(last) == CALM_SAMPLES
            assert all(value is not None and value < CALM for value in last)


@given(histories, st.integers(0, 100))
def test_last_busy_is_the_last_moment_at_which_it_was(history: list[Count | Sample], later: int) -> None:
    now = len(history) - 1 + later
    was_busy = [
        at for at in range(len(history)) if judged(history[: at + 1]).status == WorkerStatus.BUSY
    ]  # and so until the next event
    until = now if was_busy and was_busy[-1] == len(history) - 1 else was_busy[-1] + 1 if was_busy else None
    assert judged(history).last_busy_at(now) == until


def test_load_between_calm_and_the_threshold_neither_makes_busy_nor_idle() -> None:
    between = ("sample", 0.07)
    assert judged([between] * 5).status == WorkerStatus.IDLE
    assert judged([("sample", 1.0), *[between] * 5]).status == WorkerStatus.BUSY


FAILURES: list[str] = []


@pytest.fixture(autouse=True)
def no_task_fails() -> Iterator[None]:
    FAILURES.clear()
    yield
    assert not FAILURES


class Rig:
    """An activity on a real loop that samples as fast as it can; `loads` are what it is told, then nothing in use."""

    def __init__(self, *loads: float | None) -> None:
        self.loop = Loop(lambda name, error: FAILURES.append(f"{name}: {error!r}"))
        self.loads = [0.0, *loads]  # the first is that of the time before it began
        self.sampled = Event(self.loop)
        self.asked = 0
        self.activity = Activity(
            self.loop, Log("error"), threshold=THRESHOLD, interval_s=0.0, processors_used=self._used
        )

    def _used(self) -> float | None:
        self.asked += 1
        self.sampled.pulse()
        return self.loads.pop(0) if self.loads else 0.0

    async def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 5
        while not holds():
            await self.sampled.next(deadline)
            await self.loop.sleep(0)  # what was measured is only now being judged

    def run(self, main: Callable[[], Coroutine[object, object, None]]) -> None:
        async def all_of_it() -> None:
            sampling = self.loop.spawn(self.activity.run(), "activity")
            await main()
            await self.loop.stop(sampling)

        self.loop.run(all_of_it())


def test_a_new_worker_is_idle_and_was_never_busy() -> None:
    activity = Rig().activity
    assert activity.status() == "idle"
    assert activity.last_busy_at() is None


def test_load_makes_it_busy_at_once_and_two_calm_samples_make_it_idle() -> None:
    rig = Rig(1.5)

    async def main() -> None:
        await rig.until(lambda: rig.activity.status() == "busy")
        busy_from = rig.asked
        await rig.until(lambda: rig.activity.status() == "idle")
        assert rig.asked == busy_from + CALM_SAMPLES

    rig.run(main)


def test_load_that_cannot_be_read_is_unknown_unless_somebody_is_inside() -> None:
    rig = Rig(*[None] * 100)

    async def main() -> None:
        await rig.until(lambda: rig.activity.status() == "unknown")
        rig.activity.host_says(1, 0)
        assert rig.activity.status() == "busy"
        rig.activity.host_says(0, 0)
        assert rig.activity.status() == "unknown"
        with rig.activity.acting():
            assert rig.activity.status() == "busy"

    rig.run(main)


@pytest.mark.parametrize(("clients", "actions"), [(1, 0), (0, 1), (3, 2)])
def test_the_hosts_word_makes_it_busy_at_once(clients: int, actions: int) -> None:
    activity = Rig().activity
    activity.host_says(clients, actions)
    assert activity.status() == "busy"


def test_last_busy_is_told_as_utc_to_the_second() -> None:
    activity = Rig().activity
    before = int(time.time())
    with activity.acting():
        told = activity.last_busy_at()
    assert told is not None
    stamps = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in range(before, int(time.time()) + 1)]
    assert told in stamps


def test_acting_ends_also_when_it_fails_and_waiters_hear_of_the_last_one() -> None:
    rig = Rig()
    left: list[int] = []

    async def main() -> None:
        async def act(release: Event) -> None:
            with pytest.raises(ValueError, match="no"), rig.activity.acting():
                await release.wait()
                raise ValueError("no")

        async def wait() -> None:
            left.append(await rig.activity.work_done(time.monotonic() + 5))

        releases = [Event(rig.loop), Event(rig.loop)]
        acting = [rig.loop.spawn(act(release), "acting") for release in releases]
        await rig.loop.sleep(0)
        waiting = rig.loop.spawn(wait(), "waiting")
        assert await rig.activity.work_done(time.monotonic()) == 2
        releases[0].set()
        await acting[0].done.wait()
        assert not left
        releases[1].set()
        await waiting.done.wait()
        assert left == [0]

    rig.run(main)


def test_a_restart_forgets_what_was_measured_and_said_and_begins_a_whole_interval_anew() -> None:
    rig = Rig(1.5)

    async def main() -> None:
        await rig.until(lambda: rig.activity.status() == "busy")
        rig.activity.host_says(2, 2)
        rig.loads = [9.9]  # from the time before the restart: asked for once, and thrown away
        asked = rig.asked
        rig.activity.restart()
        assert rig.activity.status() == "idle"
        assert rig.activity.last_busy_at() is None
        await rig.until(lambda: rig.asked == asked + 1)
        await rig.until(lambda: rig.asked == asked + 2)
        assert rig.activity.status() == "idle"
        assert rig.activity.last_busy_at() is None

    rig.run(main)


def test_what_still_acts_stays_busy_over_a_restart() -> None:
    activity = Rig().activity
    with activity.acting():
        activity.restart()
        assert activity.status() == "busy"
