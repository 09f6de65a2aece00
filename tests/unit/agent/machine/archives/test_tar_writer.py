import io
import tarfile

from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.machine.archives.tar_writer import comment, header

NAMES = st.binary(min_size=1, max_size=300).filter(lambda name: b"\0" not in name and not name.endswith(b"/"))


@given(
    name=NAMES,
    link=NAMES,
    size=st.integers(0, 1 << 60),
    mode=st.integers(0, 0o7777),
    mtime=st.integers(-(1 << 40), 1 << 40),
)
def test_a_header_says_what_it_was_told(name: bytes, link: bytes, size: int, mode: int, mtime: int) -> None:
    data = header(b"2", name, size=size, mode=mode, mtime=mtime, link=link) + bytes(1024)
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape", encoding="utf-8") as archive:
        info = archive.next()
    assert info is not None
    assert (info.name.encode(errors="surrogateescape"), info.linkname.encode(errors="surrogateescape")) == (name, link)
    assert (info.size, info.mode, info.mtime) == (size, mode, mtime)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=3000))
def test_a_comment_is_read_as_it_was_told(text: str) -> None:
    data = comment(text.encode()) + header(b"5", b"./") + bytes(1024)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.getnames() == ["."]
        assert archive.pax_headers["comment"] == text
