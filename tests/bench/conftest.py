"""The benches are programs, not a package: their folder goes on the path, last, so that it hides nothing."""

import sys
from pathlib import Path

for folder in (Path(__file__).parents[2] / "bench", Path(__file__).parent):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
