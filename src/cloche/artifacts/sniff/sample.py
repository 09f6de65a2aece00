"""A file's first and last bytes, and how much is between them. Pure."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Sample:
    """Made by `of`, which sets right what does not fit together. A file seen as a whole has no tail."""

    head: bytes
    tail: bytes
    size: int

    @classmethod
    def of(cls, head: bytes, tail: bytes = b"", size: int | None = None) -> Self:
        size = len(head) if size is None else max(size, 0)
        head, tail = head[:size], tail[-size:] if size else b""
        if len(head) + len(tail) >= size:
            return cls(head + tail[len(head) + len(tail) - size :], b"", size)
        return cls(head, tail, size)

    @property
    def is_whole(self) -> bool:
        return len(self.head) == self.size

    @property
    def ending(self) -> bytes:
        """The last bytes there are; empty where the end was not sampled."""
        return self.head if self.is_whole else self.tail

    @property
    def ending_start(self) -> int:
        return self.size - len(self.ending)

    @property
    def pieces(self) -> tuple[bytes, ...]:
        return (self.head, self.tail) if self.tail else (self.head,)

    def read(self, start: int, most: int) -> bytes:
        """Return up to `most` bytes from `start` on, as far as they were sampled in one piece."""
        if start < 0 or most <= 0 or start >= self.size:
            return b""
        if start < len(self.head):
            return self.head[start : start + most]
        start -= self.ending_start
        return self.ending[start : start + most] if start >= 0 else b""
