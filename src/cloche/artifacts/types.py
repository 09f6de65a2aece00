"""The table of types: what files are called, how they are declared, how their bytes begin, and what they may do. Pure.

A type is allowed out when its family is, unless the table says otherwise. `base` is the type it is a special form of:
every JSON file is text, every .docx a zip archive. What needs more than a signature is told apart in `sniff`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cloche.artifacts.reasons import Reason

OCTET_STREAM: Final = "application/octet-stream"

GENERIC_MEDIA_TYPES: Final = frozenset(
    {
        *(
            "",
            "*/*",
            OCTET_STREAM,
            "binary/octet-stream",
            "application/binary",
            "application/unknown",
            "unknown/unknown",
        ),
        *("application/download", "application/x-download", "application/force-download", "application/x-unknown"),
        *("application/x-octet-stream", "application/save", "application/octetstream", "application/x-msdownload"),
    }
)
"""What servers say when they say nothing. The last is also said of any download for Windows."""


class Family(StrEnum):
    TEXT = "text"
    DOCUMENT = "document"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    FONT = "font"
    ARCHIVE = "archive"
    MARKUP = "markup"
    PROGRAM = "program"
    INSTALLER = "installer"
    SCRIPT = "script"
    SHORTCUT = "shortcut"
    DISK = "disk"


_ALLOWED: Final = frozenset(
    {Family.TEXT, Family.DOCUMENT, Family.IMAGE, Family.AUDIO, Family.VIDEO, Family.FONT, Family.ARCHIVE}
)
_DANGERS: Final = {
    Family.PROGRAM: Reason.EXECUTABLE,
    Family.INSTALLER: Reason.EXECUTABLE,
    Family.SCRIPT: Reason.SCRIPT,
    Family.SHORTCUT: Reason.SHORTCUT,
}


@dataclass(frozen=True, slots=True)
class FileType:
    name: str
    family: Family
    media_types: tuple[str, ...]
    """The first is what it is served as."""
    extensions: tuple[str, ...]
    signatures: tuple[tuple[int, bytes], ...]
    """Any of these bytes at that offset makes it this type."""
    base: str
    is_told_by_bytes: bool
    """False for CSV, say: its bytes are only known to be text."""
    is_allowed: bool
    danger: Reason | None
    """What it is by nature: the reason that is given for it wherever it is found."""

    @property
    def media_type(self) -> str:
        return self.media_types[0]


def _type(
    name: str,
    family: Family,
    media_types: str,
    extensions: str,
    *signatures: bytes | tuple[int, bytes],
    base: str = "",
    told: bool = True,
    allowed: bool = True,
    danger: Reason | None = None,
) -> FileType:
    return FileType(
        name=name,
        family=family,
        media_types=tuple(media_types.split()) or (OCTET_STREAM,),
        extensions=tuple(extensions.split()),
        signatures=tuple(one if isinstance(one, tuple) else (0, one) for one in signatures),
        base=base,
        is_told_by_bytes=told,
        is_allowed=allowed and family in _ALLOWED and danger is None,
        danger=danger or _DANGERS.get(family),
    )


def _text(name: str, media_types: str, extensions: str, family: Family = Family.TEXT, base: str = "text") -> FileType:
    return _type(name, family, media_types, extensions, base=base, told=False)


def _zip(name: str, family: Family, media_types: str, extensions: str, danger: Reason | None = None) -> FileType:
    return _type(name, family, media_types, extensions, base="zip", danger=danger)


_F = Family
_WORD: Final = "application/vnd.openxmlformats-officedocument"
_ODF: Final = "application/vnd.oasis.opendocument"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

TYPES: Final = (
    # Text, and what is only known to be text.
    _type(
        "text", _F.TEXT, "text/plain",
        "txt text log md markdown rst ini conf cfg toml yaml yml diff patch srt tex bib"
    ),
    _text("csv", "text/csv text/tab-separated-values application/csv application/vnd.ms-excel", "csv tsv tab"),
    _text("json", "application/json text/json application/ld+json application/x-ndjson", "json jsonl ndjson geojson"),
    _text("calendar", "text/calendar", "ics ifb"),
    _text("contact", "text/vcard text/x-vcard text/directory", "vcf vcard"),
    _text("subtitles", "text/vtt", "vtt"),
    _text("source_map", "application/json", "map"),
    _type(
        "xml", _F.TEXT, "application/xml text/xml application/rss+xml application/atom+xml",
        "xml rss atom gpx kml xsd", base="text"
    ),
    # Text that acts when it is opened.
    _type("html", _F.MARKUP, "text/html", "html htm shtml", base="text"),
    _type("xhtml", _F.MARKUP, "application/xhtml+xml", "xhtml xht", base="xml"),
    _type("svg", _F.IMAGE, "image/svg+xml", "svg", base="xml"),
    _type("xslt", _F.MARKUP, "application/xslt+xml text/xsl", "xsl xslt", base="xml"),
    _type("mhtml", _F.MARKUP, "multipart/related message/rfc822", "mht mhtml eml", base="text"),
    _text("javascript", "text/javascript application/javascript application/x-javascript", "js mjs cjs jse", _F.SCRIPT),
    _text(
        "script", "text/x-script application/x-sh text/x-python application/x-httpd-php application/x-bat",
        "sh bash zsh csh ksh fish command py pyw rb pl pm php phtml phar lua tcl awk applescript scpt", _F.SCRIPT
    ),
    _text(
        "windows_script", "application/x-powershell text/vbscript application/hta",
        "bat cmd ps1 psm1 psd1 vbs vbe wsf wsh ws wsc sct hta reg inf scf", _F.SCRIPT
    ),
    _text(
        "shortcut", "application/x-desktop application/x-mswinurl application/internet-shortcut",
        "desktop url webloc website library-ms search-ms settingcontent-ms rdp iqy application appref-ms jnlp",
        _F.SHORTCUT
    ),
    _type("lnk", _F.SHORTCUT, "application/x-ms-shortcut", "lnk pif", b"\x4c\x00\x00\x00\x01\x14\x02\x00"),
    # Documents.
    _type("pdf", _F.DOCUMENT, "application/pdf application/x-pdf", "pdf", b"%PDF-"),
    _type("rtf", _F.DOCUMENT, "application/rtf text/rtf", "rtf", rb"{\rt"),
    _type("postscript", _F.SCRIPT, "application/postscript", "ps eps", b"%!PS"),
    _type("ole", _F.DOCUMENT, "application/x-ole-storage", "", _OLE, allowed=False),
    _type("doc", _F.DOCUMENT, "application/msword", "doc dot", base="ole"),
    _type("xls", _F.DOCUMENT, "application/vnd.ms-excel", "xls xlt", base="ole"),
    _type("ppt", _F.DOCUMENT, "application/vnd.ms-powerpoint", "ppt pps pot", base="ole"),
    _type("msg", _F.DOCUMENT, "application/vnd.ms-outlook", "msg", base="ole", allowed=False),
    _type(
        "onenote", _F.DOCUMENT, "application/onenote", "one onetoc2", b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d",
        danger=Reason.ACTIVE_CONTENT
    ),
    _type("chm", _F.DOCUMENT, "application/vnd.ms-htmlhelp", "chm hlp", b"ITSF", danger=Reason.ACTIVE_CONTENT),
    _zip("docx", _F.DOCUMENT, f"{_WORD}.wordprocessingml.document {_WORD}.wordprocessingml.template", "docx dotx"),
    _zip("xlsx", _F.DOCUMENT, f"{_WORD}.spreadsheetml.sheet {_WORD}.spreadsheetml.template", "xlsx xltx"),
    _zip(
        "pptx", _F.DOCUMENT, f"{_WORD}.presentationml.presentation {_WORD}.presentationml.slideshow",
        "pptx ppsx potx"
    ),
    _zip("docm", _F.DOCUMENT, "application/vnd.ms-word.document.macroenabled.12", "docm dotm", Reason.MACRO),
    _zip("xlsm", _F.DOCUMENT, "application/vnd.ms-excel.sheet.macroenabled.12", "xlsm xltm xlam xlsb", Reason.MACRO),
    _zip(
        "pptm", _F.DOCUMENT, "application/vnd.ms-powerpoint.presentation.macroenabled.12", "pptm ppsm potm ppam sldm",
        Reason.MACRO
    ),
    _zip("odt", _F.DOCUMENT, f"{_ODF}.text", "odt ott"),
    _zip("ods", _F.DOCUMENT, f"{_ODF}.spreadsheet", "ods ots"),
    _zip("odp", _F.DOCUMENT, f"{_ODF}.presentation", "odp otp"),
    _zip("odg", _F.DOCUMENT, f"{_ODF}.graphics", "odg otg odf"),
    _zip("epub", _F.DOCUMENT, "application/epub+zip", "epub"),
    # Pictures.
    _type("png", _F.IMAGE, "image/png image/apng", "png apng", b"\x89PNG\r\n\x1a\n"),
    _type("jpeg", _F.IMAGE, "image/jpeg image/jpg image/pjpeg", "jpg jpeg jpe jfif", b"\xff\xd8\xff"),
    _type("gif", _F.IMAGE, "image/gif", "gif", b"GIF87a", b"GIF89a"),
    _type("webp", _F.IMAGE, "image/webp", "webp"),
    _type("bmp", _F.IMAGE, "image/bmp image/x-ms-bmp", "bmp dib"),
    _type("tiff", _F.IMAGE, "image/tiff", "tif tiff dng", b"II*\x00", b"MM\x00*"),
    _type("ico", _F.IMAGE, "image/vnd.microsoft.icon image/x-icon", "ico cur"),
    _type("avif", _F.IMAGE, "image/avif", "avif avifs"),
    _type("heif", _F.IMAGE, "image/heic image/heif", "heic heif hif"),
    _type("jpeg_xl", _F.IMAGE, "image/jxl", "jxl", b"\x00\x00\x00\x0cJXL \r\n\x87\n", b"\xff\x0a"),
    _type("psd", _F.IMAGE, "image/vnd.adobe.photoshop", "psd psb", b"8BPS"),
    # Sound, film, fonts.
    _type("mp3", _F.AUDIO, "audio/mpeg audio/mp3", "mp3", b"ID3"),
    _type("wav", _F.AUDIO, "audio/wav audio/x-wav audio/wave audio/vnd.wave", "wav"),
    _type("flac", _F.AUDIO, "audio/flac audio/x-flac", "flac", b"fLaC"),
    _type("aac", _F.AUDIO, "audio/aac", "aac"),
    _type("midi", _F.AUDIO, "audio/midi", "mid midi", b"MThd"),
    _type("aiff", _F.AUDIO, "audio/aiff audio/x-aiff", "aif aiff"),
    _type("ogg", _F.AUDIO, "audio/ogg video/ogg application/ogg audio/opus", "ogg oga ogv opus", b"OggS"),
    _type(
        "mp4", _F.VIDEO, "video/mp4 audio/mp4 video/quicktime audio/x-m4a video/3gpp video/x-m4v",
        "mp4 m4v m4a m4b mov 3gp"
    ),
    _type(
        "matroska", _F.VIDEO, "video/webm video/x-matroska audio/webm audio/x-matroska video/matroska",
        "webm mkv mka weba", b"\x1a\x45\xdf\xa3"
    ),
    _type("avi", _F.VIDEO, "video/x-msvideo video/avi video/vnd.avi", "avi"),
    _type("mpeg_ts", _F.VIDEO, "video/mp2t", "ts m2ts"),
    _type("flv", _F.VIDEO, "video/x-flv", "flv", b"FLV\x01"),
    _type("woff", _F.FONT, "font/woff application/font-woff", "woff", b"wOFF"),
    _type("woff2", _F.FONT, "font/woff2", "woff2", b"wOF2"),
    _type(
        "sfnt", _F.FONT, "font/ttf font/otf font/sfnt font/collection application/x-font-ttf", "ttf otf ttc",
        b"OTTO\x00", b"ttcf\x00", b"true\x00"
    ),
    # Archives, and single files packed.
    _type(
        "zip", _F.ARCHIVE, "application/zip application/x-zip application/x-zip-compressed", "zip", b"PK\x03\x04",
        b"PK\x05\x06", b"PK\x07\x08"
    ),
    _type("tar", _F.ARCHIVE, "application/x-tar application/tar", "tar"),
    _type(
        "gzip", _F.ARCHIVE,
        "application/gzip application/x-gzip application/x-compressed-tar application/x-tgz application/x-tar",
        "gz tgz", b"\x1f\x8b\x08"
    ),
    _type("bzip2", _F.ARCHIVE, "application/x-bzip2 application/x-bzip application/x-tar", "bz2 tbz2 tbz"),
    _type("xz", _F.ARCHIVE, "application/x-xz application/x-tar", "xz txz", b"\xfd7zXZ\x00"),
    _type("zstd", _F.ARCHIVE, "application/zstd application/x-zstd application/x-tar", "zst tzst", b"\x28\xb5\x2f\xfd"),
    _type("7z", _F.ARCHIVE, "application/x-7z-compressed", "7z", b"7z\xbc\xaf\x27\x1c"),
    _type(
        "rar", _F.ARCHIVE, "application/vnd.rar application/x-rar-compressed application/x-rar", "rar",
        b"Rar!\x1a\x07"
    ),
    _type("cab", _F.INSTALLER, "application/vnd.ms-cab-compressed", "cab", b"MSCF\x00"),
    _type(
        "arj_lha_ace", _F.ARCHIVE, "application/x-arj application/x-lha", "arj lha lzh ace z uue", b"\x60\xea",
        (2, b"-lh5-"), (7, b"**ACE**"), allowed=False
    ),
    # Programs.
    _type(
        "exe", _F.PROGRAM,
        "application/vnd.microsoft.portable-executable application/x-dosexec application/x-msdos-program",
        "exe dll com scr sys cpl ocx drv efi msc gadget"
    ),
    _type(
        "elf", _F.PROGRAM, "application/x-elf application/x-executable application/x-sharedlib",
        "elf so o ko run axf", b"\x7fELF"
    ),
    _type(
        "macho", _F.PROGRAM, "application/x-mach-binary", "dylib bundle macho", b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbf"
    ),
    _type("java_class", _F.PROGRAM, "application/java-vm application/x-java-applet", "class", b"\xca\xfe\xd0\x0d"),
    _type("wasm", _F.PROGRAM, "application/wasm", "wasm", b"\x00asm"),
    _type(
        "bytecode", _F.PROGRAM, "application/x-bytecode", "pyc pyo dex odex luac bc", b"dex\n03", b"\x1bLua",
        b"BC\xc0\xde"
    ),
    _type("flash", _F.PROGRAM, "application/x-shockwave-flash", "swf", b"FWS", b"CWS", b"ZWS"),
    _zip("jar", _F.PROGRAM, "application/java-archive application/x-java-archive", "jar war ear"),
    # Installers and packages.
    _type("msi", _F.INSTALLER, "application/x-msi application/x-ms-installer", "msi msp mst msm", base="ole"),
    _type(
        "deb", _F.INSTALLER, "application/vnd.debian.binary-package application/x-deb", "deb udeb ipk a",
        b"!<arch>\n"
    ),
    _type("rpm", _F.INSTALLER, "application/x-rpm application/x-redhat-package-manager", "rpm", b"\xed\xab\xee\xdb"),
    _type("pkg", _F.INSTALLER, "application/x-xar", "pkg xar mpkg", b"xar!\x00"),
    _type("appimage", _F.INSTALLER, "application/vnd.appimage", "appimage", (8, b"AI\x01"), (8, b"AI\x02")),
    _type("snap", _F.INSTALLER, "application/vnd.snap application/vnd.squashfs", "snap squashfs sfs flatpak", b"hsqs"),
    _type("crx", _F.INSTALLER, "application/x-chrome-extension", "crx", b"Cr24"),
    _zip("apk", _F.INSTALLER, "application/vnd.android.package-archive", "apk aab xapk"),
    _zip("xpi", _F.INSTALLER, "application/x-xpinstall", "xpi"),
    _zip("ipa", _F.INSTALLER, "application/x-ios-app", "ipa"),
    _zip("appx", _F.INSTALLER, "application/appx application/msix", "appx msix appxbundle msixbundle vsix nupkg"),
    _zip("wheel", _F.INSTALLER, "application/x-wheel+zip", "whl egg"),
    # Discs: what is in them is not looked at.
    _type(
        "iso", _F.DISK, "application/x-iso9660-image application/x-cd-image", "iso udf", (0x8001, b"CD001"),
        (0x8001, b"BEA01")
    ),
    _type("dmg", _F.DISK, "application/x-apple-diskimage", "dmg"),
    _type(
        "disk", _F.DISK, "application/x-vhd application/x-qemu-disk application/x-raw-disk-image",
        "vhd vhdx vmdk qcow2 img", b"conectix", b"vhdxfile", b"QFI\xfb", b"KDMV"
    ),
)  # fmt: skip

BY_NAME: Final = {one.name: one for one in TYPES}
BY_EXTENSION: Final = {extension: one for one in TYPES for extension in one.extensions}
BY_MEDIA_TYPE: Final[dict[str, tuple[FileType, ...]]] = {
    media_type: tuple(one for one in TYPES if media_type in one.media_types)
    for media_type in {media_type for one in TYPES for media_type in one.media_types}
}

_SOUND: Final = {"m4a": "audio/mp4", "m4b": "audio/mp4", "mka": "audio/x-matroska", "weba": "audio/webm"}
_OTHERS: Final = {"mkv": "video/x-matroska", "mov": "video/quicktime", "ogv": "video/ogg", "otf": "font/otf"}
_BY_EXTENSION: Final = {**_SOUND, **_OTHERS, "tsv": "text/tab-separated-values", "heif": "image/heif"}


def media_type_of(of: FileType, extension: str) -> str:
    """What to serve it as: one container format holds sound or film, and only its name tells which."""
    return _BY_EXTENSION.get(extension, of.media_type) if extension in of.extensions else of.media_type


def bases(of: FileType) -> tuple[FileType, ...]:
    """What it is a special form of, the nearest first."""
    found: list[FileType] = []
    while of.base:
        of = BY_NAME[of.base]
        found.append(of)
    return tuple(found)
