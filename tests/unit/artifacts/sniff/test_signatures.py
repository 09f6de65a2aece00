import pytest

from cloche.artifacts.sniff.sample import Sample
from cloche.artifacts.sniff.signatures import binary_type


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (bytes(0x8001) + b"CD001\x01", "iso"),
        (b"\x7fELF\x02\x01\x01\x00AI\x02" + bytes(20), "appimage"),
        (b"\xca\xfe\xba\xbe\x00\x00\x00\x41" + bytes(20), "java_class"),
        (b"\xca\xfe\xba\xbe\x00\x00\x00\x02" + bytes(20), "macho"),
        (b"\xcb\r\r\n" + bytes(20), "bytecode"),
        (b"\xff\xf1\x50\x80" + bytes(20), "aac"),
        (b"FORM\x00\x00\x00\x20AIFF", "aiff"),
        (b"RIFF\x20\x00\x00\x00AVI LIST", "avi"),
        ((b"\x47" + bytes(187)) * 3, "mpeg_ts"),
        (b"BZh91AY&SY" + bytes(20), "bzip2"),
        (bytes(100) + b"conectix".ljust(512, b"\x00"), "disk"),
        (b"SQLite format 3\x00", None),
        (b"\xff\xfen\x00o\x00t\x00e\x00s\x00", None),
        (b"BM is a sign of the British Museum.", None),
        (b"FWS is for the fish and wildlife service.", None),
        (b"RIFF raff", None),
        (b"", None),
    ],
)
def test_what_bytes_begin_like(data: bytes, name: str | None) -> None:
    assert binary_type(Sample.of(data)) == name
