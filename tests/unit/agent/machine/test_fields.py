import base64
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.machine.fields import Fields
from cloche.agent.machine.problem import Problem

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20) | st.just("\ud800"),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


def refused(values: dict[str, object], method: str, **options: object) -> str:
    with pytest.raises(Problem) as refusal:
        getattr(Fields(values), method)("x", **options)
    problem = refusal.value
    assert (problem.status, problem.code, problem.fields) == (400, "invalid_request", {"field": "x"})
    return problem.message


@given(ANYTHING)
def test_whatever_a_value_is_it_is_of_the_right_type_or_refused(value: object) -> None:
    fields = Fields({"x": value})
    questions = [
        lambda: fields.text("x", max_chars=10).encode(),
        lambda: fields.flag("x") in (True, False),
        lambda: 0 <= fields.number("x", low=0, high=9) <= 9,
        lambda: 0 <= fields.whole("x", low=0, high=9) <= 9,
        lambda: [text.encode() for text in fields.texts("x", max_items=3, max_chars=10)],
        lambda: [(key.encode(), text.encode()) for key, text in fields.pairs("x", max_items=3).items()],
        lambda: len(fields.data("x", max_bytes=5)) <= 5 or 1 / 0,
        lambda: fields.nested("x").has("y"),
        lambda: fields.mapping("x").get("y"),
    ]
    for question in questions:
        try:
            question()
        except Problem as problem:
            assert problem.status == 400


def test_what_is_missing_is_refused_unless_there_is_a_default() -> None:
    for values in ({}, {"x": None}):
        assert refused(values, "text") == "is missing"
        assert refused(values, "number", low=0, high=1) == "is missing"
        assert refused(values, "whole", low=0, high=1) == "is missing"
        assert refused(values, "data", max_bytes=1) == "is missing"
        fields = Fields(values)
        assert not fields.has("x")
        assert fields.text("x", "d") == "d"
        assert fields.number("x", 0.5, low=0, high=1) == 0.5
        assert fields.whole("x", 1, low=0, high=1) == 1
        assert fields.flag("x", True)
        assert not fields.flag("x")
        assert (fields.texts("x"), fields.pairs("x"), fields.mapping("x")) == ([], {}, {})
        assert not fields.nested("x").has("y")


@pytest.mark.parametrize("value", [1, True, [], "a\0b", "\ud800", "x" * 11])
def test_text_is_characters_without_a_nul(value: object) -> None:
    refused({"x": value}, "text", max_chars=10)
    refused({"x": [value]}, "texts", max_chars=10)
    refused({"x": {"name": value}}, "pairs", max_chars=10)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, -1, 2, "1", True, [1]])
def test_a_number_is_one_and_within_its_bounds(value: object) -> None:
    refused({"x": value}, "number", low=0, high=1)
    refused({"x": value}, "whole", low=0, high=1)


def test_a_whole_number_has_no_fraction() -> None:
    refused({"x": 1.0}, "whole", low=0, high=1)
    assert Fields({"x": 1}).whole("x", low=0, high=1) == 1


@pytest.mark.parametrize("key", ["", "a=b", "a\0b", "\udcff"])
def test_a_name_is_as_an_environment_has_it(key: str) -> None:
    refused({"x": {key: "v"}}, "pairs")


def test_there_are_only_so_many() -> None:
    assert "at most 2" in refused({"x": ["", "", ""]}, "texts", max_items=2)
    assert "at most 2" in refused({"x": {"a": "", "b": "", "c": ""}}, "pairs", max_items=2)


@given(st.binary(max_size=30), st.integers(0, 30))
def test_data_is_base64_and_within_its_bound(data: bytes, limit: int) -> None:
    values = {"x": base64.b64encode(data).decode()}
    if len(data) <= limit:
        assert Fields(values).data("x", max_bytes=limit) == data
    else:
        refused(values, "data", max_bytes=limit)


@pytest.mark.parametrize("text", ["?", "YQ", "YQ=", "Y Q==", "YQ==\n", "ü", "YQ==YQ=="])
def test_what_is_not_base64_is_refused(text: str) -> None:
    refused({"x": text}, "data", max_bytes=100)
