import pytest

from cloche.errors import InvalidError
from cloche.sandbox.namespace.driver import NamespaceDriver
from cloche.sandbox.registry import DEFAULT, find_driver


def test_the_default_is_the_namespace_driver() -> None:
    assert find_driver(DEFAULT) is NamespaceDriver
    assert find_driver(DEFAULT).name == DEFAULT


def test_an_unknown_name_is_the_callers_mistake() -> None:
    with pytest.raises(InvalidError):
        find_driver("teapot")
