"""`cloche doctor`: whether this machine can run sessions, and how to mend it where it cannot.

One check a file, each a function from `DoctorSettings` to a `CheckResult`: `python_version`, `bubblewrap` (and whether
it can really build a sandbox), `user_namespaces`, `chromium`, `fonts`, `control_groups`, `uid_range`, `directories`
(state and run), `descriptors`, `inotify`, `clock`, `port`, `keys`, `state_key`, `database`. `check` holds the types,
`checks` the list and the order, `from_settings` the way from the daemon's settings, `programs` runs what a check runs.

Checks block, look and change nothing. Rendering is the command line's.
"""
