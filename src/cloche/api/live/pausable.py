"""A subscription that can rest without ending: for connections whose pictures nobody sees for a while."""

import asyncio
from collections.abc import Callable

from cloche.live.model import Chunk, Codec
from cloche.live.watching import StreamEndedError, Subscription


class PausableSubscription(Subscription):
    """While it rests there is none behind it, so that nothing is captured for it. It begins anew with a key frame."""

    def __init__(self, watch: Callable[[], Subscription], codec: Codec, *, resting: bool = False) -> None:
        """`watch`: what opens one; only while none of it is open. It is called at once, unless it begins `resting`."""
        self._watch = watch
        self._inner: Subscription | None = None if resting else watch()
        self.codec = codec
        self._news = asyncio.Event()
        self._is_closed = False
        self._dropped = 0
        self._rate: int | None = None

    async def next(self) -> Chunk:
        while not self._is_closed:
            inner = self._inner
            if inner is None:
                self._news.clear()
                await self._news.wait()
                continue
            try:
                return await inner.next()
            except StreamEndedError:
                if inner is self._inner:
                    raise
        raise StreamEndedError

    def rest(self, resting: bool) -> None:
        """Let it rest, or go on."""
        if self._is_closed or resting == (self._inner is None):
            return
        if resting:
            self._let_go()
        else:
            self._inner = self._watch()
            self._inner.set_rate(self._rate)
        self._news.set()

    def ask_key(self) -> None:
        if self._inner is not None:
            self._inner.ask_key()

    def set_rate(self, bits_per_second: int | None) -> None:
        self._rate = bits_per_second
        if self._inner is not None:
            self._inner.set_rate(bits_per_second)

    def acknowledge(self, seq: int) -> None:
        if self._inner is not None:
            self._inner.acknowledge(seq)

    @property
    def dropped(self) -> int:
        return self._dropped + (0 if self._inner is None else self._inner.dropped)

    def close(self) -> None:
        self._is_closed = True
        self._let_go()
        self._news.set()

    def _let_go(self) -> None:
        inner, self._inner = self._inner, None
        if inner is not None:
            self._dropped += inner.dropped
            inner.close()
