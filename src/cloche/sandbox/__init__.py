"""The walls a session runs in.

`spec` says what is wanted, `driver` is the contract every kind of sandbox keeps, `registry` finds a driver by its
short name, `agent_bundle` renders the agent as the one file that goes into every kind of sandbox, `namespace/` is
the embedded driver (bubblewrap). A driver knows processes, mounts and limits; it knows nothing of sessions, policies
or DevTools, and drivers never import each other.
"""
