"""Types of what DevTools sends, held to what is true of every honest browser. Pure.

An event with more in it is not understood, and so is not kept: names would fill the daemon's memory, and numbers would
not fit in the answers that they are for.
"""

from typing import Annotated

import msgspec

Id = Annotated[str, msgspec.Meta(max_length=256)]
"""Of a target, session, frame, loader or request; Chromium's have 32 characters or fewer, workers' some more."""
Whole = Annotated[int, msgspec.Meta(ge=-(1 << 53), le=1 << 53)]
Number = Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]
