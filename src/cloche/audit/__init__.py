"""The audit journal: what was done, by whom, to what, in a chain that cannot be changed without being found out.

`chain` is its mathematics, `journal` writes it, `rows` are its tables. Knows nothing of what it writes down.
"""
