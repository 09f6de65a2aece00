"""The daemon: the composition root.

`settings` (variables and cloche.toml, read once at the edge), `bootstrap` (builds everything: the only place that
knows concrete classes), `listeners` (sockets bound before anything starts), `record` (what a running daemon leaves
for tools on the same machine), `main` (start, serve, stop, signals), `doctor/` (one check a file).
"""
