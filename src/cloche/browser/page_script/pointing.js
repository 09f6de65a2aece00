// Makes sure that an element can be acted on, and tells where; watches whether what was sent reaches it.

const dom = cloche.dom;
const MARGIN_MS = 40;
const AGAIN = new Set(['selector_not_found', 'not_visible', 'not_stable', 'not_enabled', 'not_editable', 'covered',
  'outside_viewport', 'detached', 'value_not_found']);
const PAUSES_MS = [0, 0, 20, 50, 100, 100, 200];

// Finds the one element and does `act(element, turn)` with it, again until it succeeds or time is up; fails with the
// last reason. `patience_ms`: how long to go on while nothing is found.
cloche.attempt = async (args, act) => {
  const began = cloche.now();
  const until = began + args.deadline_ms - MARGIN_MS;
  const patience = Math.min(until, began + (args.patience_ms ?? Infinity));
  for (let turn = 0; ; turn++) {
    const turned = cloche.now();
    let pause = PAUSES_MS[Math.min(turn, PAUSES_MS.length - 1)];
    try {
      const found = cloche.findAll(args.parts, Math.max(until, turned + MARGIN_MS));
      const element = cloche.choose(found, args.strict);
      if (!element) throw cloche.fail('selector_not_found', 'no element fits the selector');
      return {...await act(element, turn), matches: found.length, document: cloche.document};
    } catch (error) {
      if (!AGAIN.has(error.code)) throw error;
      // A search that takes long leaves the page as much time as it took.
      pause = Math.max(pause, cloche.now() - turned);
      if (cloche.now() + pause >= (error.code === 'selector_not_found' ? patience : until)) throw error;
    }
    await (pause < 20 ? cloche.nextFrame() : cloche.sleep(pause));
  }
};

// The iframe that the selector names, for the daemon to look into.
cloche.frameRef = (args) => cloche.attempt(args, (element) => ({ref: cloche.refOf(element)}));

cloche.requireVisible = (element) => {
  if (!cloche.isVisible(element)) throw cloche.fail('not_visible', `${cloche.describe(element)} is not visible`);
};

cloche.requireEnabled = (element) => {
  if (!cloche.isEnabled(element)) throw cloche.fail('not_enabled', `${cloche.describe(element)} is not enabled`);
};

// --- where ---

const isInView = ({x, y}) => x >= 0 && y >= 0 && x < innerWidth && y < innerHeight;

// The middle of the first of its boxes that is in view, or the place that was asked for; null while that is not in view.
function placeIn(element, {position_x, position_y}) {
  if (position_x != null || position_y != null) {
    const box = dom.getBoundingClientRect(element);
    return {x: box.left + (position_x ?? box.width / 2), y: box.top + (position_y ?? box.height / 2)};
  }
  for (const box of boxesOf(element)) {
    const left = Math.max(box.left, 0), right = Math.min(box.right, innerWidth);
    const top = Math.max(box.top, 0), bottom = Math.min(box.bottom, innerHeight);
    if (right - left > 0 && bottom - top > 0) return {x: (left + right) / 2, y: (top + bottom) / 2};
  }
  return null;
}

function boxesOf(element) {
  const boxes = dom.getClientRects(element);
  if (boxes.length || cloche.styleOf(element).display !== 'contents') return boxes;
  const range = dom.createRange(document);
  range.selectNodeContents(element);
  return range.getClientRects();
}

// What is at a point, in open shadow roots too.
function hitAt({x, y}) {
  let root = document;
  let hit = null;
  for (;;) {
    const inner = dom.elementFromPoint(root, x, y);
    if (!inner || inner === hit) return hit;
    hit = inner;
    const shadow = dom.shadowRoot(hit);
    if (!shadow) return hit;
    root = shadow;
  }
}

// Whether acting on `hit` acts on `element`: it is in it, in the button or link around it, or in its label.
function counts(element, hit) {
  if (dom.holds(element, hit)) return true;
  const around = dom.nearest(element, 'button, [role=button], a, [role=link]');
  if (around && dom.holds(around, hit)) return true;
  const label = dom.nearest(hit, 'label');
  return label !== null && label.control === element;
}

function requireHit(element, place) {
  const hit = hitAt(place);
  if (!hit) throw cloche.fail('outside_viewport', `${cloche.describe(element)} cannot be brought into view`);
  if (!counts(element, hit)) {
    throw cloche.fail('covered', `${cloche.describe(hit)} covers ${cloche.describe(element)}`);
  }
}

// What covers an element (a header that sticks, say) may not when it is brought into view another way.
const WAYS = ['center', 'end', 'center', 'start'];

function bringIntoView(element, turn) {
  const way = WAYS[turn % WAYS.length];
  dom.scrollIntoView(element, {block: way, inline: way, behavior: 'instant'});
}

