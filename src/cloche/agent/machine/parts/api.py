"""The requests of this part of the machine API.

GET /processes          the parts, and all processes
POST /browser/restart   with new flags, extensions, policies, profile, page
POST /browser/stop, POST /browser/start
"""

import os
from typing import TYPE_CHECKING

from cloche.agent.machine.api import Routes, Surroundings
from cloche.agent.machine.beneath import Places
from cloche.agent.machine.exchange import Exchange
from cloche.agent.machine.parts import tree
from cloche.agent.machine.parts.browser import BrowserCommands
from cloche.agent.machine.parts.errand import Errand
from cloche.agent.machine.parts.wish import read_start, read_wish
from cloche.agent.machine.problem import Problem
from cloche.agent.procfs import read_processes

if TYPE_CHECKING:
    from cloche.agent.machine.process.api import ProcessApi


class PartsApi:
    def __init__(self, surroundings: Surroundings, processes: "ProcessApi | None") -> None:
        self._surroundings, self._processes = surroundings, processes
        self._commands: BrowserCommands | None = None
        browser = surroundings.config.browser
        if browser is not None and surroundings.supervisor is not None:
            self._commands = BrowserCommands(surroundings, surroundings.supervisor, browser)
        self._browser = browser

    def routes(self) -> Routes:
        return {
            "GET /processes": self._list,
            "POST /browser/restart": self._restart,
            "POST /browser/stop": self._stop,
            "POST /browser/start": self._start,
        }

    async def _list(self, exchange: Exchange) -> None:
        around, everyone, agent = self._surroundings, read_processes(), os.getpid()
        programs = self._processes.pids() if self._processes is not None else {}
        roots = {agent: tree.AGENT} | {pid: tree.program(id_) for pid, id_ in programs.items()}
        parts = [tree.agent_part(agent, everyone)]
        if around.supervisor is not None:
            parts.append(tree.browser_part(around.supervisor))
            if around.supervisor.pid is not None:
                roots[around.supervisor.pid] = tree.BROWSER
        parts += tree.program_parts(programs, everyone)
        rows = await tree.rows(around.loop, around.population.members(), tree.owners(everyone, roots))
        await exchange.answer({"parts": parts, "processes": rows})

    async def _restart(self, exchange: Exchange) -> None:
        commands, fields = self._need(), await exchange.fields()
        config = self._surroundings.config
        assert config.browser is not None  # there are commands
        wish = read_wish(fields, Places(config.workspace, config.browser.user_data_dir), config.browser)
        errand = self._errand(exchange)
        await exchange.answer(await errand.run(lambda errand: commands.restart(errand, wish)))

    async def _stop(self, exchange: Exchange) -> None:
        commands = self._need()
        await exchange.fields()
        await exchange.answer(await self._errand(exchange).run(commands.stop))

    async def _start(self, exchange: Exchange) -> None:
        commands, start = self._need(), read_start(await exchange.fields())
        await exchange.answer(await self._errand(exchange).run(lambda errand: commands.start(errand, start)))

    def _need(self) -> BrowserCommands:
        if self._commands is None:
            raise Problem(404, "no_browser", "the agent keeps no browser here")
        return self._commands

    def _errand(self, exchange: Exchange) -> Errand:
        exchange.end_with_client()
        return Errand(self._surroundings.loop, self._surroundings.log)
