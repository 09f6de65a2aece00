"""A hosts(5) file that is replaced whole at every change, so that a reader never sees half of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path


class HostsFile:
    """Owns one file. A name with several addresses has one line for each, as hosts(5) allows."""

    def __init__(self, path: Path, names: Mapping[str, Sequence[str]]) -> None:
        self.path = path
        self._first = {name: tuple(addresses) for name, addresses in names.items()}
        self._names = dict(self._first)
        self._write()

    def rebind(self, name: str, *addresses: str) -> None:
        """Give `name` other addresses from now on; with none it no longer exists."""
        self._names[name] = addresses
        self._write()

    def restore(self) -> None:
        """Take back every `rebind`."""
        if self._names != self._first:
            self._names = dict(self._first)
            self._write()

    def addresses(self, name: str) -> tuple[str, ...]:
        return self._names.get(name, ())

    def _write(self) -> None:
        lines = [f"{address} {name}\n" for name, addresses in self._names.items() for address in addresses]
        fresh = self.path.with_suffix(".new")
        fresh.write_text("".join(lines))
        fresh.replace(self.path)
