"""Hours of use in minutes, and what grew meanwhile.

`deeds` are what a session can go through, from a plain create and close to a daemon killed over its sleepers.
`readings` counts everything that could be left behind, at moments when no session lives. `growth` tells growth from
noise, on figures alone. `report` says it. `bench/soak` is the command.
"""
