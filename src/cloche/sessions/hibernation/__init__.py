"""Hibernation: the whole state of a session sealed on the disk, nothing of it running, and the way back.

    ready or sleeping ──► snapshot written and synced ──► row `hibernated` ──► sandbox, agent, gateway gone
                                                              │
              row `ready` ◄── state and tabs restored ◄── new sandbox ◄── whoever comes

`service` goes both ways and owns the sessions that lie so; `snapshots` is what is kept of one, in the forms of
`cloche.profiles`; `lying` ends those whose lifetime is over; `taken_up` starts a browser again that a crash in the
middle of all this has left stopped. At every moment either the sandbox is adopted by the next daemon, or the snapshot
is whole: the row, which is written between the two, says which.
"""
