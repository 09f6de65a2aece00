from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.selector import ENGINES, ROLES, parse_selector


def parsed(text: str) -> list[dict[str, Any]]:
    return parse_selector(text).to_json()


def part(text: str) -> dict[str, Any]:
    [only] = parsed(text)
    return only


def contains(text: str) -> dict[str, Any]:
    return {"text": text, "exact": False, "ignore_case": True}


def exactly(text: str, *, ignore_case: bool = False) -> dict[str, Any]:
    return {"text": text, "exact": True, "ignore_case": ignore_case}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#a > .b", {"engine": "css", "css": "#a > .b"}),
        ("css= a[href='x >> y'] ", {"engine": "css", "css": "a[href='x >> y']"}),
        (':is(a, [b="c)"])', {"engine": "css", "css": ':is(a, [b="c)"])'}),
        (r"#a\(b", {"engine": "css", "css": r"#a\(b"}),
        ("[ref]", {"engine": "css", "css": "[ref]"}),
        ("//a[text()='\\']", {"engine": "xpath", "xpath": "//a[text()='\\']"}),
        ("(//a)[1]", {"engine": "xpath", "xpath": "(//a)[1]"}),
        ("..", {"engine": "xpath", "xpath": ".."}),
        ("xpath=./b", {"engine": "xpath", "xpath": "./b"}),
        ('"Sign in"', {"engine": "text", "match": exactly("Sign in")}),
        ("'Sign in' i", {"engine": "text", "match": exactly("Sign in", ignore_case=True)}),
        ("text=Don't  stop", {"engine": "text", "match": contains("Don't stop")}),
        (r'text="a \"b\" \\"', {"engine": "text", "match": exactly('a "b" \\')}),
        ("text=/a[/)]\\/ >> (b)/gi", {"engine": "text", "match": {"pattern": "a[/)]\\/ >> (b)", "flags": "i"}}),
        ("label=Name", {"engine": "label", "match": contains("Name")}),
        ("placeholder='x'", {"engine": "placeholder", "match": exactly("x")}),
        ("alt=x", {"engine": "alt", "match": contains("x")}),
        ("title=/x/", {"engine": "title", "match": {"pattern": "x", "flags": ""}}),
        ("testid=Save", {"engine": "testid", "match": exactly("Save")}),
        ("ref=abcd12", {"engine": "ref", "ref": "abcd12"}),
        (" [ref=abcd12] ", {"engine": "ref", "ref": "abcd12"}),
        ("nth=-1", {"engine": "nth", "index": -1}),
        ("visible=true", {"engine": "visible", "visible": True}),
        ("frame=iframe#pay", {"engine": "frame", "css": "iframe#pay"}),
        ("role=button", {"engine": "role", "role": "button", "states": {}, "include_hidden": False}),
        (
            'role=button[name="Save" i][checked] [level=2][pressed=mixed][expanded=false][include-hidden]',
            {
                "engine": "role",
                "role": "button",
                "name": exactly("Save", ignore_case=True),
                "states": {"checked": True, "level": 2, "pressed": "mixed", "expanded": False},
                "include_hidden": True,
            },
        ),
        (
            "role=link[name=/a]b/i]",
            {
                "engine": "role",
                "role": "link",
                "name": {"pattern": "a]b", "flags": "i"},
                "states": {},
                "include_hidden": False,
            },
        ),
        (
            "role=Link[ name = more ]",
            {"engine": "role", "role": "link", "name": contains("more"), "states": {}, "include_hidden": False},
        ),
    ],
)
def test_a_part_is_read_by_its_engine(text: str, expected: dict[str, Any]) -> None:
    assert part(text) == expected


def test_parts_are_joined_outside_quotes_and_brackets() -> None:
    assert parsed('frame=#f >> role=row[name="a >> b"]>>text=c >> nth=0') == [
        {"engine": "frame", "css": "#f"},
        {"engine": "role", "role": "row", "name": exactly("a >> b"), "states": {}, "include_hidden": False},
        {"engine": "text", "match": contains("c")},
        {"engine": "nth", "index": 0},
    ]


