"""Forms, as clients write them and as attackers would."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.api.upload.multipart import MAX_PARTS, Begin, Data, End, MultipartReader
from cloche.errors import InvalidError

TYPE = "multipart/form-data; boundary=frontier"


def part(name: str, content: bytes, *fields: str) -> bytes:
    lines = [f'Content-Disposition: form-data; name="{name}"; filename="x"', *fields]
    return b"--frontier\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n" + content + b"\r\n"


END = b"--frontier--\r\n"


def read(body: bytes, piece: int = 65536, content_type: str = TYPE) -> list[tuple[str, bytes]]:
    reader, parts, is_open = MultipartReader(content_type), list[tuple[str, bytes]](), False
    for at in range(0, len(body), piece):
        for event in reader.feed(body[at : at + piece]):
            if isinstance(event, Begin):
                assert not is_open
                parts.append((event.name, b""))
                is_open = True
            elif isinstance(event, Data):
                parts[-1] = (parts[-1][0], parts[-1][1] + event.data)
            else:
                assert isinstance(event, End) and is_open
                is_open = False
    reader.finish()
    assert not is_open
    return parts


@given(
    st.lists(
        st.tuples(
            st.from_regex(re.compile(r"[a-z0-9_.\[\]]{1,20}"), fullmatch=True),
            st.lists(st.sampled_from([b"\r\n--frontie", b"\r\n-", b"--frontier", b"\r\n", b"\0", b"data", b"\r"])),
        ),
        max_size=5,
    ),
    st.integers(1, 60),
)
def test_parts_come_out_as_they_went_in_however_the_body_is_cut(
    parts: list[tuple[str, list[bytes]]], piece: int
) -> None:
    sent = [(name, b"".join(content)) for name, content in parts]
    sent = [(name, content) for name, content in sent if b"\r\n--frontier" not in b"\r\n" + content]
    body = b"".join(part(name, content) for name, content in sent) + END
    assert read(body, piece) == sent


@given(st.binary(max_size=400), st.integers(1, 50))
def test_random_bytes_are_refused_and_nothing_else_happens(body: bytes, piece: int) -> None:
    with pytest.raises(InvalidError):
        read(part("a", b"b") + body, piece)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=frontier",
        "application/json",
        "multipart/form-data; boundary=" + "x" * 71,
        "multipart/form-data; boundary=fronti\xe8re",
        "text/plain; boundary=frontier",
    ],
)
def test_a_form_needs_its_type_and_a_boundary(content_type: str) -> None:
    with pytest.raises(InvalidError) as caught:
        MultipartReader(content_type)
    assert caught.value.fields["field"] == "content-type"


@pytest.mark.parametrize("boundary", ["'()+_,-./:=?", "x" * 70, "----WebKitFormBoundary7MA4YWxkTrZu0gW"])
def test_any_sensible_boundary_will_do(boundary: str) -> None:
    body = b"--%b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--%b--" % ((boundary.encode(),) * 2)
    assert read(body, 3, f'Multipart/Form-Data; charset=utf-8; boundary="{boundary}"') == [("a", b"x")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary at all" * 1000,
        b"\r\n" * 100_000,
        part("a", b"x"),  # no end
        part("a", b"x")[:-6],
        b"--frontier\r\n\r\nno name\r\n" + END,
        b'--frontier\r\nContent-Disposition: attachment; name="a"\r\n\r\nx\r\n' + END,
        b"--frontier\r\nContent-Disposition: form-data; name=\r\n\r\nx\r\n" + END,
        part("a" * 129, b"x") + END,
        part("\xe9", b"x") + END,
        part("a", b"x", "Content-Type: multipart/mixed; boundary=inner") + END,
        part("a", b"x", "Content-Transfer-Encoding: base64") + END,
        part("a", b"x", "X-Y: 1", "x-y: 2") + END,
        part("a", b"x", *(f"X-{i}: y" for i in range(8))) + END,
        part("a", b"x", "X-Long: " + "y" * 3000) + END,
        part("a", b"x", "Y" * 3000 + ": y") + END,
        b"--frontier\r\nContent-Disposition form-data\r\n\r\nx\r\n" + END,
        part("a", b"") * (MAX_PARTS + 1) + END,
    ],
    ids=range(18),
)
def test_a_form_that_is_none_is_refused(body: bytes) -> None:
    for piece in (100, 65536):
        with pytest.raises(InvalidError):
            read(body, piece)


def test_as_many_parts_as_may_are_read_and_what_stands_behind_the_end_is_not() -> None:
    assert len(read(part("a", b"") * MAX_PARTS + END + b"epilogue" * 100)) == MAX_PARTS


def test_a_giant_head_is_refused_before_it_is_held() -> None:
    reader, fed = MultipartReader(TYPE), 0
    with pytest.raises(InvalidError):
        reader.feed(b"--frontier\r\nX-Giant: ")
        for _ in range(10_000):
            fed += 1000
            reader.feed(b"y" * 1000)
    assert fed <= 4000


def test_the_parser_says_nothing_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InvalidError):
        read(b"secret words, not a form")
    assert not caplog.records
