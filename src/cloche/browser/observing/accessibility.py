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
    on. Without it each reading of `computedRole` builds a tree of its own.

    Raises: ActionError.
    """
    kept = frame.tab.accessibility
    if int(await frame.run("size", {}, deadline)) > MAX_ELEMENTS:
        if frame.document in kept:
            # It has grown since. The tree of other documents in its process goes too, and comes back when asked for.
            kept -= {other.document for other in frame.tab.frames.values() if other.session is frame.session}
            frame.session.notify("Accessibility.disable")
        return False
    document = frame.document
    if document in kept:
        return True
    try:
        frame.session.notify("Accessibility.enable")
        await frame.session.call("Accessibility.getRootAXNode", {"frameId": frame.id}, deadline=deadline)
    except DevToolsError as error:
        failure = told(error)
        if failure.code is Failure.BROWSER_FAILED:  # another document since, or none that can be asked
            return False
        raise failure from None
    if frame.document == document:
        # Those of documents that are gone are let go with them.
        kept &= {other.document for other in frame.tab.frames.values()}
        kept.add(document)
    return frame.document == document
