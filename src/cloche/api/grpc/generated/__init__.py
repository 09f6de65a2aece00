"""Messages and descriptors of `proto/cloche/browser/v1/browser.proto`, made by `script/proto`.

Not to be edited: `tests/test_proto.py` makes them anew and compares. There are no stubs among them, since the service
is made from the table of use cases; a client makes its own, see `docs/how-to/grpc.md`.
"""
