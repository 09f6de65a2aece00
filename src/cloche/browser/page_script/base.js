// What every other file stands on: failures, deadlines, and refs.

class Failure extends Error {
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }
}

cloche.fail = (code, detail) => new Failure(code, String(detail || '').slice(0, 500));

// Runs one function for the daemon. Answers {value} or {error: [code, detail]}, never a rejected promise.
cloche.run = async (name, args) => {
  try {
    const value = await cloche[name](args);
    return {value: value === undefined ? null : value};
  } catch (error) {
    if (error instanceof Failure) return {error: [error.code, error.message]};
    return {error: ['browser_failed', `${name}: ${String(error && error.message)}`.slice(0, 500)]};
  }
};

// Milliseconds on a clock that the page cannot move.
cloche.now = () => performance.now();

// Waits for the next frame, or where none is drawn (a tab in the back) for a moment.
cloche.nextFrame = () => new Promise((resolve) => {
  const timer = setTimeout(resolve, 50);
  requestAnimationFrame(() => {
    clearTimeout(timer);
    resolve();
  });
});

cloche.sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// --- the document, read past names that the page gave ---
// `<form><input name=parentNode>` gives the form an own `parentNode`, in this world too; so does `<img name=body>` with
// the document. What may be a form or a document is therefore read through the prototypes' own accessors.

const getterOf = (prototype, name) => {
  const {get} = Object.getOwnPropertyDescriptor(prototype, name);
  return (object) => get.call(object);
};
const methodOf = (prototype, name) => {
  const method = prototype[name];
  return (object, ...args) => method.apply(object, args);
};
const dom = cloche.dom = {};
for (const [prototype, getters, methods] of [
  [Node.prototype, ['parentNode', 'parentElement', 'nodeType', 'childNodes', 'firstChild', 'nextSibling', 'textContent',
    'isConnected', 'ownerDocument', 'previousSibling'], ['contains', 'getRootNode', 'compareDocumentPosition',
    'appendChild', 'removeChild']],
  [Element.prototype, ['localName', 'shadowRoot', 'assignedSlot', 'children', 'firstElementChild', 'nextElementSibling',
    'previousElementSibling', 'id', 'clientLeft', 'clientTop', 'clientWidth', 'clientHeight', 'scrollWidth',
    'scrollHeight', 'scrollLeft', 'scrollTop'], ['getAttribute', 'hasAttribute', 'matches', 'closest',
    'querySelector', 'querySelectorAll', 'getBoundingClientRect', 'getClientRects', 'checkVisibility',
    'scrollIntoView', 'scrollBy', 'attachShadow']],
  [HTMLElement.prototype, ['offsetWidth', 'offsetHeight', 'isContentEditable'], []],
  [EventTarget.prototype, [], ['addEventListener', 'removeEventListener', 'dispatchEvent']],
  [Document.prototype, ['documentElement', 'body', 'scrollingElement'], ['evaluate', 'createTreeWalker', 'createRange',
    'createElement', 'execCommand', 'getSelection']],
]) {
  for (const name of getters) dom[name] = getterOf(prototype, name);
  for (const name of methods) dom[name] = methodOf(prototype, name);
}
// These two are each interface's own.
dom.role = 'computedRole' in Element.prototype ? getterOf(Element.prototype, 'computedRole') : () => '';
dom.name = 'computedName' in Element.prototype ? getterOf(Element.prototype, 'computedName') : () => '';
const byPrototype = (name) => {
  const [ofDocument, ofFragment] = [methodOf(Document.prototype, name), methodOf(DocumentFragment.prototype, name)];
  const ofElement = dom[name];
  return (root, ...args) => {
    const type = dom.nodeType(root);
    return (type === 1 ? ofElement : type === 9 ? ofDocument : ofFragment)(root, ...args);
  };
};
const focusHtml = methodOf(HTMLElement.prototype, 'focus');
const focusSvg = methodOf(SVGElement.prototype, 'focus');
dom.focus = (element) => {
  if (element instanceof HTMLElement) focusHtml(element, {preventScroll: true});
  else if (element instanceof SVGElement) focusSvg(element, {preventScroll: true});
};
dom.querySelector = byPrototype('querySelector');
dom.querySelectorAll = byPrototype('querySelectorAll');
const inDocument = [methodOf(Document.prototype, 'elementFromPoint'), getterOf(Document.prototype, 'activeElement')];
const inShadow = [methodOf(ShadowRoot.prototype, 'elementFromPoint'), getterOf(ShadowRoot.prototype, 'activeElement')];
dom.elementFromPoint = (root, x, y) => (dom.nodeType(root) === 9 ? inDocument : inShadow)[0](root, x, y);
dom.activeElement = (root) => (dom.nodeType(root) === 9 ? inDocument : inShadow)[1](root);

// The element around, out of shadow roots too.
dom.around = (element) => {
  const parent = dom.parentNode(element);
  const type = parent && dom.nodeType(parent);
  return type === 1 ? parent : type === 11 ? parent.host || null : null;
};

// Whether `inner` is `outer` or in it, through shadow roots.
dom.holds = (outer, inner) => {
  for (let at = inner; at; at = dom.around(at)) if (at === outer) return true;
  return false;
};

// The nearest element, itself or around it, that CSS fits, through shadow roots.
dom.nearest = (element, css) => {
  for (let at = element; at;) {
    const found = dom.closest(at, css);
    if (found) return found;
    const root = dom.getRootNode(at);
    at = dom.nodeType(root) === 11 ? root.host : null;
  }
  return null;
};

// --- refs: element <-> number, for this document only; `cloche.document` is the document's name, set by the daemon ---

const numbers = new WeakMap();
const elements = new Map();
let lastNumber = 0;

cloche.refOf = (element) => {
  let number = numbers.get(element);
  if (number === undefined) {
    number = ++lastNumber;
    numbers.set(element, number);
    elements.set(number, new WeakRef(element));
  }
  return cloche.document + number;
};

// The element of a ref of this document. What has left the document is stale, also when it still exists.
cloche.elementOf = (ref) => {
  const number = Number(ref.slice(4));
  if (!(number >= 1 && number <= lastNumber)) throw cloche.fail('unknown_ref', `no snapshot has shown ${ref}`);
  const element = elements.get(number)?.deref();
  if (!element || !dom.isConnected(element)) {
    throw cloche.fail('stale_ref', `the element of ${ref} is no longer on the page; take a new snapshot`);
  }
  return element;
};
