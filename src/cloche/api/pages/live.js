"use strict";
// Watches and drives one session over its own DevTools door: one WebSocket, flat sessions (CDP, Target domain).
const { session_id: SESSION, connect_url: CONNECT } = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const screen_ = $("screen"), painter = screen_.getContext("2d");
const FOR_GOOD = new Set([401, 403, 404, 410]);

let socket = null, nextId = 1, waiting = new Map(), retryMs = 500;
let tabs = new Map(), shown = null, attached = null, frame = { width: 1280, height: 800 };

function say(text, bad = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
}

// -- the wire ---------------------------------------------------------------------------------------------------

function call(method, params = {}, sessionId = undefined) {
  if (!socket || socket.readyState !== WebSocket.OPEN) return Promise.reject(new Error("not connected"));
  const id = nextId++;
  socket.send(JSON.stringify({ id, method, params, sessionId }));
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}
// A tab may close under any call; what is on screen then changes by itself.
const page = (method, params) => (attached ? call(method, params, attached).catch(() => null) : Promise.resolve(null));

function connect() {
  const mine = new WebSocket(CONNECT);
  let opened = false;
  socket = mine;
  mine.onopen = () => {
    opened = true;
    retryMs = 500;
    say("Connected");
    call("Target.setDiscoverTargets", { discover: true }).catch(() => {});
  };
  mine.onmessage = (message) => receive(JSON.parse(message.data));
  mine.onclose = (event) => {
    for (const { reject } of waiting.values()) reject(new Error("closed"));
    waiting = new Map(); tabs = new Map(); shown = attached = null;
    screen_.classList.add("stale");
    $("dialog").hidden = true;
    drawTabs();
    const ended = opened && event.code !== 1006 && event.code !== 1012 && event.reason !== "server_stopping";
    if (ended) say(`The session has ended: ${event.reason || event.code}`, true);
    else retry();
  };
}

async function retry() {
  say("Connection lost. Asking again…", true);
  try {  // a failed WebSocket does not tell why; an HTTP answer does
    const answer = await fetch(CONNECT.replace(/^ws/, "http").replace("/cdp?", "/json/version?"));
    if (FOR_GOOD.has(answer.status)) {
      const problem = await answer.json();
      return say(answer.status === 401 ? "This link has expired. Ask for a new one." : problem.detail, true);
    }
  } catch { /* the server is away: try again below */ }
  setTimeout(connect, retryMs * (0.75 + Math.random() / 2));
  retryMs = Math.min(retryMs * 2, 15000);
}

function receive(message) {
  if (message.id) {
    const waiter = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) waiter?.reject(new Error(message.error.message)); else waiter?.resolve(message.result);
  } else if (!message.sessionId || message.sessionId === attached) {
    events[message.method]?.(message.params);
  }
}

const events = {
  "Target.targetCreated": ({ targetInfo: info }) => {
    if (info.type !== "page") return;
    tabs.set(info.targetId, info);
    if (!shown || info.openerId === shown) show(info.targetId); else drawTabs();
  },
  "Target.targetInfoChanged": ({ targetInfo: info }) => {
    if (!tabs.has(info.targetId)) return;
    tabs.set(info.targetId, info);
    drawTabs();
  },
  "Target.targetDestroyed": ({ targetId }) => {
    if (!tabs.delete(targetId)) return;
    if (targetId === shown) { shown = attached = null; screen_.classList.add("stale"); }
    const next = [...tabs.keys()].pop();
    if (!shown && next) show(next); else drawTabs();
  },
  "Page.domContentEventFired": () => refreshTitles(),
  "Page.loadEventFired": () => refreshTitles(),
  "Page.screencastFrame": ({ data, metadata, sessionId }) => {
    page("Page.screencastFrameAck", { sessionId });
    paint(data, metadata);
  },
  "Page.javascriptDialogOpening": ({ type, message, defaultPrompt }) => {
    $("dialog-text").textContent = message || type;
    $("dialog-input").hidden = type !== "prompt";
    $("dialog-input").value = defaultPrompt || "";
    $("dialog-cancel").hidden = type === "alert";
    $("dialog").hidden = false;
    $("dialog-ok").focus();
  },
  "Page.javascriptDialogClosed": () => { $("dialog").hidden = true; },
};

