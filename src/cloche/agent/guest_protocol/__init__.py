"""The guest protocol: what a host asks an agent in a virtual machine, in frames on vsock or on a unix socket.

Parts: `address` (what may be listened on), `listeners` (who may connect there), `conversation` (one connection),
`places` (how many there may be, and who makes room), `verbs` (what each request does), `fitting` (answers that go
into a frame), `exec_gate` (whether Exec may run anything), `exec` (running it).

Requests and answers as values are in `cloche.wire.guest`, the bytes in `cloche.wire.frames`.
"""
