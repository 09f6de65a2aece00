// Puts values into fields: focus, texts, options, files.

const dom = cloche.dom;
const valueOf = (prototype) => Object.getOwnPropertyDescriptor(prototype, 'value').set;
const SETTERS = [[HTMLInputElement, valueOf(HTMLInputElement.prototype)], [HTMLTextAreaElement, valueOf(HTMLTextAreaElement.prototype)]];
const UNTYPED = new Set(['button', 'checkbox', 'file', 'hidden', 'image', 'radio', 'reset', 'submit']);
const SET_AT_ONCE = new Set(['color', 'date', 'datetime-local', 'month', 'range', 'time', 'week']);

// A label stands for what it names.
const controlOf = (element) => (dom.localName(element) === 'label' && element.control) || element;

const isEditor = (element) => element instanceof HTMLElement && dom.isContentEditable(element);

function requireEditable(element) {
  const name = dom.localName(element);
  const readonly = dom.nearest(element, '[aria-readonly="true" i]') === element;
  const typed = name === 'textarea' || (name === 'input' && !UNTYPED.has(element.type));
  if (typed ? element.readOnly || readonly : !isEditor(element)) {
    throw cloche.fail('not_editable', `${cloche.describe(element)} cannot be typed into`);
  }
}

function tell(element, type) {
  dom.dispatchEvent(element, new Event(type, {bubbles: true, composed: true}));
}

const focused = () => {
  let at = dom.activeElement(document);
  for (let root; at && (root = dom.shadowRoot(at)) && dom.activeElement(root);) at = dom.activeElement(root);
  return at;
};

function focus(element) {
  const was = focused() === element;
  dom.focus(element);
  if (!was && !dom.holds(element, focused() ?? document)) {
    // Something that takes no focus itself leaves it to what is around, as a click would.
    if (!isEditor(element)) throw cloche.fail('not_editable', `${cloche.describe(element)} takes no focus`);
  }
  return was;
}

function selectAll(element) {
  if (dom.localName(element) === 'input' || dom.localName(element) === 'textarea') return element.select();
  const range = dom.createRange(document);
  range.selectNodeContents(element);
  const selection = dom.getSelection(document);
  selection.removeAllRanges();
  selection.addRange(range);
}

// Where one goes on typing: behind what is there.
function caretToEnd(element) {
  if (isEditor(element)) {
    selectAll(element);
    dom.getSelection(document).collapseToEnd();
  } else if (element.selectionStart != null) {
    const end = element.value.length;
    element.setSelectionRange(end, end);
  }
}

function requireReady(element) {
  cloche.requireVisible(element);
  cloche.requireEnabled(element);
}

// Gives the focus to the element so that keys go to it. `editable`: it has to take text; `clear`: empties it.
cloche.focusOn = (args) => cloche.attempt(args, (found) => {
  const element = controlOf(found);
  requireReady(element);
  if (args.editable) requireEditable(element);
  dom.scrollIntoView(element, {block: 'nearest', inline: 'nearest', behavior: 'instant'});
  const was = focus(element);
  if (args.editable && !was) caretToEnd(element);
  if (args.clear) {
    selectAll(element);
    if (!dom.execCommand(document, 'delete') && element.value) setValue(element, '');
  }
  watchKeys(args.deadline_ms);
  return {};
});

function setValue(element, text) {
  const [, set] = SETTERS.find(([kind]) => element instanceof kind);
  set.call(element, text);
  if (text && element.value === '') throw cloche.fail('value_not_found', `${cloche.describe(element)} does not take this value`);
  tell(element, 'input');
  tell(element, 'change');
}

