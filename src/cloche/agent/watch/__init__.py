"""What changes in the workspace, as `fs_event`s.

Parts: `inotify` (the kernel's own, by ctypes), `polling` (where there is none), `tree` and `changes` (pure: what is
known of the workspace, and what has changed in it), `watcher`.
"""
