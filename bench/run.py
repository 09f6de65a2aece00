"""Cloche beside other ways to a browser, by the same client, in the same run, in turns.

`bench/run` runs every scenario with everything that is installed, and prints what it found. `bench/run lifecycle wake
--adapter raw --adapter cloche-cold` runs two of them with two. Each scenario's figures go into a file of `--out` as
soon as they are there, so that scenarios can be run one at a time. `bench/run --report` runs nothing: it makes the
page of docs and its plots anew from the files of `--out`.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import running
from figures import facts
from processes import stolen_s
from side_by_side.adapters.adapter import Adapter
from side_by_side.adapters.every import ADAPTERS, choose
from side_by_side.report import draw, markdown, put_between, write_plots
from side_by_side.results import Peer, Results, load, told
from side_by_side.scenarios.every import SCENARIOS
from side_by_side.scenarios.scenario import Scenario, Section
from side_by_side.world import PEERS, ROOT, World
from soaking.report import SoakPage

KEPT: Final = ROOT / "bench/results"
OUT: Final = ROOT / ".cloche/bench"
PAGE: Final = ROOT / "docs/reference/performance.md"
PLOTS: Final = "plots"
SECTIONS: Final[tuple[Section, ...]] = (*SCENARIOS, SoakPage())


async def run(scenario: Scenario, options: argparse.Namespace) -> Results:
    """One scenario with every adapter that is asked for and is here."""
    results = Results(scenario.name, facts(), scenario.options(options))
    settings = dict(pair.split("=", 1) for pair in options.setting)
    began, stolen = time.monotonic(), stolen_s()
    async with World(options.client, scenario.at_once(options), settings, options.peers.resolve()) as world:
        adapters, results.skipped = choose(options.adapter, world)
        if not options.adapter and not scenario.is_about_creating:
            adapters = [adapter for adapter in adapters if adapter.same_as is None]
        async with AsyncExitStack() as stack:
            await scenario.run(await started(adapters, results, stack), results)
    took_s = time.monotonic() - began
    results.made_on["stolen"] = f"{(stolen_s() - stolen) / took_s / int(results.made_on['cores']):.1%}"
    results.made_on["took"] = f"{took_s / 60:.1f} min"
    if options.client != "cdp":
        results.made_on["client"] = options.client
    return results


async def started(adapters: Sequence[Adapter], results: Results, stack: AsyncExitStack) -> list[Adapter]:
    """Those that could be started; why the others could not stands in the results."""
    able = []
    for adapter in adapters:
        try:
            await stack.enter_async_context(adapter)
            results.peers[adapter.name] = Peer(adapter.title, adapter.note, adapter.version(), adapter.is_remote)
            able.append(adapter)
        except Exception as error:
            results.broken[adapter.name] = told(error)
            print(f"{adapter.name} did not start: {error}"[:600], file=sys.stderr)
    return able


def report(directory: Path, page: Path) -> None:
    """Make the page's part and its plots anew."""
    found = load(directory)
    if not found:
        raise SystemExit(f"bench/run: no figures in {directory}")
    page.write_text(put_between(page.read_text(), markdown(found, SECTIONS, PLOTS)))
    write_plots(draw(found, SECTIONS), page.parent / PLOTS)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    names = [scenario.name for scenario in SCENARIOS]
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("scenario", nargs="*", help=f"of {', '.join(names)}; default: all")
    parser.add_argument("--adapter", action="append", default=[], choices=[each.name for each in ADAPTERS])
    parser.add_argument("--client", choices=["cdp", "playwright"], default="cdp", help="what drives the browsers")
    parser.add_argument("--setting", action="append", default=[], metavar="NAME=VALUE", help="of Cloche's daemon")
    parser.add_argument("--peers", type=Path, default=PEERS, help="where peers are installed")
    parser.add_argument("--out", type=Path, help=f"directory for figures; default {OUT.relative_to(ROOT)}")
    parser.add_argument("--report", action="store_true", help="make the page from --out, default bench/results")
    parser.add_argument("--page", type=Path, default=PAGE, help="that page")
    for scenario in SCENARIOS:
        scenario.add_options(parser.add_argument_group(scenario.name, scenario.title))
    options = parser.parse_args(arguments)
    if unknown := set(options.scenario) - set(names):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    if wrong := [pair for pair in options.setting if "=" not in pair]:
        parser.error(f"--setting wants NAME=VALUE: {', '.join(wrong)}")
    return options


async def measure(options: argparse.Namespace) -> None:
    out: Path = options.out or OUT
    out.mkdir(parents=True, exist_ok=True)
    found = {}
    for scenario in SCENARIOS:
        if not options.scenario or scenario.name in options.scenario:
            print(f"bench/run: {scenario.name} …", file=sys.stderr)
            results = found[scenario.name] = await run(scenario, options)
            (out / f"{scenario.name}.json").write_text(results.to_json())
    text = markdown(found, SECTIONS, PLOTS)
    (out / "report.md").write_text(text)
    write_plots(draw(load(out), SECTIONS), out / PLOTS)
    print(text)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    if options.report:
        report(options.out or KEPT, options.page)
    else:
        running.run(measure(options))


if __name__ == "__main__":
    main()