// Scrolls whatever is around the element until the point is in view of each.
function bringPointIntoView(element, placeOf) {
  for (let around = dom.around(element); around; around = dom.around(around)) {
    if (around === dom.scrollingElement(document) || !canScroll(around)) continue;
    const box = dom.getBoundingClientRect(around);
    const {x, y} = placeOf();
    const left = x < box.left || x >= box.right ? x - (box.left + box.right) / 2 : 0;
    const top = y < box.top || y >= box.bottom ? y - (box.top + box.bottom) / 2 : 0;
    if (left || top) dom.scrollBy(around, {left, top, behavior: 'instant'});
  }
  const {x, y} = placeOf();
  const left = x < 0 || x >= innerWidth ? x - innerWidth / 2 : 0;
  const top = y < 0 || y >= innerHeight ? y - innerHeight / 2 : 0;
  if (left || top) scrollBy({left, top, behavior: 'instant'});
}

function canScroll(element) {
  return dom.scrollHeight(element) > dom.clientHeight(element) || dom.scrollWidth(element) > dom.clientWidth(element);
}

function reach(element, args, turn) {
  let place = placeIn(element, args);
  if (turn > 0 || !place || !isInView(place)) {
    bringIntoView(element, turn ? turn - 1 : 0);
    place = placeIn(element, args);
    if (place && !isInView(place)) {
      bringPointIntoView(element, () => placeIn(element, args) ?? place);
      place = placeIn(element, args);
    }
  }
  if (!place) {
    if (!boxesOf(element).length) throw cloche.fail('not_visible', `${cloche.describe(element)} has no box`);
    throw cloche.fail('outside_viewport', `${cloche.describe(element)} cannot be brought into view`);
  }
  if (!isInView(place)) throw cloche.fail('outside_viewport', 'that place cannot be brought into view');
  if (!args.force) requireHit(element, place);
  return place;
}

const timelineOf = Object.getOwnPropertyDescriptor(Document.prototype, 'timeline').get;
const timeOf = (page) => timelineOf.call(page).currentTime;

// Elements that are pointed at, from `point` to `landed`, by the number of the aim.
const aims = new Map();
let lastAim = 0;
const MAX_AIMS = 64;

// Where to point at the one element. `enabled`: whether it has to be. What follows is `confirm`, with the answer's `aim`.
cloche.point = (args) => {
  let misses = 0;
  return cloche.attempt(args, (element) => {
    if (!args.force) {
      cloche.requireVisible(element);
      if (args.enabled) cloche.requireEnabled(element);
    }
    try {
      const place = reach(element, args, misses);
      for (const [number, old] of aims) if (aims.size >= MAX_AIMS) drop(number, old);
      const box = dom.getBoundingClientRect(element);
      aims.set(++lastAim, {element, place, box, time: timeOf(document), verdict: null, chooser: false, download: false});
      return {...place, aim: lastAim};
    } catch (error) {
      misses++;
      throw error;
    }
  });
};

// Waits for a frame to be drawn while the pointer moves onto the element; whether it is still there then. `watch`: the
// events to look out for from here on, see `landed`.
cloche.confirm = async ({aim, watch, deadline_ms}) => {
  const state = aims.get(aim);
  await cloche.nextFrame();
  // What is animated is where it was, while the page's time is: then it takes one frame more to see it move.
  if (state && state.time === timeOf(document)) await cloche.nextFrame();
  if (!aims.has(aim) || !dom.isConnected(state.element)) throw cloche.fail('detached', 'the element left the page meanwhile');
  const {element, place} = state;
  cloche.requireVisible(element);
  const [was, box] = [state.box, dom.getBoundingClientRect(element)];
  if (['x', 'y', 'width', 'height'].some((side) => Math.abs(was[side] - box[side]) > 0.01)) {
    throw cloche.fail('not_stable', `${cloche.describe(element)} is moving`);
  }
  requireHit(element, place);
  if (watch.length) listen(aim, state, watch, deadline_ms);
  else aims.delete(aim);
};

// Where a point of the document in an iframe is in this one. A frame that is turned or in perspective is not covered,
// one that is moved or scaled is.
function outOf(frame, {x, y}) {
  const style = cloche.styleOf(frame);
  const box = dom.getBoundingClientRect(frame);
  const across = dom.offsetWidth(frame) ? box.width / dom.offsetWidth(frame) : 1;
  const down = dom.offsetHeight(frame) ? box.height / dom.offsetHeight(frame) : 1;
  return {
    x: box.left + (dom.clientLeft(frame) + parseFloat(style.paddingLeft) + x) * across,
    y: box.top + (dom.clientTop(frame) + parseFloat(style.paddingTop) + y) * down,
    across,
    down,
  };
}

// A box of the document in an iframe, in this one.
cloche.boxOutOf = ({ref, box}) => {
  const place = outOf(cloche.elementOf(ref), box);
  return {x: place.x, y: place.y, width: box.width * place.across, height: box.height * place.down};
};

