"""What an answer becomes on its way out."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from cloche.api.rest.browsing import PIECE_BYTES, encode, encoded, wants_raw
from cloche.browser.contract.looking import ExportPdfResponse, GetTitleResponse, ScreenshotResponse

IMAGES = ("image/png", "image/jpeg", "image/webp")


@pytest.mark.parametrize(
    ("accept", "is_raw"),
    [
        ("", False),
        ("*/*", False),
        ("image/png", True),
        ("image/*", True),
        ("Image/WebP ; q=0.2", True),
        ("image/avif", False),
        ("image/png;q=0", False),
        ("image/png;q=x", False),
        ("image/png, application/json", False),
        ("image/png, application/json;q=0.9", True),
        ("application/json;q=0, image/*;q=0.1", True),
        (",;,=", False),
    ],
)
def test_bytes_are_for_those_who_name_them_and_like_json_less(accept: str, is_raw: bool) -> None:
    assert wants_raw(Headers({"accept": accept}), IMAGES) is is_raw


def test_a_picture_is_no_answer_where_a_pdf_is_printed() -> None:
    assert not wants_raw(Headers({"accept": "image/*"}), ("application/pdf",))


@settings(max_examples=50)
@given(st.text(max_size=200))
def test_no_accept_field_breaks_the_answer(accept: str) -> None:
    assert wants_raw(Headers({"accept": accept.encode().decode("latin-1")}), IMAGES) in (True, False)


@settings(max_examples=50)
@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=50), st.binary(max_size=50))
def test_whatever_a_page_is_called_the_answer_is_json(title: str, image: bytes) -> None:
    told = json.loads(encode(GetTitleResponse(title=title)).decode())
    assert told["title"] == title.encode(errors="replace").decode()
    shot = json.loads(encode(ScreenshotResponse(image_bytes=image)))
    assert base64.b64decode(shot["image_bytes"], validate=True) == image


@pytest.mark.parametrize("size", [PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES + 2])
async def test_a_large_picture_is_encoded_in_pieces_as_it_would_be_in_one(size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"a" * (size % 256)
    for answer in (ScreenshotResponse(image_bytes=data, detail='"image_bytes":"'), ExportPdfResponse(pdf_bytes=data)):
        assert await encoded(answer) == encode(answer)
