import time, pytest, asyncio
from cloche.testing.daemon import DaemonProcess
DaemonProcess.command=("-c","from cloche.daemon.main import run; raise SystemExit(run())")

async def test_up_and_down(daemon):
    print(daemon.base_url)
    print((await daemon.request("GET","/healthz")).json, (await daemon.request("GET","/readyz")).json)

async def test_session(daemon, local_web, cdp):
    t=time.time()
    s = await daemon.create_session(start_url=local_web.url("site.test","/link"))
    print(time.time()-t, s)
    b = await cdp(s["connect_url"])
    print(await b.send("Browser.getVersion"))
    p = await b.new_page(local_web.url("site.test","/page"))
    print(await p.evaluate("document.title"))
    print(local_web.requests())
    await daemon.kill9()
    await daemon.restart()
    print((await daemon.request("GET","/v1/sessions")).json)
    b = await cdp(s["connect_url"])
    print(await b.send("Browser.getVersion"))
