"""Reading a page and what is in its frames.

`accessibility` has Chromium keep its accessibility tree for a document, `frames` asks the page script in all frames and
puts what is in an iframe below its line, `store` keeps a tab's last snapshots for paging and comparing. The use cases
are in `cloche.browser.observe`; what is done with lines is in `cloche.browser.snapshot`.
"""
