"""docs/promises.toml and the tests agree: every promise is kept, and every one that a test names is made."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROMISES = tomllib.loads((ROOT / "docs/promises.toml").read_text())


def kept() -> Iterator[tuple[str, str]]:
    """Yield id and place of every `pytest.mark.promise("id")` in the tests, as decorator or in a list of marks."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.promise":
                (argument,) = node.args
                assert isinstance(argument, ast.Constant), f"{path}:{node.lineno}: a promise is named by a plain string"
                yield str(argument.value), f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_promise_is_kept_by_a_test() -> None:
    assert not set(PROMISES) - {name for name, _ in kept()}


def test_every_promise_a_test_names_is_made() -> None:
    assert not [f"{place}: {name}" for name, place in kept() if name not in PROMISES]


def test_a_promise_is_a_sentence_with_a_speaking_id() -> None:
    for name, promise in PROMISES.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name), name
        assert set(promise) == {"says"}, name
        assert promise["says"].endswith("."), name
