"""A page of what was found: targets, what was compared, a section for each scenario. From the kept results alone."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from figures import table
from side_by_side.plots import Plot
from side_by_side.results import Results
from side_by_side.scenarios.scenario import Section
from side_by_side.targets import judged

BEGIN: Final = "<!-- side by side: what follows is written by `bench/run --report` from bench/results -->"
END: Final = "<!-- side by side: end -->"


def markdown(found: Mapping[str, Results], sections: Sequence[Section], plots: str) -> str:
    """The whole, below a heading of the second level. `plots`: where pictures are, as links begin."""
    parts = ["## Side by side\n", _targets(found), _compared(found)]
    for section in sections:
        if results := found.get(section.name):
            parts.append(section.render(results))
            parts += [f"![{plot.title}]({plots}/{name}.svg)\n" for name, plot in section.draw(results).items()]
            parts.append(f"{_made_on(results)}\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts))


def put_between(page: str, text: str) -> str:
    """The page with the marked part of it made anew. Raises ValueError when its marks are not there, once each."""
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise ValueError("the page does not have its two marks")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{text.strip()}\n\n{END}{after}"


def draw(found: Mapping[str, Results], sections: Sequence[Section]) -> dict[str, Plot]:
    return {
        name: plot
        for section in sections
        if (results := found.get(section.name))
        for name, plot in section.draw(results).items()
    }


def write_plots(plots: Mapping[str, Plot], directory: Path) -> None:
    """Write each, and remove those of scenarios that are no more."""
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("*.svg"):
        if old.stem not in plots:
            old.unlink()
    for name, plot in plots.items():
        (directory / f"{name}.svg").write_text(plot.render() + "\n")


def _targets(found: Mapping[str, Results]) -> str:
    head = ["target", "aim", "measured", ""]
    return f"### Targets\n\n{table(head, judged(found))}\n"


def _compared(found: Mapping[str, Results]) -> str:
    """Everyone who took part in anything, who did not and how they could, and who did not start."""
    lines = ["### What is compared\n"]
    peers = {name: peer for results in found.values() for name, peer in results.peers.items() if peer.note}
    for name, peer in peers.items():
        version = next((r.peers[name].version for r in found.values() if name in r.peers and r.peers[name].version), "")
        lines.append(f"- **{peer.title}**{f' {version}' if version else ''}: {peer.note}.")
    skipped = {name: why for results in found.values() for name, why in results.skipped.items() if name not in peers}
    lines += [f"- `{name}` was not here: {why}" for name, why in skipped.items()]
    lines += [
        f"- `{name}` failed in `{results.scenario}`: `{why.replace('`', '')}`"
        for results in found.values()
        for name, why in results.broken.items()
    ]
    return "\n".join([*lines, ""])


def _made_on(results: Results) -> str:
    on = results.made_on
    sizes = ", ".join(f"{name} {value}" for name, value in results.options.items())
    parts = [
        *(f"{on['cores']} cores ({on['processor']})", on["memory"], on["kernel"], f"Python {on['python']}"),
        *(on["chromium"], f"Playwright {on['playwright']}", f"Cloche at {on['cloche']}", f"load at start {on['load']}"),
        *([f"{on['stolen']} of the processors taken by the host"] if "stolen" in on else []),
        *([f"took {on['took']}"] if "took" in on else []),
        *([f"every browser driven by {on['client']}"] if "client" in on else []),
    ]
    return f"*{', '.join(parts)}; {sizes}.*"
