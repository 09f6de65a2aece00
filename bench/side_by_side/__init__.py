"""Cloche beside other ways to a browser: the same client, the same pages, the same machine, in turns.

`adapters` has one module for each way: what it takes to make a session there, to connect and to end it. `scenarios` has
one for each thing that is measured; a scenario knows no adapter, and an adapter no scenario. `world` is what both are
given. `results` is what comes out, kept as JSON; `tables`, `plots`, `targets` and `report` make a page of it, and need
nothing but the JSON.

`bench/run` is the command over all of it.
"""
