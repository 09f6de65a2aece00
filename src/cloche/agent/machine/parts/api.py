"""The requests of this part of the machine API."""

from cloche.agent.machine.api import Routes, Surroundings
from cloche.agent.machine.process.api import ProcessApi


class PartsApi:
    def __init__(self, surroundings: Surroundings, processes: ProcessApi | None) -> None:
        self._surroundings, self._processes = surroundings, processes

    def routes(self) -> Routes:
        raise NotImplementedError
