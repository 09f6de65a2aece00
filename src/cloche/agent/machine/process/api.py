"""The requests of this part of the machine API."""

from cloche.agent.machine.api import Routes, Surroundings


class ProcessApi:
    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings

    def routes(self) -> Routes:
        raise NotImplementedError

    @property
    def running(self) -> int:
        raise NotImplementedError

    def pids(self) -> dict[int, str]:
        """The pid of every process that runs, and its id."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Kill everything."""
        raise NotImplementedError