// Sets a field's text at once, as a paste does; dates, colours and the like as choosing one does.
cloche.fill = (args) => cloche.attempt(args, (found) => {
  const element = controlOf(found);
  requireReady(element);
  requireEditable(element);
  dom.scrollIntoView(element, {block: 'nearest', inline: 'nearest', behavior: 'instant'});
  focus(element);
  const type = dom.localName(element) === 'input' ? element.type : '';
  const text = SET_AT_ONCE.has(type) ? args.text.trim() : args.text;
  const refused = type === 'color' ? !/^#[0-9a-f]{6}$/i.test(text) : type === 'number' && !Number.isFinite(Number(text));
  if (refused) throw cloche.fail('value_not_found', `${cloche.describe(element)} does not take this value`);
  // Inserted into a text area, each line would be an edit of its own.
  if (SET_AT_ONCE.has(type) || (dom.localName(element) === 'textarea' && text.includes('\n'))) {
    setValue(element, text);
    return {};
  }
  selectAll(element);
  const done = args.text ? dom.execCommand(document, 'insertText', false, args.text) : dom.execCommand(document, 'delete');
  if (!done && !isEditor(element) && element.value !== args.text) setValue(element, args.text);
  return {};
});

// --- keys ---

let keys = null;

function watchKeys(patience_ms) {
  unwatchKeys();
  keys = {seen: 0, timer: setTimeout(unwatchKeys, patience_ms + 1000)};
  keys.listener = (event) => { if (keys && event.isTrusted) keys.seen++; };
  for (const type of ['keydown', 'beforeinput']) dom.addEventListener(window, type, keys.listener, {capture: true});
}

function unwatchKeys() {
  if (!keys) return;
  clearTimeout(keys.timer);
  for (const type of ['keydown', 'beforeinput']) dom.removeEventListener(window, type, keys.listener, {capture: true});
  keys = null;
}

// How many events of keys have come to this document since `focusOn`; -1 when nobody counted.
cloche.keysSeen = () => {
  const seen = keys ? keys.seen : -1;
  unwatchKeys();
  return seen;
};

// --- options ---

const spaced = (text) => text.replace(/\s+/g, ' ').trim();

cloche.selectOptions = (args) => cloche.attempt(args, (found) => {
  const element = controlOf(found);
  if (dom.localName(element) !== 'select') {
    throw cloche.fail('not_a_select', `${cloche.describe(element)} is no <select>; click what opens it, and then the option`);
  }
  requireReady(element);
  const options = [...element.options];
  const chosen = choose(options, args, element.multiple);
  for (const option of chosen) {
    if (dom.matches(option, ':disabled')) throw cloche.fail('not_enabled', `${cloche.describe(option)} is not enabled`);
  }
  dom.focus(element);
  if (element.multiple) for (const option of options) option.selected = chosen.includes(option);
  else chosen[0].selected = true;
  tell(element, 'input');
  tell(element, 'change');
  return {values: [...element.selectedOptions].map((option) => option.value).slice(0, 256)};
});

function choose(options, {values, label, index}, multiple) {
  const missing = (what) => cloche.fail('value_not_found', `there is no such option: ${what}`);
  if (index != null) {
    if (!options[index]) throw missing(`number ${index} of ${options.length}`);
    return [options[index]];
  }
  if (label) {
    const found = options.find((option) => spaced(option.label) === spaced(label) || spaced(option.text) === spaced(label));
    if (!found) throw missing(`"${label.slice(0, 60)}"`);
    return [found];
  }
  const found = values.map((value) => {
    const option = options.find((one) => one.value === value);
    if (!option) throw missing(`"${value.slice(0, 60)}"`);
    return option;
  });
  if (found.length > 1 && !multiple) throw cloche.fail('value_not_found', 'this <select> takes one option only');
  return found;
}

// --- files ---

// What is to take files: an input (hidden ones too), or what opens a chooser.
cloche.fileTarget = (args) => cloche.attempt(args, (found) => {
  const element = controlOf(found);
  const is_input = dom.matches(element, 'input[type=file i]');
  if (is_input) cloche.requireEnabled(element);
  return {is_input, ref: cloche.refOf(element)};
});

const parcels = new Map();
const PARCEL_KEPT_MS = 120000;

