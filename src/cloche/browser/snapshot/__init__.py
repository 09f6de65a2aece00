"""What is done with a page's snapshot after the page's script has told its lines. Pure.

A line is an element or a text, as Playwright's aria snapshots write them, two spaces of indentation a level:

    - list "Cart" [ref=abcd1]:
      - button "Remove" [disabled] [ref=abcd12]
      - text: 3 items

`lines` reads a line's depth and ref. `paging` cuts a snapshot into pages of so many bytes, `search` keeps lines with
a text, `diff` tells what has changed between two snapshots, and `fence` marks the result as the page's words, which
nobody is to take for instructions. All of it takes time in proportion to the lines, or n log n for `diff`.
"""
