import asyncio
from cloche.testing.daemon import DaemonProcess
from cloche.testing.cdp import CdpClient
from cloche.testing.live_watchers import *
async def test_release(daemon):
    session = await daemon.create_session()
    async with await CdpClient.connect(session["connect_url"]) as client:
        targets = (await client.send("Target.getTargets"))["targetInfos"]
        page = await client.attach(next(one["targetId"] for one in targets if one["type"] == "page"))
        await page.send("Page.enable")
        await page.goto(MOVING)
    async with watching(live_ws(daemon, session), key=daemon.key, transport="jpeg") as v:
        await v.say("take_control")
        await v.until(lambda o: o.state["control"]["mine"])
        await v.say("keydown", key="Shift", code="ShiftLeft")
        await v.pictured(JPEG, 3)
        await v.drop()
    for i in range(30):
        await asyncio.sleep(1)
        async with await CdpClient.connect(session["connect_url"]) as client:
            targets = (await client.send("Target.getTargets"))["targetInfos"]
            page = await client.attach(next(one["targetId"] for one in targets if one["type"] == "page"))
            s = await page.evaluate("seen")
            st = (await daemon.request("GET", f"/v1/sessions/{session['id']}/live/state")).json
            print(i, s, st["control"], len(st["viewers"]))
            if len(s) > 1: break
    assert 0
