"""Tokens of a text by a common tokenizer: npm's `gpt-tokenizer` (o200k_base), which brings its vocabulary along."""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

PACKAGE = "gpt-tokenizer@3"
_COUNT = """
const {encode} = require('gpt-tokenizer');
process.stdout.write(String(encode(require('fs').readFileSync(0, 'utf8')).length));
"""


def count_tokens(text: str) -> int | str:
    """Count, or say why it could not be counted."""
    where = _installed()
    if where is None:
        return "no node or npm"
    node = subprocess.run(["node", "-e", _COUNT], cwd=where, input=text.encode(), capture_output=True, check=False)
    return int(node.stdout) if node.returncode == 0 else "failed"


@functools.cache
def _installed() -> Path | None:
    if not (shutil.which("node") and shutil.which("npm")):
        return None
    where = Path(tempfile.gettempdir()) / "cloche-bench-tokens"
    if not (where / "node_modules").exists():
        where.mkdir(exist_ok=True)
        done = subprocess.run(["npm", "install", "--silent", "--no-save", PACKAGE], cwd=where, check=False)
        if done.returncode:
            return None
    return where
