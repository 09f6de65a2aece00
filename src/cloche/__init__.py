"""Cloche: self-hosted browser infrastructure, every session under its own glass.

The daemon (`daemon`) keeps sessions (`sessions`); each session is a sandbox (`sandbox`) with an agent
(`agent`) and a Chromium inside, reachable only over a link (`agent_link`) and leaving only through its egress
gateway (`egress`). Programs come in through `api`; people type `cli`. `docs/architecture.md` has the map of
who may import whom, and `tests/test_layers.py` enforces it.
"""

__version__ = "0.1.0"
