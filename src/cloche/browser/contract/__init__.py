"""What can be asked of a session's browser, and what is answered: one request and one response for every use case.

`use_cases` is the table of them all; REST and gRPC are made from it, so both doors know the same fields, bounds and
defaults. The names are those of the protocol buffers in `proto/`. A request's zero, empty text or None leaves a matter
to the session's budget or to the default that its field tells. Plain values only: no life, no input or output.
"""
