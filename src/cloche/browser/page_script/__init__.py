"""What the daemon runs inside pages, in an isolated world of each document: JavaScript, one file for each matter.

The world shares the document with the page and nothing else: whatever the page has done to `Element.prototype`, there
all is as Chromium made it, and the page cannot see or call what is here. `load` puts the files together. Each file is
a function body in which `cloche` is the library; it adds its functions to it. A function takes one object and returns
a value, or throws `cloche.fail(code, detail)`, where `code` is a `Failure`.
"""
