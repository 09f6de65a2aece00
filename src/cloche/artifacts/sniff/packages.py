"""What a zip archive is in truth: an office document, a book, a program, a package, or an archive. Pure."""

import re
from typing import Final

from cloche.artifacts.reasons import Reason
from cloche.artifacts.sniff.content import MAX_PEEKS, Budget, Content, Look, content
from cloche.artifacts.sniff.members import look_among
from cloche.artifacts.sniff.sample import Sample
from cloche.artifacts.sniff.zips import Directory, Entry, is_told_twice_alike, member_of, read_directory
from cloche.artifacts.types import BY_NAME

_MIMETYPE_BYTES: Final = 128
_RELATIONS_BYTES: Final = 32 << 10
_OFFICE: Final = (("word/", "docx", "docm"), ("xl/", "xlsx", "xlsm"), ("ppt/", "pptx", "pptm"))
_MACROS: Final = ("vbaproject.bin", "vbadata.xml", "/macrosheets/", "vbaprojectsignature.bin")
_BOOK_SCRIPTS: Final = (".js", ".mjs")
_OBJECTS: Final = ("/activex/", "oleobject")
_OLE: Final = b"\xd0\xcf\x11\xe0"
_MOST_RELATIONS: Final = 64
_PARTS: Final = "[content_types].xml"
_MACRO_PARTS: Final = re.compile(rb"vbaProject|macroEnabled|macrosheet|keyMapCustomizations", re.IGNORECASE)
_OBJECT_PARTS: Final = re.compile(rb"activeX\+xml|oleObject", re.IGNORECASE)
_REACHES_OUT: Final = re.compile(rb"/(?:attachedTemplate|oleObject|frame|subDocument)\b", re.IGNORECASE)
_EXTERNAL: Final = re.compile(rb"TargetMode\s{0,16}=\s{0,16}[\"']External", re.IGNORECASE)
_FIELD: Final = re.compile(rb"instrText[^>]{0,256}>([^<]{0,256})|w:instr\s{0,16}=\s{0,16}[\"']([^\"']{0,256})")
_DDE_FIELD: Final = re.compile(rb"\bDDE(?:AUTO)?\b", re.IGNORECASE)
_CHARACTER: Final = re.compile(rb"&#(?:x0{0,8}([0-9a-f]{1,2})|0{0,8}([0-9]{1,3}));", re.IGNORECASE)
_BY_MIMETYPE: Final = {
    media_type: one.name
    for one in BY_NAME.values()
    if one.name in ("odt", "ods", "odp", "odg", "epub")
    for media_type in (one.media_type, f"{one.media_type}-template")
}


def zip_content(sample: Sample, budget: Budget, look: Look) -> Content:
    directory = read_directory(sample)
    if directory is None:
        return content("zip", Reason.ARCHIVE_NOT_INSPECTED)
    name, reasons = _kind(sample, directory)
    reasons |= _of_directory(sample, directory, budget)
    entries = directory.entries
    if name == "epub":
        # Books have scripts as pages have; they are no programs.
        entries = tuple(entry for entry in entries if not entry.name.lower().endswith(_BOOK_SCRIPTS))
        if len(entries) < len(directory.entries):
            reasons.add(Reason.ACTIVE_CONTENT)
    reasons |= look_among((member_of(sample, directory, entry) for entry in entries), budget, look)
    return content(name, *reasons)


def _of_directory(sample: Sample, directory: Directory, budget: Budget) -> set[Reason]:
    found = set()
    entries = directory.entries
    if not directory.is_complete:
        found.add(Reason.ARCHIVE_NOT_INSPECTED)
    if any(entry.is_encrypted for entry in entries):
        found.add(Reason.ARCHIVE_ENCRYPTED)
    if _is_bomb(sample, entries, budget):
        found.add(Reason.ARCHIVE_BOMB)
    if directory.start != 0 or not directory.is_last:
        found.add(Reason.POLYGLOT)
    if not all(is_told_twice_alike(sample, directory, entry) for entry in entries):
        found.add(Reason.POLYGLOT)
    return found


def _is_bomb(sample: Sample, entries: tuple[Entry, ...], budget: Budget) -> bool:
    size, packed = sum(entry.size for entry in entries), sum(entry.packed for entry in entries)
    if packed > sample.size:
        return True  # members that share their bytes
    return size > budget.free_bytes and size > budget.max_ratio * max(sample.size, 1)


def _kind(sample: Sample, directory: Directory) -> tuple[str, set[Reason]]:
    by_name = {entry.name.lower().replace("\\", "/"): entry for entry in directory.entries}
    if "[content_types].xml" in by_name:
        return _office(sample, directory, by_name)
    if "mimetype" in by_name:
        return _open_document(sample, directory, by_name)
    return _package(by_name), set()


