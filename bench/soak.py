"""Use Cloche for a while, and say what grew.

Sessions are created, driven over real pages of the local web, put to sleep, woken, crashed and ended, several at once,
in batches; between batches, when none lives, everything that could be left behind is counted. Early on the daemon is
killed over its sessions, half of them asleep, and started again; what is the daemon's own is judged
in its last life.

Ends with 1 when something grew by more than its limit and its noise, with 2 when only deeds failed.
"""

import argparse
import asyncio
import itertools
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import running
from cloche.testing.daemon import DaemonProcess
from cloche.testing.daemon_facts import metric
from cloche.testing.surroundings import own_surroundings
from figures import facts
from side_by_side.results import Peer, Results
from side_by_side.world import World
from soaking.deeds import DEEDS, Deed, Stage, daemon_killed, plain
from soaking.readings import take
from soaking.report import BEGAN, GREW, READINGS, SESSIONS, WHO, done_table, grown, growth_table, growths

DEED_S = 180.0
SETTLE_S = 1.5
FULL_S = 60.0
KILLED = "daemon killed"
# A pool that is used, and always of one size: what waits in it is no growth.
SETTINGS = {"log_level": "info", "pool_size": "2", "pool_max": "2"}


class Soak:
    """One run over one daemon; what it finds goes into the results."""

    def __init__(self, stage: Stage, options: argparse.Namespace, results: Results) -> None:
        self.stage = stage
        self.options = options
        self.results = results
        self._deeds = _endless(options)
        self._until = time.monotonic() + float(options.minutes) * 60
        self._readings = 0

    async def run(self) -> None:
        self._daemon_begins()
        await self._read()
        kills = 0 if self.options.plain else self.options.daemon_kills
        for number in itertools.count():
            await self._batch()
            if number < kills:
                await self._do(KILLED, daemon_killed)
                self._daemon_begins()
            await self._read()
            if self._is_over() and number >= kills:
                return

    def _daemon_begins(self) -> None:
        self.results.add(WHO, READINGS, BEGAN, self._readings, "")

    def _is_over(self) -> bool:
        if self.options.sessions:
            return self.stage.ended >= int(self.options.sessions)
        return time.monotonic() >= self._until

    async def _batch(self) -> None:
        """So many deeds, some at once."""
        todo = iter([next(self._deeds) for _ in range(self.options.batch)])

        async def work() -> None:
            for name, deed in todo:
                await self._do(name, deed)

        await asyncio.gather(*(work() for _ in range(self.options.at_once)))

    async def _do(self, name: str, deed: Deed) -> None:
        self.results.tried(WHO, name)
        try:
            async with asyncio.timeout(DEED_S):
                await deed(self.stage)
        except Exception as error:
            self.results.failed(WHO, name, error)
            print(f"soak: {name} failed: {error!r}"[:400], file=sys.stderr)

    async def _read(self) -> None:
        await self._settle()
        found = {SESSIONS: float(self.stage.ended)} | await take(self.stage.daemon)
        for kind, value in found.items():
            self.results.add(WHO, READINGS, kind, value, "")
        self._readings += 1
        print(
            f"soak: {self.stage.ended} ended, RSS {found['RSS, MiB']:.1f} MiB, {found['descriptors']:.0f} descriptors, "
            f"{found['asyncio tasks']:.0f} tasks, {found['processes']:.0f} processes",
            file=sys.stderr,
        )

    async def _settle(self) -> None:
        """What failed may have left sessions: they are ended, so that what stays is a leak. Then a moment's rest."""
        listed = await self.stage.daemon.request("GET", "/v1/sessions?limit=200")
        for session in listed.json["sessions"]:
            if session["status"] not in ("closed", "failed"):
                await self.stage.end(session)
        deadline = time.monotonic() + FULL_S
        while await self._is_busy() and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLE_S)

    async def _is_busy(self) -> bool:
        """Whether sandboxes still end, or a warm pool still fills."""
        daemon = self.stage.daemon
        wanted = await metric(daemon, "cloche_pool_wanted")
        asleep = await metric(daemon, "cloche_pool_ready", state="asleep")
        return asleep < wanted or len(list(daemon.run_dir.glob("ses_*"))) > wanted


def _endless(options: argparse.Namespace) -> "itertools.cycle[tuple[str, Deed]]":
    """All deeds by their weights: first one of each, then in an order that is the same for every run."""
    if options.plain:
        return itertools.cycle([("plain", plain)])
    once = [(name, deed) for name, (deed, _) in DEEDS.items()]
    more = [(name, deed) for name, (deed, weight) in DEEDS.items() for _ in range(weight - 1)]
    random.Random(7).shuffle(more)
    return itertools.cycle([*once, *more])


async def soak(options: argparse.Namespace) -> int:
    settings = dict(pair.split("=", 1) for pair in options.setting)
    chosen = {"at_once": options.at_once, "batch": options.batch, "plain": options.plain}
    results = Results("soak", facts(), chosen)
    began = time.monotonic()
    async with World() as world, DaemonProcess(**(SETTINGS | settings)) as daemon:
        run = Soak(Stage(daemon, world, options.sleepers), options, results)
        await run.run()
    results.options["minutes"] = round((time.monotonic() - began) / 60, 1)
    results.options["sessions"] = run.stage.ended
    results.peers[WHO] = Peer("Cloche", "")
    found = growths(results)
    grew = grown(found)
    for kind in grew:
        results.add(WHO, GREW, kind, 1.0, "")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "soak.json").write_text(results.to_json())
    print(f"{run.stage.ended} sessions ended in {results.options['minutes']} minutes.\n")
    print(f"{done_table(results)}\n\n{growth_table(found)}")
    if grew:
        print(f"\nGrew: {', '.join(grew)}")
        return 1
    return 2 if any(each.failed for each in results.failures.values()) else 0


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/soak", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--sessions", type=int, default=0, help="until so many have ended, however long it takes")
    parser.add_argument("--plain", action="store_true", help="only create and close")
    parser.add_argument("--at-once", type=int, default=4, help="deeds at once")
    parser.add_argument("--batch", type=int, default=48, help="deeds between two readings")
    parser.add_argument("--daemon-kills", type=int, default=2, help="one after each of the first batches")
    parser.add_argument("--sleepers", type=int, default=8, help="sessions that it is killed over, half of them asleep")
    parser.add_argument("--setting", action="append", default=[], metavar="NAME=VALUE", help="of the daemon")
    parser.add_argument("--out", type=Path, help="directory for the readings, such as bench/results")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    # A temporary directory and control groups of its own: what is found there is ours.
    with own_surroundings():
        return running.run(soak(options))


if __name__ == "__main__":
    sys.exit(main())
