"""A session's live view: who watches, who has control, and the browser's side of both.

`service` is what the doors talk to. It keeps `seats` in a `room`, where `control` (pure) says whose hands count and
programs are paused meanwhile, and tells viewers what has changed by `telling` and `news`. The browser's side is a
`screen`: a `link` keeps a DevTools connection of its own while it is wanted; its `view` knows the `tabs` (pure) and
shows one of them as a `page`, of which `screencast` makes the pictures, `acting` the hands, `driving` the address bar
and the tabs, `look` the size. `in_page.js` is the script that tells of the pointer, the focus and what is copied.
`recorder` is where recordings are handed on to.

Everything that comes from the browser is a stranger's and bounded where it is read; nothing here waits for the browser
but `thumbnail`.
"""
