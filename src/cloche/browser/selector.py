"""Selectors: the text with which an element is named, taken apart for the page's script. Pure.

Parts are joined with ` >> `, each looks inside what the one before found. A part is `engine=body`; without an engine,
`//…`, `(//…` and `..` are XPath, `"Sign in"` is exactly that text, `[ref=abcd12]` is pasted from a snapshot, and all
else is CSS. Texts (`text`, `label`, `placeholder`, `alt`, `title`, `testid`, a role's name) come in forms: `"Save"`
is the whole text, `"save" i` so in any case, `/sav(e|ing)/i` a regular expression; without quotes it is part of the
text, in any case and with any white space between the words. A `testid` is always whole.

CSS and XPath are only checked for balance: the page's own parser has the last word.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cloche.browser.contract.common import MAX_SELECTOR_CHARS, ActionError, Failure

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

MAX_PATTERN_CHARS: Final = 1024
MAX_PARTS: Final = 32
ENGINES: Final = (
    *("css", "text", "role", "xpath", "ref", "label", "placeholder", "alt", "title", "testid"),
    *("nth", "visible", "frame"),
)

_ENGINE: Final = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)=")
_JOINT: Final = ">>"
_REF: Final = re.compile(r"[a-z]{4}[0-9]{1,10}", re.ASCII)
_PASTED_REF: Final = re.compile(r"\[ref=([^\]]*)\]")
_INDEX: Final = re.compile(r"-?[0-9]{1,6}", re.ASCII)
_FLAGS: Final = "gimsuy"
_PAIRS: Final = {"(": ")", "[": "]", "{": "}"}

_ROLE_WORDS: Final = """
alert alertdialog application article banner blockquote button caption cell checkbox code columnheader combobox
complementary contentinfo definition deletion dialog directory document emphasis feed figure form generic grid gridcell
group heading image img insertion link list listbox listitem log main mark marquee math menu menubar menuitem
menuitemcheckbox menuitemradio meter navigation none note option paragraph presentation progressbar radio radiogroup
region row rowgroup rowheader scrollbar search searchbox separator slider spinbutton status strong subscript superscript
switch tab table tablist tabpanel term textbox time timer toolbar tooltip tree treegrid treeitem
"""
ROLES: Final = frozenset(_ROLE_WORDS.split())
"""WAI-ARIA 1.2, with `image` and `mark` of 1.3. Abstract roles are none that an element has."""

_YES_NO: Final = {"true": True, "false": False}
_STATES: Final[dict[str, dict[str, bool | str]]] = {
    "checked": {**_YES_NO, "mixed": "mixed"},
    "pressed": {**_YES_NO, "mixed": "mixed"},
    **{name: {**_YES_NO} for name in ("disabled", "expanded", "selected", "include-hidden")},
}


@dataclass(frozen=True, slots=True)
class Part:
    engine: str
    body: dict[str, Json]
    """What `to_json` says of it besides the engine."""


@dataclass(frozen=True, slots=True)
class Selector:
    parts: tuple[Part, ...]
    text: str

    @property
    def ref(self) -> str | None:
        """The ref, if that is all there is."""
        if len(self.parts) != 1 or self.parts[0].engine != "ref":
            return None
        return str(self.parts[0].body["ref"])

    def to_json(self) -> list[dict[str, Json]]:
        """As the page's script takes it."""
        return [{"engine": part.engine, **part.body} for part in self.parts]


def parse_selector(text: str) -> Selector:
    """Take a selector apart; raise `ActionError` with `invalid_selector` that tells where it goes wrong."""
    if len(text) > MAX_SELECTOR_CHARS:
        raise ActionError(Failure.INVALID_SELECTOR, f"a selector has at most {MAX_SELECTOR_CHARS} characters")
    for at, character in enumerate(text):
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise _invalid(at, "control characters and halves of surrogate pairs are not allowed")
    reader = _Reader(text)
    parts = [_part(reader)]
    while reader.take(_JOINT):
        if len(parts) == MAX_PARTS:
            raise reader.error(f"at most {MAX_PARTS} parts are allowed")
        parts.append(_part(reader))
    return Selector(tuple(parts), text)


def _invalid(at: int, detail: str) -> ActionError:
    return ActionError(Failure.INVALID_SELECTOR, f"at character {at + 1}: {detail}")


