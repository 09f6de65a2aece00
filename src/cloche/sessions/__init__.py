"""Sessions: where the concerns meet.

Pure: `machine` (states and transitions), `budget` (what was asked, clamped to ceilings), `idle` (when to end),
`admission` (may there be one more), `reconcile` (wanted against observed). Shell: `manager` (the use cases the doors
call), `creation` (a session's way up), `runner` (one live session: sandbox, link, gateway, browser), `watch` (its time
and its accounts), `standby` (its sleep), `recovery` (after a restart), `events` (typed,
stored, resumable), `rows` (the table). Whoever finds no place waits in `waiting`; whether the machine can bear one more
says `pressure`.

A door calls the manager and nothing deeper. Nothing here knows HTTP.
"""
