"""A watched directory in both ways of watching: told by the kernel, and looked through."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloche.agent.watch.inotify import Inotify

from .rig import Rig, look, no_inotify

WAYS = pytest.mark.parametrize("way", [Inotify, no_inotify], ids=["inotify", "polling"])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    return root


@pytest.fixture
def rig(root: Path) -> Callable[..., Rig]:
    def build(**options: Any) -> Rig:
        return Rig(root, **options)

    return build


def told_of(rig: Rig, *actions: Callable[[], object]) -> list[str]:
    """What the host is told of these, in words; each is told before the next is done."""
    told: list[str] = []

    async def scenario() -> None:
        await rig.caught_up()
        for action in actions:
            rig.host.events.clear()
            action()
            await rig.caught_up()
            await rig.until(lambda: rig.host.copy == look(rig.root))
            told.extend(line for line in rig.host.short() if ".mark" not in line)
        rig.host.events.clear()
        await rig.agrees()
        told.extend(line for line in rig.host.short() if ".mark" not in line)

    rig.run(scenario)
    return told
