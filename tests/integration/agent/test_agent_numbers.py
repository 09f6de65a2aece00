"""That no promise (A the browser agent's, B the guest agent's) and no pitfall (P) of the published agents is forgotten.

Each stands with its number and a sentence at the top of one of the files below, and is either tested in that file, by
a function whose name begins with the number, or named here with the reason why there is nothing to test.
"""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
FILES = (*sorted(HERE.glob("test_agent_promises*.py")), *sorted(HERE.glob("test_agent_pitfalls*.py")))
NUMBERS = {*(f"A{n}" for n in range(1, 10)), *(f"B{n}" for n in range(1, 18)), *(f"P{n}" for n in range(1, 19))}

NOT_OURS = {
    "A8": "it is said of a repository's own tests: these files are what answers it",
}


def _stated(file: Path) -> list[str]:
    """The numbers that stand at the top of a file, each with a sentence."""
    return re.findall(r"^([ABP]\d+) +\S.*\.$", ast.get_docstring(ast.parse(file.read_text())) or "", re.MULTILINE)


def _tested(file: Path) -> set[str]:
    functions = (node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef))
    return {found[1].upper() for name in functions if (found := re.match(r"test_([abp]\d+)_", name))}


def test_every_number_is_stated_once() -> None:
    stated = [number for file in FILES for number in _stated(file)]
    assert sorted(stated) == sorted(NUMBERS)


def test_every_number_is_tested_where_it_is_stated_or_has_a_reason() -> None:
    for file in FILES:
        assert _tested(file) | (NOT_OURS.keys() & set(_stated(file))) == set(_stated(file)), file.name


def test_what_is_tested_needs_no_reason() -> None:
    assert not NOT_OURS.keys() & set().union(*map(_tested, FILES))
    assert NOT_OURS.keys() <= NUMBERS
