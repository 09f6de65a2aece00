import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.api.upload.forms import ArchiveForm, FilesForm, Form, archive_fields, checked_path
from cloche.errors import InvalidError
from cloche.wire.upload import MAX_PARTS


def filled(form: Form, *parts: tuple[str, bytes]) -> tuple[dict[str, int], dict[str, Any]]:
    """The numbers that the files were given, and what is said at the end."""
    numbers = dict[str, int]()
    for name, value in parts:
        number = form.begin(name)
        if number is None:
            form.text(name, value)
        else:
            numbers[name] = number
    return numbers, form.finish()


def b64(path: bytes) -> str:
    return base64.b64encode(path).decode()


@given(st.permutations(range(6)), st.lists(st.sampled_from(["[{}].{}", "[{}][{}]", ".{}.{}", ".{}[{}]"]), min_size=6))
def test_files_may_come_in_any_order_and_any_of_the_styles(order: list[int], styles: list[str]) -> None:
    def name(index: int, what: str) -> str:
        return "files" + styles[index].format(index * 7, what)

    what = ["file", "dest_path"]
    parts = [(name(i // 2, what[i % 2]), b"dir/%d\xff" % (i // 2)) for i in order]
    numbers, told = filled(FilesForm(), *parts)
    assert sorted(numbers.values()) == [0, 1, 2]
    wanted = {numbers[name(i, "file")]: b64(b"dir/%d\xff" % i) for i in range(3)}
    assert {each["part"]: each["dest_b64"] for each in told["files"]} == wanted


def test_one_file_needs_no_index() -> None:
    numbers, told = filled(FilesForm(), ("file", b""), ("dest_path", b"/workspace/x"))
    assert numbers == {"file": 0} and told == {"files": [{"part": 0, "dest_b64": b64(b"/workspace/x")}]}


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ([], "file"),
        ([("file", b"")], "dest_path"),
        ([("dest_path", b"x")], "file"),
        ([("files[0].file", b"")], "files[0].dest_path"),
        ([("files[3].dest_path", b"x")], "files[3].file"),
        ([("file", b""), ("file", b"")], "file"),
        ([("files[0].file", b""), ("files.0.file", b"")], "files.0.file"),
        ([("files[00].file", b""), ("files.0.file", b"")], "files.0.file"),
        ([("dest_path", b"x"), ("dest_path", b"y")], "dest_path"),
        ([("file", b""), ("dest_path", b"")], "dest_path"),
        ([("file", b""), ("dest_path", b"a\0b")], "dest_path"),
        ([("file", b""), ("dest_path", b"x" * 4097)], "dest_path"),
        ([("files[x].file", b"")], "files[x].file"),
        ([("files[-1].file", b"")], "files[-1].file"),
        ([("files[1].mode", b"")], "files[1].mode"),
        ([("zip_file", b"")], "zip_file"),
    ],
)
def test_a_form_of_files_that_lacks_or_repeats_something_names_it(parts: list[tuple[str, bytes]], field: str) -> None:
    with pytest.raises(InvalidError) as caught:
        filled(FilesForm(), *parts)
    assert caught.value.fields["field"] == field


def test_more_files_than_an_agent_takes_are_refused() -> None:
    form = FilesForm()
    for index in range(MAX_PARTS):
        form.begin(f"files[{index}].file")
    with pytest.raises(InvalidError):
        form.begin(f"files[{MAX_PARTS}].file")


def test_an_archive_says_where_it_goes_and_how() -> None:
    form = ArchiveForm("archive")
    parts = [("replace", b"true"), ("archive", b""), ("strip_components", b"2"), ("dest_path", b"/profile")]
    numbers, told = filled(form, *parts)
    assert numbers == {"archive": 0}
    assert told == {"dest_b64": b64(b"/profile"), "strip_components": 2, "replace": True}


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ([("dest_path", b"x")], "zip_file"),
        ([("zip_file", b"")], "dest_path"),
        ([("zip_file", b""), ("dest_path", b"")], "dest_path"),
        ([("zip_file", b""), ("zip_file", b"")], "zip_file"),
        ([("archive", b"")], "archive"),
        ([("zip_file", b""), ("dest_path", b"x"), ("strip_components", b"-1")], "strip_components"),
        ([("zip_file", b""), ("dest_path", b"x"), ("strip_components", b"65")], "strip_components"),
        ([("zip_file", b""), ("dest_path", b"x"), ("strip_components", b"9" * 400)], "strip_components"),
        ([("zip_file", b""), ("dest_path", b"x"), ("strip_components", "²".encode())], "strip_components"),
        ([("zip_file", b""), ("dest_path", b"x"), ("replace", b"yes")], "replace"),
    ],
)
def test_a_form_of_an_archive_that_lacks_or_repeats_something_names_it(
    parts: list[tuple[str, bytes]], field: str
) -> None:
    with pytest.raises(InvalidError) as caught:
        filled(ArchiveForm("zip_file"), *parts)
    assert caught.value.fields["field"] == field


@given(st.dictionaries(st.sampled_from(["dest_path", "strip_components", "replace"]), st.binary(max_size=10)))
def test_any_texts_make_fields_or_are_refused(values: dict[str, bytes]) -> None:
    try:
        told = archive_fields(values)
    except InvalidError as error:
        assert error.fields["field"] in ("dest_path", "strip_components", "replace")
        return
    assert base64.b64decode(told["dest_b64"]) == values["dest_path"]
    assert 0 <= told["strip_components"] <= 64 and isinstance(told["replace"], bool)


def test_a_path_is_any_name_that_a_file_can_have() -> None:
    for path in (b"a", b"\xff\n", b"../x", b"x" * 4096):
        assert checked_path(path, "path") == path
