"""What a session's pages asked of the network and wrote to the console, as DevTools tells it: no page can forge it.

`network` and `console` observe all tabs and keep what they are told, already redacted and cut to size: nothing else of
it is in the daemon's memory. `rings` bounds it, `answers` are the use cases. `network_events` and `console_events`
(pure) are the shapes of the events, `console_text` (pure) makes text of what a script logged.
"""
