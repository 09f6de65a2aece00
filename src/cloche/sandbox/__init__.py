"""The walls a session runs in.

`spec` says what is wanted, `driver` is the contract every kind of sandbox keeps, `registry` finds a driver by its
short name, `namespace/` is the embedded one (bubblewrap). A driver knows processes, mounts and limits; it knows
nothing of sessions, policies or DevTools, and drivers never import each other.
"""
