from collections import Counter

import pytest

from cloche.artifacts.types import BY_EXTENSION, BY_MEDIA_TYPE, BY_NAME, TYPES, bases, media_type_of


def test_no_name_and_no_extension_stands_twice() -> None:
    assert len(BY_NAME) == len(TYPES)
    counted = Counter(extension for one in TYPES for extension in one.extensions)
    assert [extension for extension, count in counted.items() if count > 1] == []


def test_every_type_is_written_as_it_is_looked_up() -> None:
    for one in TYPES:
        assert one.media_types and all(media_type == media_type.lower() for media_type in one.media_types), one
        assert all("/" in media_type and one in BY_MEDIA_TYPE[media_type] for media_type in one.media_types), one
        assert all(extension == extension.lower() and "." not in extension for extension in one.extensions), one
        assert all(BY_EXTENSION[extension] is one for extension in one.extensions), one
        assert not one.base or one.base in BY_NAME, one
        assert one.is_told_by_bytes or one.base, f"{one}: what bytes cannot tell must say what they can"


def test_what_is_dangerous_by_nature_is_never_allowed_by_the_table() -> None:
    assert [one.name for one in TYPES if one.danger and one.is_allowed] == []


@pytest.mark.parametrize("name", ["pdf", "png", "text", "csv", "json", "docx", "mp4", "mp3", "woff2", "zip", "svg"])
def test_what_people_download_is_allowed(name: str) -> None:
    assert BY_NAME[name].is_allowed


@pytest.mark.parametrize("name", ["html", "javascript", "wasm", "exe", "elf", "script", "msi", "docm", "iso", "lnk"])
def test_what_acts_is_not(name: str) -> None:
    assert not BY_NAME[name].is_allowed


def test_a_type_knows_what_it_is_a_form_of() -> None:
    assert [base.name for base in bases(BY_NAME["svg"])] == ["xml", "text"]
    assert bases(BY_NAME["png"]) == ()


def test_one_container_is_served_as_sound_or_film_by_its_name() -> None:
    assert media_type_of(BY_NAME["mp4"], "m4a") == "audio/mp4"
    assert media_type_of(BY_NAME["mp4"], "mp4") == "video/mp4"
    assert media_type_of(BY_NAME["png"], "m4a") == "image/png"
