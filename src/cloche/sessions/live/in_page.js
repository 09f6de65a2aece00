// Tells how the pointer looks, whether the focus is where text can be typed, and what was copied. Runs in each document
// of the page that is shown, in a world of its own: the page sees none of it, and has changed nothing that it uses.
// BINDING is the name of the function that Chromium puts here for this connection.
(() => {
'use strict';

if (globalThis.clocheLive) globalThis.clocheLive.abort();
const gone = globalThis.clocheLive = new AbortController();
const on = (type, listener, capture) =>
  addEventListener(type, listener, {capture, passive: true, signal: gone.signal});

const MOST_CHARS = 65536;
const APART_MS = 40;

const tell = (message) => {
  try {
    globalThis.BINDING(JSON.stringify(message));
  } catch {
    // Nobody listens any more, or not yet.
  }
};

// Read past names that the page gave: `<img name=activeElement>` is a property of the document in this world too.
const getterOf = (prototype, name) => {
  const {get} = Object.getOwnPropertyDescriptor(prototype, name);
  return (object) => get.call(object);
};
const activeElementOf = getterOf(Document.prototype, 'activeElement');
const activeWithin = getterOf(ShadowRoot.prototype, 'activeElement');
const shadowRootOf = getterOf(Element.prototype, 'shadowRoot');
const isContentEditable = getterOf(HTMLElement.prototype, 'isContentEditable');
const caretAt = (x, y) => Document.prototype.caretRangeFromPoint.call(document, x, y);

const focused = () => {
  let element = activeElementOf(document);
  for (let depth = 0; element && depth < 100; depth++) {
    const root = shadowRootOf(element);
    const inner = root && activeWithin(root);
    if (!inner) break;
    element = inner;
  }
  return element;
};

const TYPED = new Set(['text', 'search', 'url', 'tel', 'email', 'password', 'number', 'date', 'datetime-local', 'month',
  'time', 'week']);
const takesText = (element) => {
  if (element instanceof HTMLInputElement) return TYPED.has(element.type) && !element.readOnly && !element.disabled;
  if (element instanceof HTMLTextAreaElement) return !element.readOnly && !element.disabled;
  return element instanceof HTMLElement && isContentEditable(element);
};

// --- the pointer ---

const isOnText = (x, y) => {
  const caret = caretAt(x, y);
  const node = caret && caret.startContainer;
  if (!(node instanceof Text)) return false;
  const range = new Range();
  range.setStart(node, Math.max(0, caret.startOffset - 1));
  range.setEnd(node, Math.min(node.length, caret.startOffset + 1));
  for (const box of range.getClientRects()) {
    if (x >= box.left && x <= box.right && y >= box.top && y <= box.bottom) return true;
  }
  return false;
};

const cursorAt = (element, x, y) => {
  const style = getComputedStyle(element);
  // `url(…) 2 2, pointer`: the word comes last. What is before it can be megabytes.
  const word = style.cursor.slice(-64).split(',').pop().trim();
  if (word !== 'auto') return word;
  if (takesText(element)) return 'text';
  return style.userSelect !== 'none' && isOnText(x, y) ? 'text' : 'default';
};

let lastCursor = '', at = null, looksAt = 0, looking = 0;
const look = () => {
  looking = 0;
  looksAt = performance.now() + APART_MS;
  if (!at || !(at.element instanceof Element)) return;
  const cursor = cursorAt(at.element, at.x, at.y);
  if (cursor !== lastCursor) {
    lastCursor = cursor;
    tell({cursor: cursor.slice(0, 32)});
  }
};
on('mousemove', (event) => {
  if (!event.isTrusted) return;
  at = {element: event.composedPath()[0], x: event.clientX, y: event.clientY};
  if (!looking) looking = setTimeout(look, Math.max(0, looksAt - performance.now()));
}, true);
// The next that comes in tells anew, whatever another frame has told meanwhile.
on('mouseout', (event) => {
  if (event.isTrusted && !event.relatedTarget) lastCursor = '';
}, true);

// --- the focus ---

let lastEditing = null, checking = 0;
const check = () => {
  checking = 0;
  const editing = document.hasFocus() && takesText(focused());
  if (editing !== lastEditing) {
    lastEditing = editing;
    tell({editing});
  }
};
const soon = () => {
  if (!checking) checking = setTimeout(check, APART_MS);
};
for (const type of ['focusin', 'focusout', 'focus', 'blur', 'mouseup', 'keyup']) on(type, soon, true);
soon();

// --- what is copied ---

const selected = () => {
  const element = focused();
  if (element instanceof HTMLInputElement && element.type === 'password') return '';
  return String(getSelection()).slice(0, MOST_CHARS);
};
let copied = null;
const begun = (event) => {
  if (!event.isTrusted) return;
  copied = {text: selected()};
  // After all of the page's own listeners, and also when one of them keeps the event from ours.
  setTimeout(() => {
    if (copied && copied.text) tell({copied: copied.text});
    copied = null;
  });
};
const ended = (event) => {
  if (copied && event.isTrusted && event.defaultPrevented) {
    copied.text = event.clipboardData.getData('text/plain').slice(0, MOST_CHARS);
  }
};
for (const type of ['copy', 'cut']) {
  on(type, begun, true);
  on(type, ended, false);
}
})();
