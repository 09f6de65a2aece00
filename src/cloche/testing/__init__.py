"""What tests and benchmarks stand on; nothing in the product imports it.

Parts: `netns` (a network of one's own), `web/` (the local web that plays the internet), `daemon` (a real daemon as a
child), `cdp` (a raw DevTools client), `leaks` (what a test left behind). Doubles with a bad temper, a fake clock and
the driver contract suite stand beside them.
"""
