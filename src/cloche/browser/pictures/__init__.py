"""Pictures and prints of pages.

`screenshot` and `pdf` are the use cases; `failure` is the picture beside an action that failed; `image_size` (pure)
reads how large a picture is from its head. Nothing of a picture is decoded in the daemon: every byte is a stranger's.
"""
