"""The guest protocol: what a host asks an agent in a virtual machine, in frames on vsock or on a unix socket.

Parts: `listeners` (where it is served, and who may connect), `conversation` (one connection), `verbs` (what each
request does), `exec_gate` (whether Exec may), `exec`.
"""
