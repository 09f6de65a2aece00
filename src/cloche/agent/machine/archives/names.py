"""Names in archives, and where links lead: what would get out of the destination does not get in."""

from cloche.agent.machine.archives.limits import MAX_COMPONENT_BYTES, MAX_DEPTH, MAX_NAME_BYTES, bad_archive
from cloche.agent.machine.problem import Problem

Parts = tuple[bytes, ...]


def parts_of(name: bytes) -> Parts:
    """Split a name; `a//b`, `./a/b` and `a/b/` are one and the same. Empty for the directory itself.

    Raises: Problem 400.
    """
    if b"\0" in name:
        raise bad_archive("a name holds a NUL")
    if len(name) > MAX_NAME_BYTES:
        raise bad_archive(f"a name is longer than {MAX_NAME_BYTES} bytes")
    if name.startswith(b"/"):
        raise Problem(400, "absolute_name", f"{shown(name)}: the name is absolute")
    parts = tuple(part for part in name.split(b"/") if part not in (b"", b"."))
    if b".." in parts:
        raise Problem(400, "leaves_destination", f"{shown(name)}: the name leads out of the destination")
    if len(parts) > MAX_DEPTH or any(len(part) > MAX_COMPONENT_BYTES for part in parts):
        raise bad_archive(f"a name goes more than {MAX_DEPTH} directories deep, or has a part that is too long")
    return parts


def check_link(parts: Parts, target: bytes) -> None:
    """Make sure that a link at `parts` stays within the destination, whatever other links stand there.

    `..` may stand only at the target's beginning, where it goes up through real directories. Behind a name, which may
    be that of a link, nobody can tell from the text where it leads to. Raises: Problem 400.
    """
    if not target or b"\0" in target or len(target) > MAX_NAME_BYTES:
        raise bad_archive("a link's target is empty, too long, or holds a NUL")
    steps = [part for part in target.split(b"/") if part not in (b"", b".")]
    ups = next((at for at, part in enumerate(steps) if part != b".."), len(steps))
    if target.startswith(b"/") or ups >= len(parts) or b".." in steps[ups:]:
        raise Problem(400, "link_leaves", f"{shown(b'/'.join(parts))}: the link leads out of the destination")


def duplicate_name(name: bytes) -> Problem:
    return Problem(400, "duplicate_name", f"{shown(name)}: the name stands twice in the archive")


def shown(name: bytes) -> str:
    """A name as it can stand in a sentence: short, on one line, as UTF-8."""
    text = name[:200].decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