class _Reader:
    """A selector's text and how far it has been read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def error(self, detail: str, at: int | None = None) -> ActionError:
        return _invalid(self.at if at is None else at, detail)

    def skip_spaces(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def sees(self, *beginnings: str) -> bool:
        return self.text.startswith(beginnings, self.at)

    def take(self, word: str) -> bool:
        if not self.sees(word):
            return False
        self.at += len(word)
        return True

    def take_match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def until(self, end: str) -> str:
        """Take everything before `end`, or all; without the white space around it."""
        start = self.at
        found = self.text.find(end, start)
        self.at = len(self.text) if found < 0 else found
        return self.text[start : self.at].strip()

    def quoted(self) -> str:
        """Take a quoted text; a backslash takes the meaning from the character after it."""
        start, quote = self.at, self.peek()
        self.at += 1
        characters = []
        while not self.sees(quote):
            self.take("\\")
            if self.at >= len(self.text):
                raise self.error(f"this quote has no closing {quote}", start)
            characters.append(self.text[self.at])
            self.at += 1
        self.at += 1
        return "".join(characters)

    def balanced(self, *, escapes: bool) -> str:
        """Take CSS or XPath up to the next joint outside its quotes and brackets."""
        start = self.at
        open_: list[int] = []
        while self.at < len(self.text) and (open_ or not self.sees(_JOINT)):
            character = self.peek()
            if character in "\"'":
                self._skip_quoted(escapes=escapes)
                continue
            if character == "\\" and escapes:
                self.at += 1
            elif character in _PAIRS:
                open_.append(self.at)
            elif character in _PAIRS.values() and (not open_ or _PAIRS[self.text[open_.pop()]] != character):
                raise self.error(f"this {character} closes nothing")
            self.at += 1
        if open_:
            raise self.error(f"{_PAIRS[self.text[open_[-1]]]} is missing for this", open_[-1])
        self.at = min(self.at, len(self.text))
        return self.text[start : self.at].strip()

    def _skip_quoted(self, *, escapes: bool) -> None:
        if escapes:
            self.quoted()
            return
        end = self.text.find(self.peek(), self.at + 1)
        if end < 0:
            raise self.error(f"this quote has no closing {self.peek()}")
        self.at = end + 1


def _part(reader: _Reader) -> Part:
    reader.skip_spaces()
    start = reader.at
    if pasted := reader.take_match(_PASTED_REF):
        part = Part("ref", _ref(pasted[1], reader, start))
    elif reader.sees("//", "(//", ".."):
        part = Part("xpath", _xpath(reader))
    elif reader.sees('"', "'"):
        part = Part("text", {"match": _match(reader, _JOINT)})
    elif engine := reader.take_match(_ENGINE):
        read = _READERS.get(engine[1])
        if read is None:
            raise reader.error(f"there is no engine {engine[1]!a}; there are {', '.join(ENGINES)}", start)
        reader.skip_spaces()
        part = Part(engine[1], read(reader))
    else:
        part = Part("css", _css(reader))
    reader.skip_spaces()
    if reader.peek() and not reader.sees(_JOINT):
        raise reader.error(f"expected {_JOINT} or the end after {part.engine}")
    return part


def _css(reader: _Reader) -> dict[str, Json]:
    return {"css": _needed(reader, reader.balanced(escapes=True), "a CSS selector")}


def _xpath(reader: _Reader) -> dict[str, Json]:
    return {"xpath": _needed(reader, reader.balanced(escapes=False), "an XPath expression")}


def _needed(reader: _Reader, body: str, what: str) -> str:
    if not body:
        raise reader.error(f"expected {what}")
    return body


def _ref_body(reader: _Reader) -> dict[str, Json]:
    start = reader.at
    return _ref(reader.until(_JOINT), reader, start)


def _ref(ref: str, reader: _Reader, at: int) -> dict[str, Json]:
    if not _REF.fullmatch(ref):
        raise reader.error("expected a ref as snapshots have them: four small letters and a number", at)
    return {"ref": ref}


def _nth(reader: _Reader) -> dict[str, Json]:
    start, index = reader.at, reader.until(_JOINT)
    if not _INDEX.fullmatch(index):
        raise reader.error("expected a whole number: 0 is the first, -1 the last", start)
    return {"index": int(index)}


def _visible(reader: _Reader) -> dict[str, Json]:
    start, answer = reader.at, reader.until(_JOINT)
    if answer not in _YES_NO:
        raise reader.error("expected true or false", start)
    return {"visible": _YES_NO[answer]}


def _text(reader: _Reader) -> dict[str, Json]:
    return {"match": _match(reader, _JOINT)}


def _test_id(reader: _Reader) -> dict[str, Json]:
    match = _match(reader, _JOINT)
    if match.get("exact") is False:  # unquoted: an id is whole, and its case counts
        match |= {"exact": True, "ignore_case": False}
    return {"match": match}


def _match(reader: _Reader, end: str) -> dict[str, Json]:
    """Read how a text is to be compared, up to `end`."""
    if reader.sees('"', "'"):
        text = reader.quoted()
        reader.skip_spaces()
        return {"text": text, "exact": True, "ignore_case": reader.take("i")}
    if reader.sees("/"):
        return _regex(reader)
    text = " ".join(reader.until(end).split())
    return {"text": _needed(reader, text, "a text"), "exact": False, "ignore_case": True}


def _regex(reader: _Reader) -> dict[str, Json]:
    start = reader.at
    reader.at += 1
    in_class = False
    depth = 0
    while in_class or not reader.sees("/"):
        character = reader.peek()
        if not character:
            raise reader.error("this regular expression has no closing /", start)
        if character == "\\":
            reader.at += 1
        elif character in "[]":
            in_class = character == "["
        elif not in_class:
            depth += (character == "(") - (character == ")")
            if depth < 0:
                raise reader.error("this ) closes nothing")
        reader.at += 1
    pattern = reader.text[start + 1 : reader.at]
    if depth or not 0 < len(pattern) <= MAX_PATTERN_CHARS:
        wrong = "lacks a )" if depth else f"needs 1 to {MAX_PATTERN_CHARS} characters"
        raise reader.error(f"this regular expression {wrong}", start)
    reader.at += 1
    return {"pattern": pattern, "flags": _flags(reader)}


def _flags(reader: _Reader) -> str:
    start = reader.at
    while reader.peek().isalpha():
        reader.at += 1
    flags = reader.text[start : reader.at]
    if len(set(flags)) != len(flags) or set(flags) - set(_FLAGS):
        raise reader.error(f"expected flags out of {_FLAGS}, each once", start)
    # With g, RegExp.test goes on where it stopped the last time: every second element would be missed.
    return flags.replace("g", "")


def _role(reader: _Reader) -> dict[str, Json]:
    start = reader.at
    found = reader.take_match(re.compile(r"[A-Za-z]+"))
    role = found[0].lower() if found else ""
    if role not in ROLES:
        raise reader.error("expected an ARIA role such as button, link or textbox", start)
    name: dict[str, Json] | None = None
    states: dict[str, Json] = {}
    while True:
        reader.skip_spaces()
        if not reader.sees("["):
            break
        start = reader.at
        attribute, value = _attribute(reader)
        if attribute in states or (attribute == "name" and name is not None):
            raise reader.error(f"{attribute} is there twice", start)
        if isinstance(value, dict):
            name = value
        else:
            states[attribute] = value
    hidden = states.pop("include-hidden", False)
    return {"role": role, **({"name": name} if name else {}), "states": states, "include_hidden": hidden}


def _attribute(reader: _Reader) -> tuple[str, Json]:
    """Read `[checked]`, `[level=2]`, `[name="Save" i]`."""
    start = reader.at
    found = reader.take_match(re.compile(r"\[\s*([A-Za-z-]+)\s*(=?)\s*"))
    name, has_value = (found[1].lower(), bool(found[2])) if found else ("", False)
    value: Json
    if name == "name" and has_value:
        value = _match(reader, "]")
    elif name == "level" and has_value:
        value = _level(reader)
    elif name in _STATES:
        value = _state(reader, _STATES[name]) if has_value else True
    else:
        known = ", ".join(["name=", "level=", *_STATES])
        raise reader.error(f"expected one of {known} in brackets", start)
    reader.skip_spaces()
    if not reader.take("]"):
        raise reader.error(f"expected ] after {name}")
    return name, value


def _level(reader: _Reader) -> int:
    start, level = reader.at, reader.until("]")
    if not re.fullmatch(r"[1-9][0-9]?", level, re.ASCII):
        raise reader.error("expected a level from 1 to 99", start)
    return int(level)


def _state(reader: _Reader, values: dict[str, bool | str]) -> bool | str:
    start, word = reader.at, reader.until("]")
    word = word.strip("\"'")
    if word not in values:
        raise reader.error(f"expected {', '.join(values)}", start)
    return values[word]


_READERS: Final[dict[str, Callable[[_Reader], dict[str, Json]]]] = {
    "css": _css,
    "frame": _css,
    "xpath": _xpath,
    "ref": _ref_body,
    "nth": _nth,
    "visible": _visible,
    "role": _role,
    "testid": _test_id,
    **dict.fromkeys(("text", "label", "placeholder", "alt", "title"), _text),
}
