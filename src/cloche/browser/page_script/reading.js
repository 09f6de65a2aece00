// What looking at a page stands on: the flat tree, fields that are secret, text that is clean.

const dom = cloche.dom;
const getter = (type, name) => {
  const get = Object.getOwnPropertyDescriptor(type.prototype, name).get;
  return (object) => get.call(object);
};
cloche.getter = getter;
const lengthOf = getter(CharacterData, 'length');
const dataOf = getter(CharacterData, 'data');
const assignedTo = HTMLSlotElement.prototype.assignedNodes;

// The element with the focus, also inside open shadow roots.
cloche.focused = () => {
  let element = dom.activeElement(document);
  while (element) {
    const shadow = dom.shadowRoot(element);
    const inner = shadow && dom.activeElement(shadow);
    if (!inner) return element;
    element = inner;
  }
  return null;
};

const set = cloche.setOf = (text) => new Set(text.split(' '));
// Neither read nor looked into.
cloche.SKIPPED = set('script style template noscript datalist head link meta title desc defs metadata symbol clippath');
// What they contain is drawn by nobody, or by themselves.
cloche.LEAVES = set('iframe frame object embed canvas video audio textarea input img progress meter');
cloche.NO_CHILDREN = Object.freeze({next: null, list: null, at: 0});

// Goes through what is inside an element in the flat tree: its open shadow root, what a slot was given, or else its
// children.
cloche.flatChildren = (element) => {
  const shadow = dom.shadowRoot(element);
  if (shadow) {
    cloche.watchSecrets(shadow);
    return {next: dom.firstChild(shadow), list: null, at: 0};
  }
  if (element instanceof HTMLSlotElement) {
    const list = assignedTo.call(element);
    if (list.length) return {next: null, list, at: 0};
  }
  return {next: dom.firstChild(element), list: null, at: 0};
};

// The same without what is closed.
cloche.drawnChildren = (element, tag) => {
  if (tag !== 'details' || dom.hasAttribute(element, 'open')) return cloche.flatChildren(element);
  const summary = [...dom.children(element)].find((child) => dom.localName(child) === 'summary');
  return {next: null, list: summary ? [summary] : [], at: 0};
};

cloche.takeNext = (children) => {
  if (children.list) return children.list[children.at++] ?? null;
  const node = children.next;
  if (node) children.next = dom.nextSibling(node);
  return node;
};

// --- secrets ---------------------------------------------------------------------------------------------------------

const SECRET = new Set(['current-password', 'new-password', 'one-time-code', 'cc-number', 'cc-csc']);
const valueOf = {
  input: getter(HTMLInputElement, 'value'),
  textarea: getter(HTMLTextAreaElement, 'value'),
};
const wasPassword = new WeakSet();
const watched = new WeakSet();

// A "show password" button makes a text field of a password field; it is one all the same.
const take = (records) => {
  for (const record of records) {
    if (record.oldValue && record.oldValue.toLowerCase() === 'password') wasPassword.add(record.target);
  }
};
const observer = new MutationObserver(take);

cloche.watchSecrets = (root) => {
  if (watched.has(root)) return;
  watched.add(root);
  observer.observe(root, {subtree: true, attributes: true, attributeFilter: ['type'], attributeOldValue: true});
  for (const field of dom.querySelectorAll(root, 'input[type=password i]')) wasPassword.add(field);
};
cloche.watchSecrets(document);

// Whether a field's value must not leave the browser.
cloche.isSecret = (element) => {
  const tag = dom.localName(element);
  if (tag !== 'input' && tag !== 'textarea') return false;
  take(observer.takeRecords());
  if (wasPassword.has(element)) return true;
  if (tag === 'input' && (dom.getAttribute(element, 'type') || '').toLowerCase() === 'password') {
    wasPassword.add(element);
    return true;
  }
  const tokens = dom.getAttribute(element, 'autocomplete');
  if (tokens && tokens.slice(0, 1000).toLowerCase().split(/\s+/).some((token) => SECRET.has(token))) return true;
  return (getComputedStyle(element).webkitTextSecurity || 'none') !== 'none';
};

// What is typed into a field, as far as it may be said; a secret's is a mask that does not tell its length.
cloche.MASK = '••••';
cloche.fieldValue = (element) => {
  const value = String(valueOf[dom.localName(element)](element));
  return value && cloche.isSecret(element) ? cloche.MASK : value;
};

// What a secret field holds; empty where that is so short that it would be found in any text.
cloche.secretOf = (field) => {
  const value = String(valueOf[dom.localName(field)](field));
  return value.length >= 3 && value.length <= 1000 ? value : '';
};

// The secret values on the page, for taking them out of what is derived from fields: names, selections.
cloche.secretValues = () => {
  const values = new Set();
  let fields = 0;
  for (const field of dom.querySelectorAll(document, 'input, textarea')) {
    if (values.size >= 50 || ++fields > 20000) break;
    const value = cloche.isSecret(field) ? cloche.secretOf(field) : '';
    if (value) values.add(value);
  }
  return [...values];
};

cloche.withoutSecrets = (text, secrets) => {
  for (const secret of secrets) if (text.includes(secret)) text = text.replaceAll(secret, cloche.MASK);
  return text;
};

// --- text ------------------------------------------------------------------------------------------------------------

// Never more of a text than this is looked at: a node may hold 200 MB.
const MAX_TEXT = 1 << 16;
cloche.dataOf = (node) => lengthOf(node) > MAX_TEXT
  ? CharacterData.prototype.substringData.call(node, 0, MAX_TEXT) : dataOf(node);
cloche.lengthOf = lengthOf;

// Zero-width and tag characters show nothing to a person, so they are not shown to a reader either.
const UNSEEN = /[\u00ad\u180e\u200b\u2060-\u2064\ufeff]|\udb40[\udc00-\uddff]/g;
cloche.collapse = (text) => text.replace(UNSEEN, '').replace(/\s+/g, ' ');

cloche.cut = (text, limit) => {
  if (text.length <= limit) return text;
  const end = limit - 1;
  const code = text.charCodeAt(end - 1);
  return text.slice(0, code >= 0xd800 && code < 0xdc00 ? end - 1 : end) + '…';
};

// Controls and what turns the direction of writing are spelled out; so is what would read as the tool's own words.
// The tests run on all text, the replacements on little.
const ODD = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]|\[(?:ref|box)=/;
const ODDITY = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const spelled = (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0');
cloche.quote = (text) => {
  const quoted = JSON.stringify(text);
  return ODD.test(text) ? quoted.replace(ODDITY, spelled).replace(/\[(ref|box)=/g, '[$1\\u003d') : quoted;
};

// As it is, where that cannot be taken for anything else.
const NEEDED = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\[(?:ref|box)=|^["']|^\s|\s$|^$/;
cloche.plain = (text) => NEEDED.test(text) ? cloche.quote(text) : text.toWellFormed();
