"""What changes in the workspace, as `fs_event`s.

What the kernel says is never passed on: it is a hint where to look. Each hint is settled by comparing what is on disk
with what the host has been told, so bursts, late news, races and lost events all end in the same truth.

Parts: `inotify` (the kernel's own, by ctypes), `polling` (looks for differences itself: where there is no inotify, and
after events were lost), `tree` and `changes` (pure: what the host knows, hints and verdicts), `disk` and `workspace`
(what is there now), `reconcile` (settles hints), `observation` (one watch from begin to end), `watcher` (switches it).
"""
