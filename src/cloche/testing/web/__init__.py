"""A local web for tests: named hosts on public-looking and forbidden addresses, with pages that try everything.

Parts: `names` (which host has which address), `hosts` (the hosts file that a resolver reads; names can be moved while
it runs), `app` (what each path answers), `streams` (slow, endless and large bodies), `pages/` (the HTML and scripts),
`cases` (pages that are hard to act on, from `tests/data/pages`, at `/pages/…`), `raw` (ports that hang, reset or talk
nonsense, and UDP canaries), `log` (who asked for what), `server` (`LocalWeb`, which owns all of it and runs it in a
thread of its own, so that synchronous tests can use it too).

    async with LocalWeb() as web:
        await page.goto(web.url("site.test", "/link"))
        await web.wait_for_request("other.test", "/page")

Inside `cloche.testing.netns` it listens on ports 80 and 443 of every address. `python -m cloche.testing.web` serves it
on loopback for benchmarks and demonstrations.
"""
