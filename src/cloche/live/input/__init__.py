"""What viewers do with their hands, as commands of Chromium's DevTools. Pure: no clock, no asyncio, no socket.

`hands` is where it comes together: the state of one pair of hands on one page, which turns each message into steps in
order. It has three parts: `mouse`, `touches` and `keyboard` (with `key_facts`, what a key is and types, and
`shortcuts`, those that edit). `geometry` maps the viewer's box to the page, `commands` says what a step is.

`queue` keeps steps for a browser that is slower than the hands, without ever holding anything down for it. `rate`
counts messages and tells a flood, `clipboard` applies the session's clipboard policy to steps, `address` reads what was
typed in an address bar.

It knows no keyboard: virtual key codes are given to `Hands` by the session. It may not import `browser` or `sessions`.
"""
