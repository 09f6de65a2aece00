"""The embedded driver: a sandbox made of Linux namespaces by bubblewrap, on this machine, with no daemon but ours.

Pure: `argv` (facts → the whole command line), `places` (where things are inside), `uid_range` (which host uid is
whose), `reasons` (why a start failed).
Shell: `config` (what the driver is told), `host` (what this machine offers), `engine` (where a Chromium really lies),
`image` (the read-only root, built once from `libraries`, `python_files`, `image_files` and the agent), `shell` (what a
session made with `machine` has besides), `runtime_dir` (where both are kept), `run_dir` (a sandbox's directory and
record), `handle` (what is known of one sandbox), `members` (its processes).
The verbs: `driver`, by way of `creation`, `starting` (with `launch`, the handshake), `freezing`, `ending` and
`recovery`.

`docs/reference/namespace-driver.md` lists the walls. Nothing here knows sessions, policies or DevTools.
"""
