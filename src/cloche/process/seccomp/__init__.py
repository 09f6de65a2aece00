"""A wall that a child of the daemon puts up around itself: the system calls that it gives up for good (seccomp(2)).

Pure: `filter_table` (which calls are left, as a program for the kernel). Shell: `install` (have the kernel take it).

Standard library only: the live view's encoder has these files, and nothing else of `process`, inside its walls.
"""
