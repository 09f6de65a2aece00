// The page as text: what a person sees of it, an outline of its elements, and what is selected.

const dom = cloche.dom;

const WORK = 500;
const MAX_CHARS = 4 << 20;
const MAX_DEPTH = 60;
const set = cloche.setOf;
const FIELDS_WITHOUT_TEXT = set('checkbox radio range color file image hidden');

const getter = cloche.getter;
const selectedOptions = getter(HTMLSelectElement, 'selectedOptions');
const namesOf = Element.prototype.getAttributeNames;

// A walk through what is drawn, without recursion; ends itself in time or at `max_chars`.
class Walk {
  constructor(args) {
    this.until = cloche.now() + args.deadline_ms * 0.7;
    this.room = Math.min(args.max_chars || MAX_CHARS, MAX_CHARS);
    this.work = WORK;
    this.truncated = '';
    this.lines = [];
    this.frames = [];
  }

  isOver() {
    if (this.room < 0) this.truncated = 'size';
    if (--this.work <= 0) {
      this.work = WORK;
      if (cloche.now() > this.until) this.truncated = 'time';
    }
    return this.truncated !== '';
  }

  all(root) {
    const stack = [];
    const first = this.enter(root, null);
    if (first) stack.push(first);
    while (stack.length) {
      const at = stack[stack.length - 1];
      const node = this.isOver() ? null : cloche.takeNext(at.children);
      if (!node) {
        stack.pop();
        this.leave(at);
      } else if (dom.nodeType(node) === 3) this.text(node, at);
      else if (dom.nodeType(node) === 1 && !cloche.SKIPPED.has(dom.localName(node)) && !cloche.ours.has(node)) {
        const inside = this.enter(node, at);
        if (inside) stack.push(inside);
      }
    }
    this.end();
    return {text: this.lines.join('\n'), frames: this.frames, truncated: this.truncated};
  }
}

const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029]/g;
const seen = (text) => text.replace(DIRECTIONS, '').replace(CONTROLS, ' ').toWellFormed();

// --- what is visible ---

class Visible extends Walk {
  constructor(args) {
    super(args);
    this.run = '';
    // Of a page that is written from the right, what lies to the left can be scrolled to.
    this.toLeft = getComputedStyle(dom.documentElement(document)).direction === 'rtl';
  }

  enter(element, around) {
    const style = getComputedStyle(element);
    if (isUndrawn(style) || this.isAway(element, style)) return null;
    const tag = dom.localName(element);
    if (tag === 'br') this.break();
    const display = style.display;
    const isBlock = !display.startsWith('inline') && display !== 'contents' && display !== 'table-cell';
    if (isBlock) this.break();
    if (display === 'table-cell' && this.run && !this.run.endsWith('\t')) this.run = `${this.run.trimEnd()}\t`;
    const isApart = display.startsWith('inline-');
    if (isApart) this.add(' ');
    const at = {isBlock, isApart, isShown: isShown(style), isPre: style.whiteSpace.startsWith('pre'), children: cloche.NO_CHILDREN};
    if (!cloche.LEAVES.has(tag) && tag !== 'select') at.children = cloche.drawnChildren(element, tag);
    else if (at.isShown) this.leaf(element, tag);
    return at;
  }

  leave(at) {
    if (at.isBlock) this.break();
    else if (at.isApart) this.add(' ');
  }

  text(node, at) {
    if (!at.isShown) return;
    const text = cloche.dataOf(node);
    if (!at.isPre) this.add(cloche.collapse(text));
    else {
      text.split('\n').forEach((line, index) => {
        if (index) this.break();
        this.add(cloche.collapse(line));
      });
    }
  }

  leaf(element, tag) {
    if (tag === 'textarea' || tag === 'input') {
      const type = (dom.getAttribute(element, 'type') || '').toLowerCase();
      if (!FIELDS_WITHOUT_TEXT.has(type)) this.add(` ${cloche.collapse(cloche.fieldValue(element).slice(0, 65536))} `);
    } else if (tag === 'select') {
      for (const option of [...selectedOptions(element)].slice(0, 100)) {
        this.add(` ${cloche.collapse(dom.textContent(option).slice(0, 1000))} `);
      }
    } else if (tag === 'iframe' || tag === 'frame') {
      const {width, height} = dom.getBoundingClientRect(element);
      if (width < 2 || height < 2) return;
      this.break();
      this.frames.push([this.lines.length, 0, cloche.refOf(element)]);
      this.lines.push('');
    }
  }

