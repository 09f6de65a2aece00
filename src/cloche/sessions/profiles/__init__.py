"""Where sessions and profiles meet: starting from one, saving back, and the use cases that every door calls.

`interface` says what doors may ask. `keeper` gives sessions their profiles and takes them back; `side` is the part of
one session that starts from a profile, with `incoming` (a revision that is being read while the sandbox is built),
`pouring` (a user-data directory in and out of the sandbox) and `refusals` (why something was not saved). `storing` is
what all of them ask of the store.
"""
