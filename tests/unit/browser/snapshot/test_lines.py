import pytest

from cloche.browser.snapshot.lines import Path, ancestors_of, depth_of, ref_of


@pytest.mark.parametrize(
    ("line", "ref"),
    [
        ('- button "Save" [disabled] [ref=abcd12]', "abcd12"),
        ("    - list [ref=abcd1]:", "abcd1"),
        ('- textbox "Name" [ref=abcd1]: mine [ref=fake9]', "abcd1"),
        (r'- button "a \" [ref=fake9]" [ref=abcd1]', "abcd1"),
        ('- button "x [ref=fake9]"', None),
        ("- text: see [ref=fake9]", None),
        ("- text", None),
        ("", None),
    ],
)
def test_a_ref_is_the_elements_own_and_never_its_texts(line: str, ref: str | None) -> None:
    assert ref_of(line) == ref


def test_what_a_line_is_inside_of_is_found_upward_and_while_walking() -> None:
    lines = ["- main", "  - list", "    - text: a", "  - text: b", "    - text: c"]
    assert [depth_of(line) for line in lines] == [0, 1, 2, 1, 2]
    path, walked = Path(), []
    for index, line in enumerate(lines):
        path.enter(index, line)
        walked.append(path.ancestors())
    assert walked == [ancestors_of(lines, index) for index in range(5)] == [[], [0], [1, 0], [0], [3, 0]]
