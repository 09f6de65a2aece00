"""Creates that wait for a place: who waits, who is next, and when it makes sense to ask again.

    line       whose turn it is: round robin over principals, first come first served within one (pure)
    turnover   how often places come free, and so what `Retry-After` says (pure)
    place      one session's place, from being waited for to being given back, each step at most once
    queue      takes places from the book of `sessions.admission`, and lets wait who finds none

The book counts, the queue awaits. Whether the machine could bear another session is asked of `sessions.pressure`.
"""
