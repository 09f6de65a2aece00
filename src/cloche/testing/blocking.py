"""Which of our code may block the event loop for a moment, and why. Everything else fails the test that does it."""

from collections.abc import Iterator
from contextlib import contextmanager

from blockbuster import BlockBuster

# (blockbuster's name of the call, file, function): reason.
ALLOWED: tuple[tuple[str, str, str, str], ...] = (
    ("os.path.abspath", "cloche/storage/database.py", "open", "once, at the daemon's start, before it serves"),
    ("os.unlink", "cloche/agent_link/listen.py", "_bind", "one file in the run directory, which is in memory"),
    ("os.unlink", "cloche/agent_link/listen.py", "close", "the same file"),
    ("os.access", "cloche/storage/database.py", "_upgrade", "alembic reads its steps, where the schema is old"),
    ("os.stat", "cloche/storage/database.py", "_upgrade", "alembic reads its steps, where the schema is old"),
    ("os.scandir", "cloche/storage/database.py", "_upgrade", "alembic reads its steps, where the schema is old"),
    (
        "io.TextIOWrapper.read",
        "cloche/storage/database.py",
        "_upgrade",
        "alembic reads its steps, where the schema is old",
    ),
    ("os.path.abspath", "cloche/storage/database.py", "_upgrade", "alembic reads its steps, where the schema is old"),
    ("os.mkdir", "cloche/testing/driver.py", "create", "the double does what a real driver does in a thread"),
    ("os.stat", "cloche/testing/driver.py", "create", "the double does what a real driver does in a thread"),
    ("os.stat", "cloche/testing/driver.py", "destroy", "the double does what a real driver does in a thread"),
    ("os.scandir", "cloche/testing/driver.py", "destroy", "the double does what a real driver does in a thread"),
    ("os.unlink", "cloche/testing/driver.py", "destroy", "the double does what a real driver does in a thread"),
    ("os.rmdir", "cloche/testing/driver.py", "destroy", "the double does what a real driver does in a thread"),
    ("os.path.islink", "cloche/testing/driver.py", "destroy", "the double does what a real driver does in a thread"),
    ("os.path.samestat", "cloche/testing/driver.py", "destroy", "the double does what a real driver does in a thread"),
)


@contextmanager
def no_blocking_calls() -> Iterator[None]:
    """Raise BlockingError where code of `cloche` blocks while a loop runs in its thread; the test kit itself may."""
    buster = BlockBuster("cloche", excluded_modules=["cloche.testing"])
    for call, file, function, _ in ALLOWED:
        buster.functions[call].can_block_in(file, function)
    buster.activate()
    try:
        yield
    finally:
        buster.deactivate()
