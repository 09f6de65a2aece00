"""What a link takes, told from losses and REMB: some links, played through second by second."""

from dataclasses import dataclass, field

import pytest

from cloche.live.model import MIN_BITS_PER_SECOND
from cloche.live.webrtc.rate import WARM_UP_S, Rate

WANTED = 3_000_000.0
"""What the encoder makes where nobody says less."""


@dataclass
class Link:
    """Takes `capacity`; what is more waits, up to a second's worth, and is then lost. The viewer's REMB is Chromium's:
    it begins at 300 kbit/s, grows by 8 % a second up to one and a half times of what comes, and falls to 85 % of that
    when a queue forms."""

    capacity: float
    rate: Rate = field(default_factory=lambda: Rate(0.0))
    now_s: float = 0.0
    queue: float = 0.0
    remb: float = 300_000.0

    def second(self, wanted: float = WANTED) -> int | None:
        self.now_s += 1
        limit = self.rate.bits_per_second
        sent = wanted if limit is None else min(wanted, float(limit))
        waiting = self.queue + sent
        came = min(waiting, self.capacity)
        self.queue = min(waiting - came, self.capacity)
        lost = max(0.0, waiting - came - self.capacity)
        if self.queue > 0:
            self.remb = 0.85 * came
        else:
            self.remb = max(self.remb, min(self.remb * 1.08, 1.5 * came + 10_000))
        self.rate.sent(sent)
        self.rate.report(
            fraction_lost=lost / max(sent, 1),
            packets=int(sent / 9_000),
            rtt_s=0.03 + self.queue / self.capacity,
            now_s=self.now_s,
        )
        self.rate.remb(self.remb, self.now_s)
        return self.rate.bits_per_second

    def play(self, seconds: int, wanted: float = WANTED) -> list[int | None]:
        return [self.second(wanted) for _ in range(seconds)]


def test_a_link_without_trouble_has_no_limit_although_remb_begins_low() -> None:
    assert set(Link(50_000_000).play(int(WARM_UP_S))) == {None}


def test_a_low_first_remb_does_not_starve_a_good_link() -> None:
    link = Link(50_000_000)
    rates = link.play(60)
    assert all(rate is None or rate >= 0.1 * WANTED for rate in rates)
    assert rates[-1] is None or rates[-1] >= 0.9 * WANTED


def test_a_narrow_link_is_found_and_filled() -> None:
    link = Link(1_000_000)
    link.play(15)
    settled = link.play(60)
    assert all(rate is not None and rate <= 1_500_000 for rate in settled)
    assert sum(rate or 0 for rate in settled) / len(settled) > 500_000


def test_a_link_that_becomes_narrow_is_followed_within_some_seconds() -> None:
    link = Link(50_000_000)
    link.play(30)
    link.capacity = 500_000
    rates = link.play(8)
    assert any(rate is not None and rate <= 600_000 for rate in rates)
    assert link.queue <= link.capacity


def test_a_link_that_becomes_wide_again_is_made_use_of() -> None:
    link = Link(500_000)
    link.play(20)
    link.capacity = 50_000_000
    rates = link.play(60)
    assert rates[-1] is None or rates[-1] >= 0.9 * WANTED


def test_a_still_page_is_no_narrow_link() -> None:
    link = Link(50_000_000)
    assert set(link.play(60, wanted=40_000)) == {None}
    assert link.second() is None


def test_an_estimate_that_nobody_makes_use_of_is_given_up() -> None:
    link = Link(800_000)
    link.play(20)
    assert link.rate.bits_per_second is not None
    link.capacity = 50_000_000
    assert link.play(60, wanted=40_000)[-1] is None


def test_one_lost_packet_of_a_handful_proves_nothing() -> None:
    rate = Rate(0.0)
    rate.sent(40_000)
    rate.report(fraction_lost=0.25, packets=4, rtt_s=0.02, now_s=1.0)
    assert rate.bits_per_second is None


def test_losses_lower_the_rate_and_their_end_raises_it() -> None:
    rate = Rate(0.0)
    rate.sent(2_000_000)
    rate.report(fraction_lost=0.2, packets=200, rtt_s=0.02, now_s=1.0)
    assert rate.bits_per_second == pytest.approx(1_800_000)
    rate.sent(1_800_000)
    rate.report(fraction_lost=0.05, packets=200, rtt_s=0.02, now_s=2.5)
    assert rate.bits_per_second == pytest.approx(1_800_000)
    rate.report(fraction_lost=0.0, packets=200, rtt_s=0.02, now_s=3.5)
    assert (rate.bits_per_second or 0) > 1_800_000


def test_one_bad_second_counts_once() -> None:
    rate = Rate(0.0)
    rate.sent(2_000_000)
    for _ in range(10):
        rate.report(fraction_lost=0.5, packets=200, rtt_s=0.02, now_s=1.0)
    assert rate.bits_per_second == pytest.approx(1_500_000)


def test_it_never_falls_below_the_least() -> None:
    rate = Rate(0.0)
    rate.sent(2_000_000)
    for second in range(1, 40):
        rate.report(fraction_lost=1.0, packets=200, rtt_s=0.02, now_s=float(second))
    assert rate.bits_per_second == MIN_BITS_PER_SECOND


def test_a_remb_of_nothing_is_survived() -> None:
    rate = Rate(0.0)
    rate.sent(2_000_000)
    rate.remb(1_000_000.0, 9.0)
    for second in range(10, 30):
        rate.remb(0.0, float(second))
    assert (rate.bits_per_second or 0) >= MIN_BITS_PER_SECOND


def test_after_a_still_page_a_low_remb_that_grows_does_not_hold_the_video_back() -> None:
    link = Link(50_000_000)
    link.play(60, wanted=40_000)
    assert set(link.play(30)) == {None}
