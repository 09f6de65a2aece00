"""What a scenario is made of."""

import argparse
from collections.abc import Sequence
from typing import Protocol, TypeAlias

from side_by_side.adapters.adapter import Adapter
from side_by_side.plots import Plot
from side_by_side.results import Results

Options: TypeAlias = argparse._ArgumentGroup


class Section(Protocol):
    """What a report makes of kept results."""

    name: str
    title: str

    def render(self, results: Results) -> str:
        """Markdown, with how it was measured."""

    def draw(self, results: Results) -> dict[str, Plot]:
        """Plots by name."""


class Scenario(Section, Protocol):
    is_about_creating: bool
    """Otherwise adapters that differ only in how a session comes to be are not run, unless they are named."""

    def add_options(self, parser: Options) -> None:
        """Options of its own; their names are the scenario's alone."""

    def options(self, chosen: argparse.Namespace) -> dict[str, int]:
        """Those that say how large it is, by name: they stand beside its figures."""

    def at_once(self, chosen: argparse.Namespace) -> int:
        """The most sessions that it has live at once."""

    async def run(self, adapters: Sequence[Adapter], results: Results) -> None:
        """Measure. What fails is counted; only what makes the whole senseless is raised."""
