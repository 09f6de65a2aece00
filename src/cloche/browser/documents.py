"""Names of documents, of which refs are made: `abcd12` is element 12 of document `abcd`. Pure.

A name is given to one document and never again in a session, so a ref can never mean another element than it did. Each
session counts from a place of its own, so that refs of one say nothing in another.
"""

import re
from typing import Final

from cloche.browser.contract.common import ActionError, Failure

LETTERS: Final = 4
NAMES: Final = 26**LETTERS
REF: Final = re.compile(r"([a-z]{4})([1-9][0-9]{0,7})")


class DocumentNames:
    """Owned by what outlives one browser. `start` is from 0 up to `NAMES`, by chance."""

    def __init__(self, start: int) -> None:
        self._start = start % NAMES
        self._given = 0

    def next(self) -> str:
        """Raises: ActionError when a session has had more documents than there are names."""
        if self._given >= NAMES:
            raise ActionError(Failure.BROWSER_FAILED, "this session has shown too many documents")
        name = _spell((self._start + self._given) % NAMES)
        self._given += 1
        return name

    def was_given(self, name: str) -> bool:
        """Whether some document of this session had the name."""
        return (_read(name) - self._start) % NAMES < self._given


def document_of(ref: str) -> str:
    """The document's name in a ref. Raises: ActionError (`unknown_ref`) for what is none."""
    if not (found := REF.fullmatch(ref)):
        raise ActionError(Failure.UNKNOWN_REF, "this is not a ref from a snapshot")
    return found[1]


def _spell(number: int) -> str:
    letters = []
    for _ in range(LETTERS):
        number, digit = divmod(number, 26)
        letters.append(chr(ord("a") + digit))
    return "".join(reversed(letters))


def _read(name: str) -> int:
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - ord("a")
    return number