def _office(sample: Sample, directory: Directory, by_name: dict[str, Entry]) -> tuple[str, set[Reason]]:
    if any(
        name in by_name
        for name in ("appxmanifest.xml", "appxmetadata/appxbundlemanifest.xml", "extension.vsixmanifest")
    ):
        return "appx", set()
    if any(name.endswith(".nuspec") for name in by_name):
        return "appx", set()
    reasons = _of_parts(sample, directory, by_name) | _of_relations(sample, directory, by_name)
    if any(mark in f"/{name}" for name in by_name for mark in _OBJECTS):
        reasons.add(Reason.ACTIVE_CONTENT)
    if any(mark in f"/{name}" for name in by_name for mark in _MACROS):
        reasons.add(Reason.MACRO)
    has_macros = Reason.MACRO in reasons
    for folder, plain, with_macros in _OFFICE:
        if any(name.startswith(folder) for name in by_name):
            return with_macros if has_macros else plain, reasons
    return "zip", reasons


def _of_parts(sample: Sample, directory: Directory, by_name: dict[str, Entry]) -> set[Reason]:
    """Office goes by the types of parts, and by their bytes, whatever they are called."""
    told = _xml(sample, directory, by_name[_PARTS])
    if told is None:
        return {Reason.NOT_INSPECTED}
    reasons = {Reason.MACRO} if _MACRO_PARTS.search(told) else set()
    others = [entry for name, entry in by_name.items() if not any(mark in f"/{name}" for mark in _MACROS)]
    is_object = bool(_OBJECT_PARTS.search(told)) or any(
        member_of(sample, directory, entry).read(len(_OLE)) == _OLE for entry in others[:MAX_PEEKS]
    )
    return reasons | {Reason.ACTIVE_CONTENT} if is_object else reasons


def _of_relations(sample: Sample, directory: Directory, by_name: dict[str, Entry]) -> set[Reason]:
    """Whether it takes a template or an object from elsewhere when it is opened, which may have macros, or starts
    something to fill in a field."""
    relations = [name for name in by_name if name.endswith(".rels")]
    if len(relations) > _MOST_RELATIONS:
        relations.sort(key=lambda name: ("slide" in name or "sheet" in name, name))
    for name in relations[:_MOST_RELATIONS]:
        text = _xml(sample, directory, by_name[name])
        if text is None:
            # Hardly any document but one with a template of its own has the first.
            if name.endswith("settings.xml.rels"):
                return {Reason.NOT_INSPECTED}
        elif _EXTERNAL.search(text) and _REACHES_OUT.search(text):
            return {Reason.ACTIVE_CONTENT}
    links = [name for name in by_name if name.startswith("xl/externallinks/") and name.endswith(".xml")]
    if any(b"ddeLink" in (_xml(sample, directory, by_name[name]) or b"") for name in links[:_MOST_RELATIONS]):
        return {Reason.ACTIVE_CONTENT}
    if len(links) > _MOST_RELATIONS:
        return {Reason.NOT_INSPECTED}
    if "word/document.xml" in by_name:
        # One field may be in several runs: what they say is put together.
        fields = _FIELD.findall(_xml(sample, directory, by_name["word/document.xml"]) or b"")
        if _DDE_FIELD.search(b"".join(one or other for one, other in fields)):
            return {Reason.ACTIVE_CONTENT}
    return set()


def _xml(sample: Sample, directory: Directory, entry: Entry) -> bytes | None:
    """A part's beginning, in one encoding and without what spells characters otherwise. None: it was not sampled."""
    data = member_of(sample, directory, entry).read(_RELATIONS_BYTES)
    if not data:
        return None if entry.size else b""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in data[:4]:
        data = data.replace(b"\x00", b"")  # UTF-16: what matters here is ASCII
    return _CHARACTER.sub(_resolved, data)


def _resolved(match: re.Match[bytes]) -> bytes:
    code = int(match[1], 16) if match[1] else int(match[2])
    return bytes((code,)) if code < 0x80 else b" "


def _open_document(sample: Sample, directory: Directory, by_name: dict[str, Entry]) -> tuple[str, set[Reason]]:
    said = member_of(sample, directory, by_name["mimetype"]).read(_MIMETYPE_BYTES).decode("ascii", "replace").strip()
    kind = _BY_MIMETYPE.get(said, "zip")
    has_macros = kind != "epub" and any(name.startswith(("basic/", "scripts/")) for name in by_name)
    return kind, {Reason.MACRO} if has_macros else set()


def _package(by_name: dict[str, Entry]) -> str:
    if "androidmanifest.xml" in by_name or "base/manifest/androidmanifest.xml" in by_name:
        return "apk"
    if any(name.startswith("payload/") and ".app/" in name for name in by_name):
        return "ipa"
    if "install.rdf" in by_name or {"manifest.json", "meta-inf/manifest.mf"} <= by_name.keys():
        return "xpi"
    if "meta-inf/manifest.mf" in by_name and any(name.endswith(".class") for name in by_name):
        return "jar"
    if any(name.endswith(".dist-info/wheel") for name in by_name):
        return "wheel"
    return "zip"