// Takes a piece of a file in base64; files are too large for one message.
cloche.takePiece = ({parcel, index, piece}) => {
  if (!parcels.has(parcel)) {
    parcels.set(parcel, []);
    setTimeout(() => parcels.delete(parcel), PARCEL_KEPT_MS);
  }
  const files = parcels.get(parcel);
  (files[index] ??= []).push(Uint8Array.fromBase64(piece));
};

cloche.setFiles = ({ref, parcel, files}) => {
  const element = cloche.elementOf(ref);
  const pieces = parcels.get(parcel) ?? [];
  parcels.delete(parcel);
  if (!dom.matches(element, 'input[type=file i]')) throw cloche.fail('not_a_file_input', `${cloche.describe(element)} takes no files`);
  if (files.length > 1 && !element.multiple) throw cloche.fail('not_a_file_input', 'this input takes one file only');
  for (const file of files) {
    if (!accepts(element.accept, file)) {
      throw cloche.fail('not_a_file_input', `this input takes only ${element.accept.slice(0, 100)}`);
    }
  }
  const transfer = new DataTransfer();
  files.forEach((file, index) => transfer.items.add(new File(pieces[index] ?? [], file.name, {type: file.type})));
  element.files = transfer.files;
  tell(element, 'input');
  tell(element, 'change');
};

// HTML's `accept`: `.png, image/*, text/plain`.
function accepts(accept, file) {
  const wanted = accept.toLowerCase().split(',').map((token) => token.trim()).filter(Boolean);
  const name = file.name.toLowerCase();
  const type = file.type.toLowerCase();
  return !wanted.length || wanted.some((token) => token.startsWith('.') ? name.endsWith(token)
    : token.endsWith('/*') ? type.startsWith(token.slice(0, -1)) : type === token);
}

// --- scrolling ---

const canGo = (element, left, top) => {
  const before = [dom.scrollLeft(element), dom.scrollTop(element)];
  const room = (size, seen, at, delta) => (delta > 0 ? at + seen < size - 1 : delta < 0 ? at > 0 : false);
  const style = cloche.styleOf(element);
  const isPage = element === dom.scrollingElement(document);
  const may = (overflow) => isPage || overflow === 'auto' || overflow === 'scroll' || overflow === 'overlay';
  return (may(style.overflowX) && room(dom.scrollWidth(element), dom.clientWidth(element), before[0], left))
    || (may(style.overflowY) && room(dom.scrollHeight(element), dom.clientHeight(element), before[1], top));
};

// Scrolls `scroller`, or the first around it that can go that way, as a wheel does. Answers where it then stands.
async function scroll(from, left, top) {
  const page = dom.scrollingElement(document) ?? dom.documentElement(document);
  let scroller = null;
  for (let at = from; at && !scroller; at = dom.around(at)) if (canGo(at, left, top)) scroller = at;
  if (scroller) dom.scrollBy(scroller, {left, top, behavior: 'instant'});
  await cloche.nextFrame();
  const at = scroller ?? page;
  return {moved: scroller !== null, scroll_x: dom.scrollLeft(at), scroll_y: dom.scrollTop(at)};
}

cloche.scrollElement = (args) => cloche.attempt(args, async (element) => {
  if (!args.delta_x && !args.delta_y) {
    dom.scrollIntoView(element, {block: 'center', inline: 'nearest', behavior: 'instant'});
    await cloche.nextFrame();
    return {moved: true, scroll_x: scrollX, scroll_y: scrollY};
  }
  cloche.requireVisible(element);
  return scroll(element, args.delta_x, args.delta_y);
});

// Scrolls the page, or where it cannot go that way what is in its middle.
cloche.scrollPage = async ({delta_x, delta_y}) => {
  const page = dom.scrollingElement(document) ?? dom.documentElement(document);
  const middle = dom.elementFromPoint(document, innerWidth / 2, innerHeight / 2);
  const answer = await scroll(canGo(page, delta_x, delta_y) ? page : middle ?? page, delta_x, delta_y);
  return {...answer, x: innerWidth / 2, y: innerHeight / 2};
};