  add(text) {
    const piece = seen(text);
    this.run += (!this.run || /\s$/.test(this.run)) && piece.startsWith(' ') ? piece.slice(1) : piece;
    if (this.run.length > this.room) this.room = -1;
  }

  break() {
    const line = this.run.trim().replace(/ {2,}/g, ' ');
    this.run = '';
    if (!line) return;
    this.room -= line.length + 1;
    this.lines.push(line);
  }

  end() {
    this.break();
  }

  // Clipped to nothing, or where one cannot scroll to.
  isAway(element, style) {
    if (style.clipPath !== 'none' && CLIPPED.test(style.clipPath)) return true;
    const isPlaced = style.position === 'absolute' || style.position === 'fixed';
    if (isPlaced && style.clip !== 'auto' && NO_CLIP.test(style.clip)) return true;
    const isCut = style.overflowX !== 'visible' && style.display !== 'inline' && style.display !== 'contents';
    if (isCut && !isRoot(element) && (dom.clientWidth(element) <= 1 || dom.clientHeight(element) <= 1)) return true;
    if (!isPlaced && style.transform === 'none' && style.position !== 'relative') return false;
    const {left, right, top, bottom} = dom.getBoundingClientRect(element);
    if (style.transform !== 'none' && (right - left < 0.5 || bottom - top < 0.5)) return true;
    return (!this.toLeft && right + scrollX <= 0 && left + scrollX < 0) || (bottom + scrollY <= 0 && top + scrollY < 0);
  }
}

