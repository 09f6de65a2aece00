"""What did not get into an archive, or not as it was, told in a few lines."""

from typing import Final

from cloche.agent.machine.archives.names import shown

_MAX_BYTES: Final = 48 * 1024
"""A comment in a zip is shorter than 64 KiB."""


class Notes:
    """Lines, the first that come; how many are left out is said in the last."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._bytes = self._left_out = 0

    def skipped(self, path: bytes, reason: str) -> None:
        self.add(f"skipped: {shown(path)}: {reason}")

    def changed(self, path: bytes, reason: str) -> None:
        self.add(f"changed: {shown(path)}: {reason}")

    def add(self, line: str) -> None:
        size = len(line.encode()) + 1
        if self._bytes + size > _MAX_BYTES:
            self._left_out += 1
            return
        self._bytes += size
        self._lines.append(line)

    def lines(self, most: int) -> list[str]:
        """At most so many lines, the one about those left out among them."""
        if len(self._lines) <= most and not self._left_out:
            return self._lines
        kept = self._lines[: most - 1]
        return [*kept, f"and {len(self._lines) - len(kept) + self._left_out} more"]

    def text(self) -> bytes:
        """Empty if there is nothing to tell."""
        return "\n".join(self.lines(len(self._lines) + 1)).encode()
