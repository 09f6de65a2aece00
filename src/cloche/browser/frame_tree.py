"""Which frames of a page are in which. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloche.browser.frame import Frame


def in_order(main: "Frame", frames: Mapping[str, "Frame"]) -> "list[Frame]":
    """The main frame, then each frame's children in the order in which they came, depth first."""
    children: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames.values():
        children[frame.parent_id].append(frame)
    order, stack, seen = [], [main], {main.id}
    while stack:
        frame = stack.pop()
        order.append(frame)
        for child in reversed(children[frame.id]):
            if child.id not in seen:
                seen.add(child.id)
                stack.append(child)
    return order


def ids_within(frame: "Frame", frames: Mapping[str, "Frame"]) -> set[str]:
    """Of the frames in a frame, at whatever depth."""
    within = {frame.id}
    while grown := {one.id for one in frames.values() if one.parent_id in within and one.id not in within}:
        within |= grown
    return within - {frame.id}