const isRoot = (element) => element === dom.documentElement(document) || element === dom.body(document);
// `rect(0px, 0px, 0px, 0px)` and the like, of one pixel at most
const NO_CLIP = /^rect\((?:[01]px|auto)?,? ?(?:-?[01]px),? ?(?:-?[01]px),? ?(?:-?[01]px)\)$/;
const CLIPPED = /^(?:inset\((?:5\d|[6-9]\d|\d{3,})(?:\.\d+)?%\)|inset\(100%.*|circle\(0(?:px|%)?[ )].*|polygon\(0(?:px|%) 0(?:px|%)\))/;

const isUndrawn = (style) => style.display === 'none' || style.opacity === '0' || style.contentVisibility === 'hidden';

// Whether an element's own text has a colour, a size and a place.
const isShown = (style) => {
  if (style.visibility !== 'visible' || style.fontSize === '0px' || parseFloat(style.textIndent) < -500) return false;
  return !CLEAR.test(style.webkitTextFillColor) || style.backgroundClip.includes('text');
};
const CLEAR = /^rgba\(.*, 0\)$|^transparent$/;

// Answers {text, frames: [[line, 0, ref]], truncated}: the lines of frames are empty. `root`: a ref.
cloche.visibleText = (args) => {
  cloche.watchSecrets(document);
  const root = args.root ? cloche.elementOf(args.root) : dom.documentElement(document);
  return root ? new Visible(args).all(root) : {text: '', frames: [], truncated: ''};
};

// --- the outline ---

const TOLD = set('id class name type role href src action title alt placeholder for data-testid data-test-id');
const VALUE_CHARS = 128;
const TEXT_CHARS = 500;

class Outline extends Walk {
  constructor(args) {
    super(args);
    this.secrets = cloche.secretValues();
  }

  enter(element, around) {
    const depth = around ? around.depth + 1 : 0;
    const tag = dom.localName(element);
    const children = cloche.LEAVES.has(tag) ? cloche.NO_CHILDREN : cloche.flatChildren(element);
    const at = {depth, line: this.lines.length, texts: 0, children};
    this.line(depth, `<${cloche.quote(tag.slice(0, 60)).slice(1, -1)}${this.attributes(element, tag)}>`);
    if (tag === 'iframe' || tag === 'frame') this.frames.push([at.line, Math.min(depth, MAX_DEPTH), cloche.refOf(element)]);
    return at;
  }

  leave() {}

  end() {}

  text(node, at) {
    const text = cloche.collapse(cloche.dataOf(node)).trim();
    if (!text) return;
    const plain = cloche.plain(cloche.withoutSecrets(cloche.cut(text, TEXT_CHARS), this.secrets));
    if (this.lines.length === at.line + 1 && !at.texts) this.lines[at.line] += ` ${plain}`;
    else this.line(at.depth + 1, plain.startsWith('<') ? cloche.quote(text.slice(0, TEXT_CHARS)) : plain);
    at.texts++;
    this.room -= plain.length;
  }

  attributes(element, tag) {
    let told = '';
    let count = 0;
    if (cloche.isSecret(element) && cloche.secretOf(element)) this.secrets.push(cloche.secretOf(element));
    for (const name of namesOf.call(element)) {
      if (++count > 100) break;
      if (!TOLD.has(name) && !/^aria-[a-z]{1,30}$/.test(name)) continue;
      told += this.attribute(name, dom.getAttribute(element, name));
    }
    if (tag === 'input' || tag === 'textarea') {
      const type = (dom.getAttribute(element, 'type') || '').toLowerCase();
      // Hidden fields hold what servers give to be sent back: tokens.
      if (type !== 'hidden') told += this.attribute('value', cloche.fieldValue(element));
      if (element.checked) told += ' checked';
    }
    if (tag === 'option' && element.selected) told += ' selected';
    return told;
  }

  attribute(name, value) {
    if (!value) return '';
    const short = cloche.collapse(value.slice(0, 4 * VALUE_CHARS)).trim();
    return ` ${name}=${cloche.quote(cloche.cut(cloche.withoutSecrets(short, this.secrets), VALUE_CHARS))}`;
  }

  line(depth, text) {
    const line = '  '.repeat(Math.min(depth, MAX_DEPTH)) + text;
    this.lines.push(line);
    this.room -= line.length + 1;
  }
}

// Answers {text, frames: [[line, depth, ref]], truncated}.
cloche.outline = (args) => {
  cloche.watchSecrets(document);
  const root = args.root ? cloche.elementOf(args.root) : dom.documentElement(document);
  return root ? new Outline(args).all(root) : {text: '', frames: [], truncated: ''};
};

// --- what is selected ---

const ofField = (name) => ({input: getter(HTMLInputElement, name), textarea: getter(HTMLTextAreaElement, name)});
const selectionStart = ofField('selectionStart');
const selectionEnd = ofField('selectionEnd');

// The marked part of the field or document that has the focus, {text, truncated}; nothing of a secret.
cloche.selectedText = ({max_chars}) => {
  const focused = cloche.focused();
  const tag = focused ? dom.localName(focused) : '';
  let text = '';
  if (tag === 'input' || tag === 'textarea') {
    const [from, to] = [selectionStart[tag](focused), selectionEnd[tag](focused)];
    if (from !== null && to > from && !cloche.isSecret(focused)) text = cloche.fieldValue(focused).slice(from, to);
  }
  text ||= markedText(focused, max_chars);
  return {text: seen(text.slice(0, max_chars)), truncated: text.length > max_chars};
};

const markedText = (focused, max_chars) => {
  const root = focused && dom.getRootNode(focused);
  const inner = root && dom.nodeType(root) === 11 && root.getSelection ? root.getSelection() : null;
  const selection = inner && !inner.isCollapsed ? inner : dom.getSelection(document);
  if (!selection || selection.isCollapsed || !selection.rangeCount) return '';
  const range = selection.getRangeAt(0);
  return isLong(range) ? firstOf(range, max_chars + 1) : selection.toString();
};

function* textsOf(range) {
  const walker = dom.createTreeWalker(document, range.commonAncestorContainer, NodeFilter.SHOW_TEXT);
  const start = range.startContainer;
  for (let node = dom.nodeType(walker.root) === 3 ? walker.root : walker.nextNode(); node; node = walker.nextNode()) {
    if (node === start || range.comparePoint(node, 0) === 0) yield node;
    else if (range.comparePoint(node, 0) > 0) return;
  }
}

// A string of it all might be 200 MB.
const isLong = (range) => {
  let chars = 0;
  let nodes = 0;
  for (const node of textsOf(range)) {
    chars += cloche.lengthOf(node);
    if (chars > 1 << 20 || ++nodes > 20000) return true;
  }
  return false;
};

const firstOf = (range, max_chars) => {
  let text = '';
  for (const node of textsOf(range)) {
    const from = node === range.startContainer ? range.startOffset : 0;
    const count = node === range.endContainer ? range.endOffset - from : max_chars;
    text += CharacterData.prototype.substringData.call(node, from, Math.min(count, max_chars));
    if (text.length >= max_chars) break;
  }
  return text;
};
