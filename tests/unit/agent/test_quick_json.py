import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.quick_json import loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(VALUES, st.sampled_from([None, 2]), st.sampled_from(["", " ", "\n"]))
def test_it_reads_what_json_writes(value: object, indent: int | None, blank: str) -> None:
    assert loads(blank + json.dumps(value, indent=indent) + blank) == value


@given(st.text(max_size=30))
def test_it_judges_any_text_as_json_does(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError):
            loads(text)
    else:
        assert repr(loads(text)) == repr(expected)
