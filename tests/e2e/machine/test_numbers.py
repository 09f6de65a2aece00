"""That no scenario is forgotten: each stands with its number and a sentence at the top of one of the files below, and
is tested in that file, by a function whose name holds the number."""

import ast
import re
from pathlib import Path

FILES = sorted(Path(__file__).parent.glob("test_scenarios_*.py"))
NUMBERS = {*range(1, 10), 11, *range(13, 16), *range(17, 20), *range(24, 27), 32, 36}


def test_every_scenario_is_stated_once() -> None:
    stated = [int(number) for file in FILES for number in _stated(file)]
    assert sorted(stated) == sorted(NUMBERS)


def test_every_scenario_is_tested_where_it_is_stated() -> None:
    for file in FILES:
        names = [node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.AsyncFunctionDef)]
        tested = {number for name in names for number in re.findall(r"(?<=_s)\d+(?=_)", name)}
        assert tested == set(_stated(file)), file.name


def _stated(file: Path) -> list[str]:
    return re.findall(r"^S(\d+) +\S.*[.]$", ast.get_docstring(ast.parse(file.read_text())) or "", re.MULTILINE)
