"""Text that is more than text: pages, pictures, scripts and shortcuts, by how they begin and what they hold. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from cloche.artifacts.reasons import Reason
from cloche.artifacts.sniff.content import Content, content

_BEGINNING_CHARS: Final = 4096

_HTML: Final = re.compile(
    r"<(!doctype\s+html|html|head|script|iframe|h1|div|font|table|a|style|title|body|br|p|img|form|meta|link|svg:svg"
    r"|object|embed|b)[\s>/]",
    re.IGNORECASE,
)
"""What a browser takes for HTML by its first bytes (WHATWG MIME Sniffing, 7.1), and some more."""
_ROOT: Final = re.compile(r"<(?![?!])(?:[\w.-]+:)?([\w.-]+)([^>]{0,2048})")
_ACTIVE: Final = re.compile(
    r"<\s*(?:[\w.-]+:)?(?:script|iframe|frame|embed|object|applet|foreignobject|handler|listener)\b"
    r"|[\s\"'/]on[a-z]{3,24}\s*=|javascript\s*:|vbscript\s*:|data\s*:\s*text/html|<!entity"
    r"|http-equiv\s*=\s*(?:[\"']\s*)?refresh|<hta:application",
    re.IGNORECASE,
)
_TRICKS: Final = re.compile(r"&#(?:x0*([0-9a-f]{1,6})|0*([0-9]{1,7}));?|&(tab|newline|colon);", re.IGNORECASE)
_WINDOW_CHARS: Final = 8192
_OVERLAP_CHARS: Final = 1024
_LONG_GAP: Final = re.compile(r"\s{64,}")
_GAP: Final = " " * 8
_NAMED: Final = {"tab": "\t", "newline": "\n", "colon": ":"}
_SPLITTERS: Final = re.compile(r"(?<![\t\r\n\x00])[\t\r\n\x00]+(?=[a-z:])", re.IGNORECASE)

_SHORTCUTS: Final = re.compile(r"\[(desktop entry|internetshortcut|connection|\{000214a0-)", re.IGNORECASE)
_WINDOWS: Final = re.compile(
    r"(@echo\s+(on|off)\b|windows registry editor version|regedit4\b|\[autorun\]|\[shell\]|<hta:|on error resume next)",
    re.IGNORECASE,
)
_XML_ROOTS: Final = {"svg": "svg", "html": "xhtml", "stylesheet": "xslt", "transform": "xslt", "jnlp": "shortcut"}
_XML_SCRIPTS: Final = frozenset({"job", "scriptlet", "component", "package"})
_OFFICE_XML: Final = re.compile(r"macrosPresent|bin(?:Data|aryData)\b|<w:docSuppData|vbaProject", re.IGNORECASE)
_SCRIPT_URI: Final = "http://www.w3.org/1999/xhtml"
_STYLED: Final = re.compile(r"<\?xml-stylesheet(?![^>]{0,512}text/css)|<!entity", re.IGNORECASE)
"""Makes another document of this one, with scripts in it or with what its text does not show."""
_SYLK: Final = re.compile(r"ID;P[A-Z]")
"""Excel goes by this, not by the name: what is called .csv has formulas and macros then."""
_DDE: Final = re.compile(
    r"""(?:^|[,;\t"'])[ ]{0,8}[=+@-](?:[ ]{0,8}DDE[ ]{0,8}\("""
    r"""|[^\r\n,;\t|"']{0,64}\|(?:[ ]{0,8}'[^\r\n\t|!']{0,128}'!|[^\s|!,;'"]{1,64}![\w'"]))""",
    re.MULTILINE | re.IGNORECASE,
)
"""A cell `=cmd|'/c calc'!A1` starts a program (Dynamic Data Exchange)."""


def text_content(text: str, *, is_whole: bool) -> Content:
    """Say what kind of text it is."""
    beginning = text[:_BEGINNING_CHARS].lstrip("\ufeff \t\r\n\f\v")
    if beginning.startswith("#!"):
        return content("script")
    if beginning[:5].lower() == "<?php" or beginning.startswith(("<?=", "<%@")):
        return content("script")
    if _SHORTCUTS.match(_without_comments(beginning)):
        return content("shortcut")
    if _WINDOWS.match(beginning):
        return content("windows_script")
    if beginning.lower().startswith("mime-version:") and "multipart/related" in text[:_BEGINNING_CHARS].lower():
        return content("mhtml", Reason.ACTIVE_CONTENT)
    if beginning.startswith("<"):
        return _markup(beginning, text, is_whole)
    if beginning.lower().startswith("x-javascript") or beginning.startswith("%!PS"):
        return content("postscript")
    if _SYLK.match(beginning) or starts_programs(text):
        return content("text", Reason.ACTIVE_CONTENT)
    return content("text")


def starts_programs(text: str) -> bool:
    """Whether a spreadsheet program that reads it as a table would be told to start something."""
    # Most tables have neither of what every such cell has, and that is told far quicker.
    if not ("|" in text and "!" in text) and "dde" not in text.lower():
        return False
    return any(_DDE.search(window) for window in _windows(text))


def _without_comments(beginning: str) -> str:
    lines = (line.strip() for line in beginning.splitlines())
    return next((line for line in lines if line and line[0] not in "#;"), "")


def _markup(beginning: str, text: str, is_whole: bool) -> Content:
    opened = _after_comments(beginning)
    is_xml = beginning.startswith("<?xml") or not _HTML.match(opened)
    root = _ROOT.search(opened) if opened.startswith("<") else None
    if not is_xml:
        return content("html", *_active(text))
    if root is None:
        return content("xml" if beginning.startswith("<?xml") else "text")
    name = root[1].lower()
    if name in _XML_SCRIPTS and "<script" in text.lower():
        return content("windows_script")
    kind = _XML_ROOTS.get(name)
    if kind is None:
        return _plain_xml(beginning, text, root)
    if kind == "svg":
        # What is in the middle of a large one was not seen.
        return content("svg", *_active(text), *(() if is_whole else (Reason.NOT_INSPECTED,)))
    return content(kind, *_active(text))


def _plain_xml(beginning: str, text: str, root: re.Match[str]) -> Content:
    if not (beginning.startswith("<?xml") or "xmlns" in root[2] or f"</{root[1]}" in text):
        return content("text")
    reasons = [Reason.MACRO] if "mso-application" in beginning and _OFFICE_XML.search(text) else []
    if _STYLED.search(text):
        reasons.append(Reason.ACTIVE_CONTENT)
    # An element of HTML runs in any XML document that a browser shows.
    plain = _TRICKS.sub(_resolved, text) if "&#" in text else text
    if _SCRIPT_URI in plain or "http://www.w3.org/2000/svg" in plain:
        reasons += _active(text)
    return content("xml", *reasons)


def _after_comments(beginning: str) -> str:
    """Skip declarations, processing instructions and comments, which may stand before the first element."""
    while True:
        beginning = beginning.lstrip()
        if beginning.startswith("<!--"):
            _, _, beginning = beginning.partition("-->")
        elif beginning.startswith("<?"):
            _, _, beginning = beginning.partition(">")
        elif beginning.startswith("<!") and not _HTML.match(beginning):
            _, _, rest = beginning.partition(">")
            # An internal subset has tags of its own.
            beginning = rest if "[" not in beginning[: beginning.find(">")] else rest.partition("]")[2].lstrip(" >")
        else:
            return beginning


def _active(text: str) -> tuple[Reason, ...]:
    # What may be as long as somebody likes is made short first, so that nothing is longer than windows overlap.
    return (Reason.ACTIVE_CONTENT,) if any(map(_acts, _windows(_LONG_GAP.sub(_GAP, text)))) else ()


def _acts(text: str) -> bool:
    plain = _TRICKS.sub(_resolved, text) if "&" in text else text
    return bool(_ACTIVE.search(_SPLITTERS.sub("", plain)) or _ACTIVE.search(plain))


def _windows(text: str) -> Iterator[str]:
    """Yield overlapping parts: while one is searched, nothing else runs in this process, the event loop included."""
    for at in range(0, max(len(text), 1), _WINDOW_CHARS):
        yield text[max(at - _OVERLAP_CHARS, 0) : at + _WINDOW_CHARS]


def _resolved(match: re.Match[str]) -> str:
    if match[3]:
        return _NAMED[match[3].lower()]
    code = int(match[1], 16) if match[1] else int(match[2])
    return chr(code) if 0 < code < 0x80 else " "