// -- tabs and the bar -------------------------------------------------------------------------------------------

async function show(targetId) {
  const before = attached;
  shown = targetId; attached = null;
  drawTabs();
  if (before) call("Target.detachFromTarget", { sessionId: before }).catch(() => {});
  try {
    const { sessionId } = await call("Target.attachToTarget", { targetId, flatten: true });
    if (shown !== targetId) return call("Target.detachFromTarget", { sessionId }).catch(() => {});
    attached = sessionId;
    await page("Page.enable");
    await page("Page.bringToFront");
    startScreencast();
  } catch { if (shown === targetId) shown = null; }
}

const startScreencast = () =>
  page("Page.startScreencast", { format: "jpeg", quality: 75, maxWidth: 1920, maxHeight: 1200, everyNthFrame: 1 });

function drawTabs() {
  const list = $("tabs"), focused = document.activeElement?.dataset?.target;
  list.replaceChildren(...[...tabs.values()].map((info) => {
    const item = document.createElement("div"), open = document.createElement("button"), close = document.createElement("button");
    item.className = "tab";
    open.textContent = info.title || info.url || "New tab";
    open.title = info.url;
    open.dataset.target = info.targetId;
    open.setAttribute("aria-current", String(info.targetId === shown));
    open.onclick = () => show(info.targetId);
    close.textContent = "×";
    close.setAttribute("aria-label", `Close ${open.textContent}`);
    close.onclick = () => call("Target.closeTarget", { targetId: info.targetId }).catch(() => {});
    item.append(open, close);
    if (info.targetId === focused) queueMicrotask(() => open.focus());
    return item;
  }));
  const info = tabs.get(shown);
  if (info && document.activeElement !== $("address")) $("address").value = info.url === "about:blank" ? "" : info.url;
  document.title = info?.title ? `${info.title} · live` : `Live session ${SESSION}`;
  for (const id of ["back", "forward", "reload", "address"]) $(id).disabled = !info;
}

// Chromium tells of a new address but not of a new title; so look, and draw only what has changed.
async function refreshTitles() {
  const found = await call("Target.getTargets").catch(() => null);
  let changed = false;
  for (const info of found?.targetInfos || []) {
    const known = tabs.get(info.targetId);
    if (!known || (known.title === info.title && known.url === info.url)) continue;
    tabs.set(info.targetId, info);
    changed = true;
  }
  if (changed) drawTabs();
}
setInterval(() => document.hidden || refreshTitles(), 2000);

async function travel(step) {
  const history = await page("Page.getNavigationHistory");
  const entry = history?.entries[history.currentIndex + step];
  if (entry) page("Page.navigateToHistoryEntry", { entryId: entry.id });
}

$("back").onclick = () => travel(-1);
$("forward").onclick = () => travel(1);
$("reload").onclick = () => page("Page.reload");
$("new-tab").onclick = async () => {
  const made = await call("Target.createTarget", { url: "about:blank" }).catch(() => null);
  if (made) { await show(made.targetId); $("address").focus(); }
};
$("bar").onsubmit = async (event) => {
  event.preventDefault();
  const text = $("address").value.trim();
  if (!text) return;
  const url = /^[a-z][a-z0-9+.-]*:/i.test(text) && !/^[^/]*:\d+(\/|$)/.test(text) ? text : `https://${text}`;
  screen_.focus();
  say(`Opening ${url}`);
  const result = await page("Page.navigate", { url });
  say(result?.errorText ? `Could not open ${url}: ${result.errorText}` : "Connected", Boolean(result?.errorText));
};
const answer = (accept) => {
  page("Page.handleJavaScriptDialog", { accept, promptText: $("dialog-input").value });
  $("dialog").hidden = true;
  screen_.focus();
};
$("dialog-ok").onclick = () => answer(true);
$("dialog-cancel").onclick = () => answer(false);

// -- the picture ------------------------------------------------------------------------------------------------

