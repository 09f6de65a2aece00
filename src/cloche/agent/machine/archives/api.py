"""The requests of this part of the machine API."""

from cloche.agent.machine.api import Routes, Surroundings


class ArchiveApi:
    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings

    def routes(self) -> Routes:
        raise NotImplementedError
