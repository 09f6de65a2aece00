"""Acting on pages as a person would: the use cases of `contract.actions` that are about elements.

`pointer` clicks, hovers and drags; `typing` types and presses keys; `fields` chooses options and gives files;
`scrolling`, `waiting` and `highlight` are what they are called. `aiming` finds where on the page an element can be
pointed at, `devices` sends the events of mouse and keyboard, and `choosers` keeps the system's dialogs away.

What is done goes through Chromium's input, so pages see events like those of a person; what is looked at goes through
the page script in an isolated world. Nothing here knows budgets, logs or doors.
"""
