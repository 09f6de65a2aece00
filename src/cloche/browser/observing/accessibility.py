"""Chromium's accessibility tree: kept for the documents whose roles and names are asked for, but for huge ones."""

from typing import Final

from cloche.browser.contract.common import Failure
from cloche.browser.devtools.errors import DevToolsError
from cloche.browser.frame import Frame, told

MAX_ELEMENTS: Final = 12_000
"""Building the tree takes 20 to 25 µs for each element at first, and memory as long as it is kept."""


async def is_kept(frame: Frame, deadline: float) -> bool:
    """See that Chromium keeps the tree of the document that is shown; False for one that is too large for that.

    CDP Accessibility.enable alone does nothing yet: the tree is kept for a document from the first question about it
    on. Without it each reading of `computedRole` builds a tree of its own. `tab.accessibility` has the names of the
    documents whose trees are kept.

    Raises: ActionError.
    """
    kept = frame.tab.accessibility
    if int(await frame.run("size", {"most": MAX_ELEMENTS}, deadline)) > MAX_ELEMENTS:
        if frame.document in kept:  # it has grown since
            _let_go(frame)
        return False
    document = frame.document
    if document in kept:
        return True
    try:
        frame.session.notify("Accessibility.enable")
        await frame.session.call("Accessibility.getRootAXNode", {"frameId": frame.id}, deadline=deadline)
    except DevToolsError as error:
        # A tree that takes too long to build must not hold the page up from here on.
        _let_go(frame)
        failure = told(error)
        if failure.code is Failure.BROWSER_FAILED:  # another document since, or none that can be asked
            return False
        raise failure from None
    if frame.document == document:
        kept &= {other.document for other in frame.tab.frames.values()}  # others' trees went with them
        kept.add(document)
    return frame.document == document


def _let_go(frame: Frame) -> None:
    """The trees of all documents in this one's process go; they come back when they are asked for."""
    kept = frame.tab.accessibility
    kept -= {other.document for other in frame.tab.frames.values() if other.session is frame.session}
    kept.discard(frame.session.id)
    frame.session.notify("Accessibility.disable")
