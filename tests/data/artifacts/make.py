"""Writes the corpus beside it: `python tests/data/artifacts/make.py`. The same bytes every time.

Six files are not made here but came out of the programs that usually write them, and are the raw material of others:
canvas.png, canvas.jpg and canvas.webp (Chromium's canvas), page.pdf (Chromium's printer), true.elf (GCC, a program
that ends at once, cut to its headers and first page) and One.class (javac). Nothing in the corpus does harm: programs
are headers without code, scripts and macros say something and end.
"""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import wave
import zipfile
import zlib
from pathlib import Path

HERE = Path(__file__).parent
THEN = (2026, 1, 1, 0, 0, 0)


def taken(name: str) -> bytes:
    return (HERE / name).read_bytes()


def zipped(members: dict[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            entry = zipfile.ZipInfo(name, THEN)
            # A book's or document's type stands first and as it is.
            entry.compress_type = zipfile.ZIP_STORED if name == "mimetype" else method
            archive.writestr(entry, data)
    return out.getvalue()


def tarred(members: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return out.getvalue()[: 512 * 20]


def pe() -> bytes:
    """A DOS header and stub, and the headers of a PE file without sections ([MS-PE])."""
    dos = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00\xb8".ljust(60, b"\x00") + struct.pack("<L", 128)
    stub = b"\x0e\x1f\xba\x0e\x00\xb4\x09\xcd\x21\xb8\x01\x4c\xcd\x21This program cannot be run in DOS mode.\r\n$"
    coff = b"PE\x00\x00" + struct.pack("<HHLLLHH", 0x8664, 0, 0, 0, 0, 240, 0x22)
    return (dos + stub).ljust(128, b"\x00") + coff + struct.pack("<H", 0x20B).ljust(240, b"\x00") + bytes(128)


def mach_o() -> bytes:
    return struct.pack("<LLLLLLLL", 0xFEEDFACF, 0x01000007, 3, 2, 0, 0, 0x85, 0) + bytes(96)


def fat_mach_o() -> bytes:
    one = mach_o()
    return struct.pack(">LLLLLLL", 0xCAFEBABE, 1, 0x01000007, 3, 64, len(one), 6).ljust(64, b"\x00") + one


def ole(*names: str, root_class: bytes = bytes(16)) -> bytes:
    """A compound file of one FAT sector and as many directory sectors as it takes; its streams are empty."""
    entries = [_ole_entry("Root Entry", 5, root_class), *(_ole_entry(name, 2) for name in names)]
    while len(entries) % 4:
        entries.append(bytes(128))
    sectors = len(entries) // 4
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    header += struct.pack("<LLLLLLLLL", 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0) + b"\xff" * 432
    chain = [0xFFFFFFFD, *range(2, sectors + 1), 0xFFFFFFFE]
    fat = struct.pack(f"<{len(chain)}L", *chain)
    return header[:512] + fat.ljust(512, b"\xff") + b"".join(entries)


def _ole_entry(name: str, kind: int, class_id: bytes = bytes(16)) -> bytes:
    encoded = name.encode("utf-16-le")
    begin = encoded.ljust(64, b"\x00") + struct.pack("<HBB", len(encoded) + 2, kind, 1) + b"\xff" * 12
    return (begin + class_id).ljust(116, b"\x00") + struct.pack("<L", 0xFFFFFFFE) + bytes(8)


def pdf(catalog: str, *more: str) -> bytes:
    objects = [f"<< /Type /Catalog /Pages 2 0 R {catalog} >>", "<< /Type /Pages /Kids [] /Count 0 >>", *more]
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
    return out + f"{end}startxref\n{len(out)}\n%%EOF\n".encode()


def packed_pdf() -> bytes:
    """Its action stands in a compressed object stream."""
    inner = zlib.compress(b"3 0 << /S /JavaScript /JS (app.alert\\(1\\)) >>")
    stream = f"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length {len(inner)} >>\nstream\n"
    return pdf("/OpenAction 3 0 R", stream + inner.decode("latin-1") + "\nendstream")


def box(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">L", len(data) + 8) + kind + data


def film(brand: bytes, *others: bytes) -> bytes:
    return (
        box(b"ftyp", brand + bytes(4) + b"".join(others))
        + box(b"moov", box(b"mvhd", bytes(100)))
        + box(b"mdat", bytes(64))
    )


def sound() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(400))
    return out.getvalue()


def ogg() -> bytes:
    body = b"OpusHead\x01\x01\x00\x00\x80\xbb\x00\x00\x00\x00\x00"
    return b"OggS\x00\x02" + bytes(8) + b"CLOC" + bytes(8) + bytes((1, len(body))) + body


def matroska(kind: bytes) -> bytes:
    fields = (
        b"\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82" + bytes((0x80 | len(kind),)) + kind
    )
    return b"\x1a\x45\xdf\xa3" + bytes((0x80 | len(fields),)) + fields + b"\x18\x53\x80\x67\x80"


def font(version: bytes) -> bytes:
    return version + struct.pack(">HHHH", 1, 16, 0, 0) + b"head" + struct.pack(">LLL", 0, 28, 54) + bytes(56)


def gif(tail: bytes = b"") -> bytes:
    image = b"\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b"
    return b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff" + image + tail


def bmp() -> bytes:
    return (
        b"BM"
        + struct.pack("<LHHL", 58, 0, 0, 54)
        + struct.pack("<LLLHHLLLLLL", 40, 1, 1, 1, 24, 0, 4, 0, 0, 0, 0)
        + bytes(4)
    )


def tiff() -> bytes:
    tags = ((256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 1), (279, 1))
    entries = b"".join(struct.pack("<HHLL", tag, 3, 1, value) for tag, value in tags)
    return b"II*\x00" + struct.pack("<L", 8) + struct.pack("<H", len(tags)) + entries + bytes(4)


def ico() -> bytes:
    image = taken("canvas.png")
    return struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHLL", 16, 16, 0, 0, 1, 32, len(image), 22) + image


def ar(*members: tuple[str, bytes]) -> bytes:
    out = b"!<arch>\n"
    for name, data in members:
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
    return out


def bomb_by_size() -> bytes:
    """Its directory says that four gigabytes come out of it."""
    data = bytearray(zipped({"zeros.txt": b"\x00" * 1000}))
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<L", 0xFFFFFFF0)
    return bytes(data)


def lying_zip() -> bytes:
    """It says ten bytes and has a thousand."""
    data = bytearray(zipped({"notes.txt": b"notes " * 160}))
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<L", 10)
    return bytes(data)


def encrypted_zip() -> bytes:
    data = bytearray(zipped({"secret.txt": b"\x17\x99\x02" * 8}, zipfile.ZIP_STORED))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


TYPES_XML = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
RELATIONS = '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'


def office(folder: str, main: str, more: dict[str, bytes | str] | None = None) -> bytes:
    members: dict[str, bytes | str] = {"[Content_Types].xml": TYPES_XML, "_rels/.rels": RELATIONS + "</Relationships>"}
    return zipped(members | {f"{folder}/{main}": '<?xml version="1.0"?><document/>'} | (more or {}))


def open_document(kind: str, more: dict[str, bytes | str] | None = None) -> bytes:
    members: dict[str, bytes | str] = {"mimetype": f"application/vnd.oasis.opendocument.{kind}"}
    return zipped(
        members | {"content.xml": "<office:document-content/>", "META-INF/manifest.xml": "<m/>"} | (more or {})
    )


CSV = "name,amount\nA,1\nB,=SUM(B1:B2)\n"
NOTES = "Grüße an alle.\nSecond line.\n"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{}<rect width="9" height="9"/></svg>\n'
HTML = "<!DOCTYPE html>\n<html><head><title>A page</title></head><body><p>Hello</p>{}</body></html>\n"
BATCH = "@echo off\r\necho hello\r\n"
TEMPLATE = (
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"'
    ' Target="https://example.test/t.dotm" TargetMode="External"/></Relationships>'
)


def texts() -> dict[str, bytes]:
    return {
        "empty.txt": b"",
        "notes.txt": NOTES.encode(),
        "notes-utf16.txt": NOTES.encode("utf-16"),
        "notes-latin1.txt": NOTES.encode("latin-1"),
        "mz.txt": b"MZ is how programs for DOS begin. This is a text about them, and longer than a header.\n",
        "formulas.csv": CSV.encode(),
        "data.json": b'{"a": [1, 2, 3], "b": "<script>"}\n',
        "feed.xml": b'<?xml version="1.0"?>\n<rss version="2.0"><channel><title>News</title></channel></rss>\n',
        "meeting.ics": b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
        "person.vcf": b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:A Person\r\nEND:VCARD\r\n",
        "readme.md": b'<div align="center">\n\n# Read me\n\n</div>\n',
        "page.html": HTML.format("").encode(),
        "page-script.html": HTML.format("<script>document.title = 'x'</script>").encode(),
        "page-as.txt": HTML.format("").encode(),
        "page.xhtml": b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>\n',
        "archived.mhtml": b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x--\r\n",
        "picture.svg": SVG.format("").encode(),
        "picture-script.svg": SVG.format("<script>alert(1)</script>").encode(),
        "picture-handler.svg": SVG.format('<g onload="alert(1)"/>').encode(),
        "picture-link.svg": SVG.format('<a href="java&#115;cript:alert(1)"><text>x</text></a>').encode(),
        "picture-utf16.svg": SVG.format("<script>alert(1)</script>").encode("utf-16"),
        "scripted.xml": b'<?xml version="1.0"?><a xmlns:h="http://www.w3.org/1999/xhtml"><h:script>alert(1)</h:script></a>\n',
        "script.js": b"console.log('hello')\n",
        "script.sh": b"#!/bin/sh\necho hello\n",
        "script-as.txt": b"#!/bin/sh\necho hello\n",
        "script.bat": BATCH.encode(),
        "batch-as.csv": BATCH.encode(),
        "script.ps1": b"Write-Output 'hello'\r\n",
        "script.vbs": b'MsgBox "hello"\r\n',
        "script.rb": b"puts 'hello'\n",
        "page.php": b"<?php echo 'hello'; ?>\n",
        "app.hta": b"<html><head><hta:application id=a></head><script language=vbscript></script></html>\n",
        "program.desktop": b"[Desktop Entry]\nType=Application\nName=Hello\nExec=/bin/echo hello\n",
        "link.url": b"[InternetShortcut]\r\nURL=https://example.test/\r\n",
        "settings.reg": b"Windows Registry Editor Version 5.00\r\n\r\n",
        "memo.rtf": rb"{\rtf1\ansi Hello\par}",
        "memo-object.rtf": rb"{\rtf1\ansi{\object\objemb\objupdate{\*\objdata 0105}}}",
        "memo-template.rtf": rb"{\rtf1\ansi{\*\template https://example.test/t.dotm}}",
    }


def media() -> dict[str, bytes]:
    flac = b"fLaC\x80\x00\x00\x22" + struct.pack(">HH", 4096, 4096) + bytes(6) + b"\x0a\xc4\x42\xf0" + bytes(20)
    return {
        "dot.gif": gif(),
        "dot.bmp": bmp(),
        "dot.tiff": tiff(),
        "icon.ico": ico(),
        "photo.avif": box(b"ftyp", b"avif" + bytes(4) + b"avifmif1miaf") + box(b"meta", bytes(8)),
        "photo.heic": box(b"ftyp", b"heic" + bytes(4) + b"mif1heic") + box(b"meta", bytes(8)),
        "film.mp4": film(b"isom", b"isom", b"mp41"),
        "song.m4a": film(b"M4A ", b"isom"),
        "film.webm": matroska(b"webm"),
        "song.ogg": ogg(),
        "song.wav": sound(),
        "song.flac": flac,
        "song.mp3": b"ID3\x04\x00\x00\x00\x00\x00\x00" + (b"\xff\xfb\x90\x64" + bytes(413)) * 3,
        "face.ttf": font(b"\x00\x01\x00\x00"),
        "face.otf": font(b"OTTO"),
        "face.woff2": b"wOF2\x00\x01\x00\x00" + struct.pack(">LHHL", 48, 1, 0, 84) + bytes(28),
        "canvas-webp-as.jpg": taken("canvas.webp"),
    }


def programs() -> dict[str, bytes]:
    return {
        "program.exe": pe(),
        "library.dll": pe(),
        "program-as.pdf": pe(),
        "program-as.png": pe(),
        "elf-as.jpg": taken("true.elf"),
        "invoice.pdf.exe": pe(),
        "old.com": b"MZ" + struct.pack("<13H", 80, 1, 0, 4, 0, 0xFFFF, 0, 0xB8, 0, 0, 0, 64, 0) + bytes(64),
        "program.macho": mach_o(),
        "program-fat.macho": fat_mach_o(),
        "module.wasm": b"\x00asm\x01\x00\x00\x00",
        "classes.dex": b"dex\n035\x00" + bytes(104),
        "link.lnk": struct.pack("<L", 76) + bytes.fromhex("0114020000000000c000000000000046") + bytes(56),
        "setup.msi": ole("Property", root_class=bytes.fromhex("84100c0000000000c000000000000046")),
        "disc.dmg": bytes(512) + b"koly" + struct.pack(">LL", 4, 512).ljust(508, b"\x00"),
        "package.deb": ar(("debian-binary", b"2.0\n"), ("control.tar.gz", b""), ("data.tar.gz", b"")),
        "package.rpm": b"\xed\xab\xee\xdb\x03\x00" + bytes(90),
        "extension.crx": b"Cr24" + struct.pack("<LL", 3, 0) + zipped({"manifest.json": "{}"}),
        "extension.xpi": zipped({"manifest.json": "{}", "META-INF/manifest.mf": "Manifest-Version: 1.0\n"}),
        "program.jar": zipped({"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\n", "One.class": taken("One.class")}),
        "program.apk": zipped({"AndroidManifest.xml": b"\x03\x00\x08\x00", "classes.dex": b"dex\n035\x00"}),
        "program.appimage": taken("true.elf")[:8] + b"AI\x02" + taken("true.elf")[11:],
    }


def documents() -> dict[str, bytes]:
    action = "<< /S /{} /{} >>"
    return {
        "plain.pdf": pdf(""),
        "script.pdf": pdf("/OpenAction 3 0 R", "<< /S /JavaScript /JS (app.alert\\(1\\)) >>"),
        "script-spelled.pdf": pdf("/OpenAction 3 0 R", "<< /S /J#61vaScript /#4aS (app.alert\\(1\\)) >>"),
        "script-packed.pdf": packed_pdf(),
        "launch.pdf": pdf("/OpenAction 3 0 R", action.format("Launch", "F (calc)")),
        "attachment.pdf": pdf("/Names << /EmbeddedFiles 3 0 R >>", "<< /Names [] >>"),
        "report.docx": office("word", "document.xml"),
        "table.xlsx": office("xl", "workbook.xml"),
        "slides.pptx": office("ppt", "presentation.xml"),
        "report.docm": office("word", "document.xml", {"word/vbaProject.bin": ole("VBA")}),
        "macro-as.docx": office("word", "document.xml", {"word/vbaProject.bin": ole("VBA")}),
        "macro4.xlsm": office("xl", "workbook.xml", {"xl/macrosheets/sheet1.xml": "<x/>"}),
        "template.docx": office("word", "document.xml", {"word/_rels/settings.xml.rels": RELATIONS + TEMPLATE}),
        "object.docx": office("word", "document.xml", {"word/embeddings/oleObject1.bin": ole("Contents")}),
        "old.doc": ole("WordDocument", "1Table"),
        "old-macro.doc": ole("WordDocument", "Macros", "VBA", "_VBA_PROJECT"),
        "old.xls": ole("Workbook"),
        "locked.docx": ole("EncryptionInfo", "EncryptedPackage"),
        "letter.odt": open_document("text"),
        "letter-basic.odt": open_document("text", {"Basic/Standard/Module1.xml": "<script:module/>"}),
        "book.epub": zipped({"mimetype": "application/epub+zip", "OEBPS/one.xhtml": "<html/>"}),
        "book-script.epub": zipped({"mimetype": "application/epub+zip", "OEBPS/one.js": "1"}),
    }


def archives() -> dict[str, bytes]:
    plain = {"notes.txt": NOTES.encode(), "table.csv": CSV.encode()}
    with_exe = {"notes.txt": NOTES.encode(), "setup.exe": pe()}
    return {
        "plain.zip": zipped(plain),
        "empty.zip": zipped({}),
        "program.zip": zipped(with_exe),
        "program-renamed.zip": zipped({"notes.txt": pe()}),
        "script.zip": zipped({"invoice.pdf.js": "WScript.Echo('hello')"}),
        "nested.zip": zipped({"inner.zip": zipped(plain)}),
        "nested-program.zip": zipped({"inner.zip": zipped({"innermost.zip": zipped(with_exe)})}),
        "deep.zip": zipped(
            {"1.zip": zipped({"2.zip": zipped({"3.zip": zipped({"4.zip": zipped({"5.zip": zipped(plain)})})})})}
        ),
        "macro.zip": zipped({"report.docm": office("word", "document.xml", {"word/vbaProject.bin": ole("VBA")})}),
        "encrypted.zip": encrypted_zip(),
        "bomb.zip": bomb_by_size(),
        "lying.zip": lying_zip(),
        "outside.zip": zipped({"../../outside.txt": "x"}),
        "cut.zip": zipped(plain)[:-30],
        "plain.tar": tarred(plain),
        "program.tar": tarred(with_exe),
        "links.tar": tarred(plain, {"etc": "/etc"}),
        "plain.tar.gz": gzip.compress(tarred(plain), mtime=0),
        "program.tar.gz": gzip.compress(tarred(with_exe), mtime=0),
        "plain.tar.bz2": bz2.compress(tarred(plain)),
        "plain.tar.xz": lzma.compress(tarred(plain)),
        "program.tar.xz": lzma.compress(tarred(with_exe)),
        "table.csv.gz": gzip.compress(CSV.encode(), mtime=0),
        "program.gz": gzip.compress(pe(), mtime=0),
        "bomb.gz": gzip.compress(bytes(4 << 20), mtime=0),
        "bomb.xz": lzma.compress(bytes(24 << 20)),
        "table.csv.zst": b"\x28\xb5\x2f\xfd\x20"
        + bytes((len(CSV),))
        + struct.pack("<L", len(CSV) << 3 | 1)[:3]
        + CSV.encode(),
        "closed.7z": b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(24),
        "closed.rar": b"Rar!\x1a\x07\x01\x00\x33\x92\xb5\xe5\x0a\x01\x05\x06\x00\x05\x01\x01\x80\x80\x00" + bytes(8),
    }


def polyglots() -> dict[str, bytes]:
    jpeg, png = taken("canvas.jpg"), taken("canvas.png")
    archive = zipped({"notes.txt": NOTES.encode()})
    code = b"GIF89a/*\x00\x00\x00*/=1;console.log('hello')//;"
    return {
        "pdf-zip.pdf": pdf("") + archive,
        "gif-js.gif": code,
        "gif-jar.gif": gif(zipped({"META-INF/MANIFEST.MF": "", "One.class": taken("One.class")})),
        "jpeg-zip.jpg": jpeg + archive,
        "jpeg-php.jpg": jpeg + b"<?php echo 'hello'; ?>",
        "jpeg-rar.jpg": jpeg + b"Rar!\x1a\x07\x01\x00" + bytes(24),
        "png-elf.png": png + taken("true.elf"),
        "png-text.png": png + b"something after the end",
        "wav-exe.wav": sound() + pe(),
        "bmp-pdf.bmp": bmp() + pdf(""),
        "text-zip.txt": NOTES.encode() + archive,
        "zip-behind.zip": b"not an archive yet\n" + archive,
        "noise.bin": bytes((index * 73 + index * index * 31) % 256 for index in range(600)),
    }


def main() -> None:
    everything = texts() | media() | programs() | documents() | archives() | polyglots()
    for name, data in everything.items():
        (HERE / name).write_bytes(data)


if __name__ == "__main__":
    main()
