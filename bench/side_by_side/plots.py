"""Plots as small SVG files: no scripts, no fonts of their own, the same bytes for the same figures."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pygal
from pygal import PluginImportFixer
from pygal.style import Style

from side_by_side.results import Results

COLOURS: Final = ("#3b6ea8", "#d98032", "#5b9a5b", "#b5494d", "#7d6aa8", "#8a7157", "#5f9ea0")
# The library's finder of map plugins, which we have none of, has every later import of the process warn (Python 3.11).
sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, PluginImportFixer)]

MOST_POINTS: Final = 60
"""On a line: a reader sees no more."""


@dataclass(frozen=True, slots=True)
class Plot:
    """What a picture shows, and its bytes once somebody wants them."""

    title: str
    render: Callable[[], str]


def stacked(results: Results, case: str, labels: Mapping[str, str], unit: str) -> Plot:
    """Bars for adapters, their stages one after the other: medians, whose sum is not quite the total's median."""
    names = [name for name in results.peers if any(results.samples(name, case, metric) for metric in labels)]
    title = f"{case}, {unit}"

    def render() -> str:
        chart = pygal.HorizontalStackedBar(title=title, height=110 + 42 * len(names), **_look())
        chart.x_labels = [results.peers[name].title for name in reversed(names)]
        for metric, label in labels.items():
            chart.add(label, [_p50(results, name, case, metric) for name in reversed(names)])
        return _svg(chart)

    return Plot(title, render)


def percentiles(results: Results, case: str, metric: str, unit: str) -> Plot:
    """Three bars for each adapter: p50, p95, p99."""
    found = {name: results.samples(name, case, metric) for name in results.peers}
    groups = {
        f"p{percent}": {name: samples.percentile(percent) for name, samples in found.items() if samples}
        for percent in (50, 95, 99)
    }
    return bars(results, f"{metric}, {unit}", groups)


def bars(results: Results, title: str, groups: Mapping[str, Mapping[str, float | None]]) -> Plot:
    """Bars for adapters, one of each colour for each group (`awake`, `asleep` …)."""
    names = [name for name in results.peers if any(group.get(name) is not None for group in groups.values())]

    def render() -> str:
        chart = pygal.HorizontalBar(title=title, height=110 + 26 * len(names) * len(groups), **_look())
        chart.x_labels = [results.peers[name].title for name in reversed(names)]
        for label, values in groups.items():
            chart.add(label, [_kept(values.get(name)) for name in reversed(names)])
        return _svg(chart)

    return Plot(title, render)


def lines(title: str, x: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> Plot:
    def render() -> str:
        chart = pygal.XY(title=title, x_title=x, height=360, dots_size=2, **_look())
        for label, points in series.items():
            chart.add(label, [(_kept(a), _kept(b)) for a, b in _thinned(points, MOST_POINTS)])
        return _svg(chart)

    return Plot(title, render)


def _svg(chart: Any) -> str:
    """Without the script in which the library leaves its settings to another script that is not there."""
    return re.sub(r"<script.*?</script>", "", str(chart.render(is_unicode=True)), flags=re.DOTALL)


def _look() -> dict[str, Any]:
    style = Style(
        background="white",
        plot_background="white",
        font_family="sans-serif",
        colors=COLOURS,
        title_font_size=16,
        label_font_size=12,
        major_label_font_size=12,
        legend_font_size=12,
        value_font_size=11,
        opacity="1",
    )
    return {
        "style": style,
        "js": [],  # the library's own would be fetched from a public server
        "no_prefix": True,  # its random id would make every rendering differ
        "disable_xml_declaration": True,
        "width": 860,
        "margin": 12,
        "legend_at_bottom": True,
        "print_values": False,
        "show_minor_x_labels": False,
        "truncate_legend": -1,
        "truncate_label": -1,
    }


def _p50(results: Results, name: str, case: str, metric: str) -> float | None:
    samples = results.samples(name, case, metric)
    return _kept(samples.p50) if samples else None


def _kept(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _thinned(values: Sequence[Any], most: int) -> list[Any]:
    step = -(-len(values) // most) or 1
    return list(values[::step])
