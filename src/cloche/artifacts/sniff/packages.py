"""What a zip archive is in truth: an office document, a book, a program, a package, or an archive. Pure."""

from typing import Final

from cloche.artifacts.reasons import Reason
from cloche.artifacts.sniff.content import Budget, Content, Look, content
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
    if directory.start != 0:
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
    by_name = {entry.name.lower(): entry for entry in directory.entries}
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
    reasons = set()
    if any(mark in f"/{name}" for name in by_name for mark in _OBJECTS) or _reaches_out(sample, directory, by_name):
        reasons.add(Reason.ACTIVE_CONTENT)
    has_macros = any(mark in f"/{name}" for name in by_name for mark in _MACROS)
    if has_macros:
        reasons.add(Reason.MACRO)
    for folder, plain, with_macros in _OFFICE:
        if any(name.startswith(folder) for name in by_name):
            return with_macros if has_macros else plain, reasons
    return "zip", reasons


def _reaches_out(sample: Sample, directory: Directory, by_name: dict[str, Entry]) -> bool:
    """Whether it takes a template or an object from elsewhere when it is opened, which may have macros."""
    for name in ("word/_rels/settings.xml.rels", "word/_rels/document.xml.rels", "ppt/_rels/presentation.xml.rels"):
        if name in by_name:
            text = member_of(sample, directory, by_name[name]).read(_RELATIONS_BYTES)
            if b'"External"' in text and any(kind in text for kind in (b"/attachedTemplate", b"/oleObject", b"/frame")):
                return True
    return False


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