let painting = false, newest = null;
async function paint(data, metadata) {
  newest = { data, metadata };
  if (painting) return;  // a slow machine skips frames instead of queueing them
  painting = true;
  while (newest) {
    const { data: jpeg, metadata: facts } = newest;
    newest = null;
    const bytes = Uint8Array.from(atob(jpeg), (character) => character.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" })).catch(() => null);
    if (!image) continue;
    if (screen_.width !== image.width || screen_.height !== image.height) {
      screen_.width = image.width; screen_.height = image.height;
    }
    painter.drawImage(image, 0, 0);
    image.close();
    frame = { width: facts.deviceWidth, height: facts.deviceHeight };
    screen_.classList.remove("stale");
  }
  painting = false;
}
document.addEventListener("visibilitychange", () =>
  document.hidden ? page("Page.stopScreencast") : startScreencast());

// -- hands ------------------------------------------------------------------------------------------------------

const BUTTONS = ["left", "middle", "right", "back", "forward"];
const modifiers = (event) => (event.altKey ? 1 : 0) | (event.ctrlKey ? 2 : 0) | (event.metaKey ? 4 : 0) | (event.shiftKey ? 8 : 0);
function place(event) {
  const box = screen_.getBoundingClientRect();
  return { x: ((event.clientX - box.left) * frame.width) / box.width, y: ((event.clientY - box.top) * frame.height) / box.height };
}
function mouse(type, event, extra = {}) {
  page("Input.dispatchMouseEvent", { type, ...place(event), modifiers: modifiers(event), buttons: event.buttons, ...extra });
}
let moved = null;
screen_.onpointermove = (event) => {
  if (!moved) requestAnimationFrame(() => { mouse("mouseMoved", moved, { button: "none" }); moved = null; });
  moved = event;
};
screen_.onpointerdown = (event) => {
  screen_.focus();
  screen_.setPointerCapture(event.pointerId);
  mouse("mousePressed", event, { button: BUTTONS[event.button], clickCount: clicks(event) });
  event.preventDefault();
};
screen_.onpointerup = (event) => mouse("mouseReleased", event, { button: BUTTONS[event.button], clickCount: count });
screen_.oncontextmenu = (event) => event.preventDefault();
screen_.addEventListener("wheel", (event) => {
  const unit = event.deltaMode === 1 ? 20 : event.deltaMode === 2 ? frame.height : 1;
  mouse("mouseWheel", event, { deltaX: event.deltaX * unit, deltaY: event.deltaY * unit });
  event.preventDefault();
}, { passive: false });

let count = 0, last = { at: -1e9, x: 0, y: 0 };
function clicks(event) {  // pointer events do not count clicks themselves
  const near = event.timeStamp - last.at < 500 && Math.hypot(event.clientX - last.x, event.clientY - last.y) < 6;
  count = near ? count + 1 : 1;
  last = { at: event.timeStamp, x: event.clientX, y: event.clientY };
  return count;
}

function key(type, event) {
  const text = type === "keyDown" && !event.ctrlKey && !event.metaKey
    ? (event.key.length === 1 ? event.key : event.key === "Enter" ? "\r" : undefined) : undefined;
  page("Input.dispatchKeyEvent", {
    type: type === "keyDown" && text === undefined ? "rawKeyDown" : type,
    key: event.key, code: event.code, text, unmodifiedText: text, modifiers: modifiers(event),
    windowsVirtualKeyCode: event.keyCode, location: event.location, autoRepeat: event.repeat,
    isKeypad: event.location === 3, commands: type === "keyDown" ? editing(event) : undefined,
  });
}
const EDITING = { a: "selectAll", c: "copy", x: "cut", z: "undo", y: "redo" };
const editing = (event) => ((event.ctrlKey || event.metaKey) && EDITING[event.key.toLowerCase()] ? [EDITING[event.key.toLowerCase()]] : undefined);

screen_.onkeydown = (event) => {
  if (event.isComposing) return;
  if (event.key === "Escape" && event.shiftKey) { $("address").focus(); event.preventDefault(); return; }
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "v") return;  // the paste event brings the text
  key("keyDown", event);
  event.preventDefault();
};
screen_.onkeyup = (event) => { if (!event.isComposing) key("keyUp", event); };
document.addEventListener("paste", (event) => {
  if (document.activeElement !== screen_) return;
  page("Input.insertText", { text: event.clipboardData.getData("text/plain") });
  event.preventDefault();
});

drawTabs();
connect();