def test_a_ref_alone_is_known_as_one() -> None:
    assert parse_selector("ref=abcd12").ref == "abcd12"
    assert parse_selector("[ref=abcd12]").ref == "abcd12"
    assert parse_selector("ref=abcd12 >> a").ref is None
    assert parse_selector("a").ref is None


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "at character 1: expected a CSS selector"),
        ("  ", "at character 3: expected a CSS selector"),
        ("a >> ", "at character 6: expected a CSS selector"),
        (">> a", "at character 1: expected a CSS selector"),
        ("a\x00b", "at character 2: control characters"),
        ("a\ud800", "at character 2: control characters"),
        ("a" * 4097, "at most 4096 characters"),
        ("a >> " * 32 + "a", "at most 32 parts"),
        ("foo=bar", "at character 1: there is no engine 'foo'"),
        ("a[b", "at character 2: ] is missing"),
        ("a)", "at character 2: this ) closes nothing"),
        ("a[b)]", "at character 4: this ) closes nothing"),
        ("a[b='c]", "at character 5: this quote has no closing '"),
        ("'a", "no closing '"),
        ("'a' b", "expected >> or the end after text"),
        ('text="a', "no closing"),
        ("text=", "expected a text"),
        ("text=/a", "no closing /"),
        ("text=//", "needs 1 to 1024"),
        ("text=/(a/", "lacks a )"),
        ("text=/a)/", "closes nothing"),
        ("text=/a/x", "expected flags"),
        ("text=/a/ii", "expected flags"),
        ("text=/" + "a" * 1025 + "/", "needs 1 to 1024"),
        ("role=buton", "expected an ARIA role"),
        ("role=", "expected an ARIA role"),
        ("role=button[nam='x']", "expected one of name=, level="),
        ("role=button[name]", "expected one of name=, level="),
        ("role=button[name='x'", "expected ] after name"),
        ("role=button[checked][checked]", "checked is there twice"),
        ("role=button[name=a][name=b]", "name is there twice"),
        ("role=button[checked=maybe]", "expected true, false, mixed"),
        ("role=heading[level=0]", "expected a level from 1 to 99"),
        ("role=button.x", "expected >> or the end after role"),
        ("ref=abc1", "expected a ref"),
        ("[ref=ABCD1]", "expected a ref"),
        ("nth=1.5", "expected a whole number"),
        ("visible=yes", "expected true or false"),
        ("xpath=", "expected an XPath"),
        ("//a['", "no closing '"),
    ],
)
def test_a_wrong_selector_is_told_where_it_goes_wrong(text: str, detail: str) -> None:
    with pytest.raises(ActionError) as refusal:
        parse_selector(text)
    assert refusal.value.code is Failure.INVALID_SELECTOR
    assert detail in refusal.value.detail


tokens = st.sampled_from(
    [*(f"{engine}=" for engine in ENGINES), *"\"'/\\()[]{} =>i.#*-1", ">>", "button", "[name=", "[checked]", "//", "é"]
)


@given(st.text() | st.lists(tokens, max_size=12).map("".join))
def test_any_text_is_a_selector_or_an_invalid_one(text: str) -> None:
    try:
        selector = parse_selector(text)
    except ActionError as error:
        assert error.code is Failure.INVALID_SELECTOR
    else:
        assert selector.parts and selector.text == text
        assert all(part["engine"] in ENGINES for part in selector.to_json())


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


printable = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20)
matches = st.one_of(
    printable.map(lambda text: (quoted(text), exactly(text))),
    printable.map(lambda text: (quoted(text) + " i", exactly(text, ignore_case=True))),
    st.from_regex(r"[a-z](?: [a-z]){0,3}", fullmatch=True).map(lambda text: (text, contains(text))),
    st.from_regex(r"[a-z.*(]{1,8}\)", fullmatch=True)
    .filter(lambda pattern: pattern.count("(") == 1)
    .map(lambda pattern: (f"/{pattern}/i", {"pattern": pattern, "flags": "i"})),
)
states = st.fixed_dictionaries(
    {},
    optional={
        "checked": st.sampled_from([True, False, "mixed"]),
        "level": st.integers(1, 9),
        "disabled": st.just(True),
    },
)


@st.composite
def parts(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    engine = draw(st.sampled_from(["css", "text", "label", "role", "ref", "nth", "visible", "xpath"]))
    match engine:
        case "css" | "xpath":
            body = draw(printable.map(lambda text: f"//a[@b={quoted(text)}]" if '"' not in text else "//a"))
            body = body if engine == "xpath" else body.replace("\\", "")[2:]
            return f"{engine}={body}", {"engine": engine, engine: body}
        case "text" | "label":
            written, meant = draw(matches)
            return f"{engine}={written}", {"engine": engine, "match": meant}
        case "role":
            role, (written, name), held = draw(st.sampled_from(sorted(ROLES))), draw(matches), draw(states)
            rest = "".join(f"[{key}={str(value).lower()}]" for key, value in held.items())
            meant = {"engine": "role", "role": role, "name": name, "states": held, "include_hidden": False}
            return f"role={role}[name={written}]{rest}", meant
        case "ref":
            ref = draw(st.from_regex(r"[a-z]{4}[0-9]{1,9}", fullmatch=True))
            return f"[ref={ref}]", {"engine": "ref", "ref": ref}
        case "nth":
            index = draw(st.integers(-999, 999))
            return f"nth={index}", {"engine": "nth", "index": index}
    visible = draw(st.booleans())
    return f"visible={str(visible).lower()}", {"engine": "visible", "visible": visible}


@given(st.lists(parts(), min_size=1, max_size=5))
def test_what_was_put_together_is_taken_apart_again(built: list[tuple[str, dict[str, Any]]]) -> None:
    assert parsed(" >> ".join(text for text, _ in built)) == [meant for _, meant in built]