// The box of an element that is to be seen, in the viewport.
cloche.box = (args) => cloche.attempt(args, (element) => {
  cloche.requireVisible(element);
  return cloche.boxOf(element);
});

// A point of the document in an iframe in this one, once it is in view here and nothing covers it.
cloche.throughFrame = (args) => {
  let misses = 0;
  return cloche.attempt(args, (frame) => {
    const placeOf = () => outOf(frame, args);
    if (misses > 1) bringIntoView(frame, misses);
    if (misses > 0 || !isInView(placeOf())) bringPointIntoView(frame, placeOf);
    misses++;
    const place = placeOf();
    if (!isInView(place)) throw cloche.fail('outside_viewport', 'its frame cannot be brought into view');
    if (!args.force) requireHit(frame, place);
    return place;
  });
};

// Whether a point of the viewport is in it.
cloche.inView = (place) => ({in_view: isInView(place), width: innerWidth, height: innerHeight});

// --- whether it reached the element ---

const NEAR_PX = 2;

// Looks at the first of the coming events at that place, before the page does. What goes to another element is kept
// from the page, so that nothing else is clicked than what was meant.
function listen(aim, state, types, patience_ms) {
  const {element, place} = state;
  state.types = types;
  // What shows another document keeps the events from this one.
  if (['iframe', 'frame', 'object', 'embed'].includes(dom.localName(element))) state.verdict = {ok: true};
  state.timer = setTimeout(() => drop(aim, state), patience_ms + 1000);
  state.listener = (event) => {
    const hit = event.composedPath()[0];
    // Also when the page itself clicks it, which is what a button does that stands for a hidden input.
    if (event.type === 'click' && dom.nodeType(hit) === 1 && dom.matches(hit, 'input[type=file i]')) state.chooser = true;
    if (event.type === 'click' && event.composedPath().some(isDownload)) state.download = true;
    if (!event.isTrusted) return;
    if (Math.hypot(event.clientX - place.x, event.clientY - place.y) > NEAR_PX) return;
    state.verdict ??= verdictOf(element, hit);
    if (state.verdict.ok) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  for (const type of types) dom.addEventListener(window, type, state.listener, {capture: true, passive: false});
}

// A path ends in the document and the window, which are no elements.
function isDownload(node) {
  return node instanceof Element && dom.matches(node, 'a[download][href], area[download][href]');
}

function verdictOf(element, hit) {
  if (!dom.isConnected(element)) return {ok: false, code: 'detached', detail: 'the element left the page meanwhile'};
  if (dom.nodeType(hit) !== 1) return {ok: false, code: 'covered', detail: 'nothing was hit'};
  if (counts(element, hit)) return {ok: true};
  return {ok: false, code: 'covered', detail: `${cloche.describe(hit)} came over ${cloche.describe(element)}`};
}

function drop(aim, state) {
  clearTimeout(state.timer);
  for (const type of state.types ?? []) dom.removeEventListener(window, type, state.listener, {capture: true});
  aims.delete(aim);
}

const activationOf = Object.getOwnPropertyDescriptor(Navigator.prototype, 'userActivation').get;

// What became of the events that `confirm` was to look out for. `spent`: whether the page has used up that a user has
// acted, which it takes to open a file chooser (HTML, "transient activation").
cloche.landed = ({aim, keep}) => {
  const state = aims.get(aim);
  const spent = !activationOf.call(navigator).isActive;
  if (!state) return {verdict: null, spent};
  if (!keep) drop(aim, state);
  return {verdict: state.verdict, spent, chooser: state.chooser, download: state.download};
};

// Nothing; an answer means that what came before is done.
cloche.pass = () => null;

// --- marking ---

const MARK = ':host { all: initial !important; } div { position: fixed; box-sizing: border-box; pointer-events: none;' +
  ' z-index: 2147483647; border: 3px solid #e11; background: #e112; border-radius: 4px; }';

// Draws a frame around the element that follows it, and goes by itself.
cloche.highlight = (args) => cloche.attempt(args, (element) => {
  cloche.requireVisible(element);
  if (!isInView(placeIn(element, {}) ?? {x: -1, y: -1})) bringIntoView(element, 0);
  const host = dom.createElement(document, 'cloche-mark');
  cloche.ours.add(host);
  const shadow = dom.attachShadow(host, {mode: 'closed'});
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(MARK);
  shadow.adoptedStyleSheets = [sheet];
  const frame = shadow.appendChild(dom.createElement(document, 'div'));
  dom.appendChild(dom.documentElement(document), host);
  const until = cloche.now() + args.duration_ms;
  const follow = async () => {
    while (cloche.now() < until && dom.isConnected(element)) {
      const box = dom.getBoundingClientRect(element);
      const sides = {left: box.left - 4, top: box.top - 4, width: box.width + 8, height: box.height + 8};
      for (const [side, size] of Object.entries(sides)) frame.style[side] = `${size}px`;
      await cloche.nextFrame();
    }
    host.remove();
  };
  follow();
  return {};
});
