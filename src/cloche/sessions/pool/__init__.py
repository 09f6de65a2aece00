"""Warm sandboxes: agent and browser up, standing still, until a create takes one.

shape       what of a session's options is built into a sandbox: whether one fits another
warm        one of them: built, laid to rest, woken, given away or thrown away
stock       those of one shape, and how many there should be: what was set, and what was asked for of late
inventory   all stocks, and which of them serves whom
keeper      who takes, what is built next and what goes
figures     what of it is measured
start_page  a page for a browser that has started with another
model       a pool, and what is asked of it
rows        the table of those with a name
named       the use cases of those and of the default pool, for `interface`, which every door calls
"""
