"""The parts of a session: who runs, and the browser stopped, started and restarted with something new.

`tree` (the processes, by part), `wish` (what a restart is asked to change, checked), `extensions` (directories that a
browser may load), `change` (what is put in place while no browser runs, and how it is undone), `browser` (stop, start
and restart, on top of `supervisor` and `tabs`), `errand` (work that its client may leave), `api` (the requests).
"""
