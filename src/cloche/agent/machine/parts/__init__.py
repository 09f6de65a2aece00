"""The parts of a session: who runs, and the browser stopped, started and restarted with something new.

`tree` (the processes, by part), `change` (what a restart
applies, and how it is undone), `api` (the requests).
"""
