import pytest
from pydantic import ValidationError

from cloche.api.rest.key_schemas import KeyIn


@pytest.mark.parametrize(
    "body", [{}, {"principal": "A"}, {"principal": "a", "role": "root"}, {"principal": "a", "x": 1}]
)
def test_a_key_request_is_as_strict(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        KeyIn.model_validate(body)
