"""Which driver a short name in the settings means."""

from collections.abc import Callable
from typing import Final

from cloche.errors import InvalidError
from cloche.sandbox.driver import SandboxDriver

DEFAULT: Final = "namespace"


def find_driver(name: str) -> type[SandboxDriver]:
    """Load a driver's class. Only the one asked for is imported: others may need packages that are not installed.

    Raises:
        InvalidError: there is no driver of this name.
    """
    loader = _DRIVERS.get(name)
    if loader is None:
        raise InvalidError(f"unknown sandbox driver; there is: {', '.join(sorted(_DRIVERS))}", field="driver")
    return loader()


def _namespace() -> type[SandboxDriver]:
    from cloche.sandbox.namespace.driver import NamespaceDriver

    return NamespaceDriver


_DRIVERS: Final[dict[str, Callable[[], type[SandboxDriver]]]] = {DEFAULT: _namespace}
