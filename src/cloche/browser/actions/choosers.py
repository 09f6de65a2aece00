"""File choosers of the system, which nobody could answer over DevTools: kept from opening while an action goes on."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from cloche.browser.devtools.session import TargetSession
from cloche.browser.tab import Tab


@contextmanager
def kept_from_opening(tab: Tab, sessions: Iterable[TargetSession]) -> Iterator[None]:
    """Have `Page.fileChooserOpened` told instead, of inputs too that are not in the document.

    The page sees a choice that was cancelled. What a person clicks opens its chooser as ever. `sessions`: of the
    processes whose frames are acted on; actions within each other, or at the same time, count as one.
    """
    held: Counter[str] = tab.notes.setdefault("choosers", Counter())
    unique = {session.id: session for session in sessions}
    for session in unique.values():
        held[session.id] += 1
        if held[session.id] == 1:
            session.notify("Page.setInterceptFileChooserDialog", {"enabled": True})
    try:
        yield
    finally:
        for session in unique.values():
            held[session.id] -= 1
            if not held[session.id]:
                del held[session.id]
                session.notify("Page.setInterceptFileChooserDialog", {"enabled": False})
