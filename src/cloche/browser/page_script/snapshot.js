// The page as lines for a reader, as Playwright's aria snapshots write them: walks what is drawn, keeps what means
// something, and gives refs to what one can act upon or look into.

const dom = cloche.dom;

const MAX_CHARS = 4 << 20;
const MAX_ITEMS = 200000;
const MAX_DEPTH = 60;     // deeper lines are not indented further: 10 000 nested elements are no 10 000 columns
const TEXT_CHARS = 1000;
const NAME_CHARS = 500;
const URL_CHARS = 500;
const RUN_CHARS = 400;    // where a text is that long, the next block begins a line of its own
const WORK = 1000;        // nodes, or as much other work, between two looks at the clock

const set = cloche.setOf;
const ACTED_ON = set('button link textbox searchbox combobox listbox checkbox radio switch slider spinbutton tab option ' +
  'menuitem menuitemcheckbox menuitemradio treeitem iframe');
const LOOKED_INTO = set('dialog alertdialog main navigation banner contentinfo complementary region search form article ' +
  'table grid treegrid list listbox tree menu menubar tablist tabpanel radiogroup toolbar feed application');
const LANDMARKS = set('dialog alertdialog main navigation banner contentinfo complementary region search form heading');
const NOTHING_WHEN_EMPTY = set('paragraph listitem list group blockquote article figure img main navigation banner ' +
  'contentinfo complementary region search form status note definition term row table');
const GROUPS = set('fieldset details optgroup');
const VALUED = set('textbox searchbox spinbutton slider combobox progressbar meter scrollbar');

class Item {
  constructor(role) {
    this.role = role;
    this.name = '';
    this.states = '';
    this.ref = '';
    this.acted = false;
    this.byContent = false;
    this.value = '';
    this.url = null;
    this.hint = '';
    this.box = '';
    this.frame = null;
    this.kids = [];
    this.run = '';       // text that is not among the kids yet
    this.gap = false;    // a block began or ended since
  }

  text(piece) {
    if (this.run && this.gap && this.run.length > RUN_CHARS) this.flush();
    const spaced = this.gap || this.run === '' || this.run.endsWith(' ');
    if (this.gap && this.run && !this.run.endsWith(' ')) this.run += ' ';
    this.gap = false;
    this.run += spaced && piece.startsWith(' ') ? piece.slice(1) : piece;
  }

  flush() {
    const text = this.run.trim();
    if (text) this.kids.push(text);
    this.run = '';
    this.gap = false;
  }
}

// Answers {text, frames: [[line, depth, ref, x, y]], lines, truncated}. `ax`: Chromium has its accessibility tree ready.
cloche.snapshot = (args) => {
  cloche.watchSecrets(document);
  const started = cloche.now();
  const top = args.root ? cloche.elementOf(args.root) : dom.documentElement(document);
  const walk = new Walk(args, started + args.deadline_ms * 0.6);
  if (top) walk.all(top);
  const page = new Page(args, started + args.deadline_ms * 0.8);
  page.secrets.push(...walk.secrets);
  page.write(walk.top.kids);
  return {text: page.lines.join('\n'), frames: page.frames, truncated: walk.truncated || page.truncated};
};

// How many elements there are, or more than `most`.
cloche.size = ({most}) => {
  let count = 0;
  const roots = [document];
  while (roots.length && count <= most) {
    const elements = dom.querySelectorAll(roots.pop(), '*');
    count += elements.length;
    if (count > most) break;
    for (const element of elements) {
      const shadow = dom.shadowRoot(element);
      if (shadow) roots.push(shadow);
    }
  }
  return count;
};

class Walk {
  constructor({ax = false, bounding_boxes = false}, until) {
    this.ax = ax;
    this.boxes = bounding_boxes;
    this.until = until;
    this.work = {left: WORK};
    this.items = 0;
    this.truncated = '';
    this.focused = cloche.focused();
    this.secrets = [];
    this.top = new Item('');
  }

  // Whether to stop. Called for every node; looks at the clock now and then.
  isOver() {
    if ((this.work.left -= 1) > 0) return false;
    this.work.left = WORK;
    if (this.items > MAX_ITEMS) this.truncated = 'size';
    else if (cloche.now() > this.until) this.truncated = 'time';
    return this.truncated !== '';
  }

  all(element) {
    const stack = [];
    this.enter(element, {item: this.top, pointer: false, hidden: false}, stack);
    while (stack.length) {
      const at = stack[stack.length - 1];
      const node = this.truncated ? null : cloche.takeNext(at.children);
      if (!node) {
        stack.pop();
        this.leave(at);
        continue;
      }
      if (this.isOver()) continue;
      const type = dom.nodeType(node);
      if (type === 1) this.enter(node, at, stack);
      else if (type === 3 && !at.hidden) {
        const text = cloche.collapse(cloche.dataOf(node));
        if (text) at.item.text(text);
      }
    }
    this.top.flush();
  }

  enter(element, around, stack) {
    const tag = dom.localName(element);
    if (cloche.SKIPPED.has(tag) || cloche.ours.has(element)) return;
    // Options of a closed list are drawn by nobody; they are what it offers.
    const isChoice = tag === 'option' || tag === 'optgroup';
    const style = getComputedStyle(element);
    const display = style.display;
    if (!isChoice && display === 'none') return;
    if (dom.getAttribute(element, 'aria-hidden') === 'true' && tag !== 'body' && tag !== 'html') return;
    if (dom.hasAttribute(element, 'inert')) return;
    if (tag === 'br') {
      around.item.gap = true;
      return;
    }
    const hidden = style.visibility !== 'visible';
    const pointer = style.cursor === 'pointer';
    const isBlock = display !== 'inline' && display !== 'contents';
    const item = hidden ? null : this.itemOf(element, tag, pointer && !around.pointer, style, around.item);
    if (isBlock) around.item.gap = true;
    const at = {item: item ?? around.item, own: item, around: around.item, pointer, hidden, isBlock, children: null};
    const isClosed = style.contentVisibility === 'hidden';
    at.children = cloche.LEAVES.has(tag) || isClosed ? cloche.NO_CHILDREN : cloche.drawnChildren(element, tag);
    stack.push(at);
  }

  leave(at) {
    if (at.isBlock) at.around.gap = true;
    const item = at.own;
    if (!item) return;
    item.flush();
    if (item.byContent) dropRepeated(item);
    const isEmpty = !item.kids.length && !item.name && !item.acted && !item.value;
    if (isEmpty && NOTHING_WHEN_EMPTY.has(item.role)) return;
    at.around.flush();
    at.around.kids.push(item);
    this.items++;
  }

  itemOf(element, tag, isPointed, style, around) {
    const role = cloche.roleOf(element, this.ax);
    const isScrolled = (style.overflowY === 'auto' || style.overflowY === 'scroll') && tag !== 'textarea' &&
      dom.scrollHeight(element) > dom.clientHeight(element) + 1;
    const isRoot = tag === 'html' || tag === 'body';
    const isEdited = dom.hasAttribute(element, 'contenteditable') &&
      dom.getAttribute(element, 'contenteditable').toLowerCase() !== 'false';
    const isChoice = tag === 'option';
    const acted = !isChoice && (ACTED_ON.has(role) || isEdited || (!isRoot && (
      dom.hasAttribute(element, 'tabindex') || dom.hasAttribute(element, 'onclick') ||
      (isPointed && !around.acted && tag !== 'option'))));
    // Grouped without a name and not by a frame around: no more than a `div`.
    const isPlain = role === 'group' && !GROUPS.has(tag) && !cloche.isNamed(element);
    if ((!role || isPlain) && !acted && !isScrolled) return null;
    const item = new Item(role || (isEdited ? 'textbox' : 'generic'));
    item.acted = acted;
    item.name = cloche.nameOf(element, item.role, this.ax, this.work).slice(0, 10000);
    item.name = cloche.collapse(item.name).trim();
    item.byContent = cloche.isNamedByContent(element, role) || (role === 'group' && !cloche.isNamed(element));
    if (acted || isScrolled || LOOKED_INTO.has(role)) item.ref = cloche.refOf(element);
    item.states = statesOf(element, tag, item.role) + (element === this.focused ? ' [active]' : '');
    if (isScrolled && !isRoot) item.states += ' [scrollable]';
    if (role === 'link') item.url = dom.getAttribute(element, 'href');
    if (tag === 'input' || tag === 'textarea') this.fieldOf(element, item);
    else if (VALUED.has(role)) item.value = dom.getAttribute(element, 'aria-valuetext') ??
      dom.getAttribute(element, 'aria-valuenow') ?? (tag === 'progress' || tag === 'meter' ? String(element.value) : '');
    if (role === 'iframe' || this.boxes) this.place(element, item);
    return item;
  }

  fieldOf(element, item) {
    const isSecret = cloche.isSecret(element);
    if (isSecret) {
      item.states += ' [password]';
      const secret = cloche.secretOf(element);
      if (secret) this.secrets.push(secret);
    }
    if (!VALUED.has(item.role)) return;
    item.value = cloche.fieldValue(element).slice(0, 4 * TEXT_CHARS);
    const hint = dom.getAttribute(element, 'placeholder');
    if (hint && !item.value) item.hint = cloche.collapse(hint.slice(0, TEXT_CHARS)).trim();
  }

  place(element, item) {
    const {x, y, width, height} = dom.getBoundingClientRect(element);
    if (this.boxes) item.box = ` [box=${[x, y, width, height].map(Math.round)}]`;
    if (item.role !== 'iframe') return;
    const style = getComputedStyle(element);
    const left = x + dom.clientLeft(element) + parseFloat(style.paddingLeft);
    item.frame = [Math.round(left), Math.round(y + dom.clientTop(element) + parseFloat(style.paddingTop))];
  }
}

const flag = (name, value) => value === 'mixed' ? ` [${name}=mixed]` : value === 'true' ? ` [${name}]` : '';
const CHECKED = set('checkbox radio switch menuitemcheckbox menuitemradio option treeitem');

const statesOf = (element, tag, role) => {
  let states = '';
  const aria = (name) => dom.getAttribute(element, `aria-${name}`);
  if (tag === 'input' && (role === 'checkbox' || role === 'radio' || role === 'switch')) {
    states += flag('checked', element.indeterminate ? 'mixed' : String(element.checked));
  } else if (CHECKED.has(role)) states += flag('checked', aria('checked'));
  if (ACTED_ON.has(role) || role === 'group') {
    if (dom.matches(element, ':disabled') || aria('disabled') === 'true') states += ' [disabled]';
  }
  const expanded = tag === 'summary' && dom.parentElement(element)
    ? String(dom.hasAttribute(dom.parentElement(element), 'open')) : aria('expanded');
  if (expanded === 'true') states += ' [expanded]';
  if (expanded === 'false') states += ' [expanded=false]';
  const level = role === 'heading' || role === 'treeitem' ? cloche.levelOf(element) : 0;
  if (level) states += ` [level=${level}]`;
  if (role === 'button') states += flag('pressed', aria('pressed'));
  states += flag('selected', tag === 'option' ? String(element.selected) : aria('selected'));
  return states;
};

const bare = (text) => text.replace(/\s+/g, '');

// What the name says already is not said again.
const dropRepeated = (item) => {
  if (!item.name) return;
  const name = bare(item.name);
  item.kids = item.kids.filter((kid) => {
    if (typeof kid === 'string') return !name.includes(bare(kid));
    return kid.role !== 'img' || kid.ref || !name.includes(bare(kid.name)) || kid.kids.length;
  });
};

// Puts items into lines.
class Page {
  constructor({interactive_only = false}, until) {
    this.onlyActed = interactive_only;
    this.until = until;
    this.lines = [];
    this.frames = [];
    this.chars = 0;
    this.truncated = '';
    this.secrets = cloche.secretValues();
  }

  write(kids) {
    if (this.onlyActed) kids = onlyActed(kids);
    const stack = [{kids, at: 0, depth: 0}];
    while (stack.length && !this.truncated) {
      const top = stack[stack.length - 1];
      if (top.at >= top.kids.length) stack.pop();
      else {
        const kid = top.kids[top.at++];
        if (typeof kid === 'string') this.line(top.depth, `text: ${cloche.plain(cloche.cut(kid, TEXT_CHARS))}`);
        else this.item(kid, top.depth, stack);
      }
    }
  }

  item(item, depth, stack) {
    let head = item.role;
    if (item.name) {
      head += ` ${cloche.quote(cloche.cut(cloche.withoutSecrets(item.name, this.secrets), NAME_CHARS))}`;
    }
    head += item.states;
    if (item.ref) head += ` [ref=${item.ref}]`;
    head += item.box;
    if (item.frame) this.frames.push([this.lines.length, Math.min(depth, MAX_DEPTH), item.ref, ...item.frame]);
    const details = [];
    if (item.url) details.push(`/url: ${cloche.plain(urlOf(item.url))}`);
    if (item.hint && item.hint !== item.name) details.push(`/placeholder: ${cloche.plain(item.hint)}`);
    const value = item.value ? cloche.collapse(item.value).trim() : '';
    const only = !details.length && !value && item.kids.length === 1 && typeof item.kids[0] === 'string';
    const inline = only ? item.kids[0] : value;
    if (inline && !details.length) head += `: ${cloche.plain(cloche.cut(inline, TEXT_CHARS))}`;
    else if (details.length || item.kids.length) head += ':';
    this.line(depth, head);
    for (const detail of details) this.line(depth + 1, detail);
    if (inline && details.length) this.line(depth + 1, `text: ${cloche.plain(cloche.cut(inline, TEXT_CHARS))}`);
    if (item.kids.length && !only) stack.push({kids: item.kids, at: 0, depth: depth + 1});
  }

  line(depth, text) {
    const line = `${'  '.repeat(Math.min(depth, MAX_DEPTH))}- ${text}`;
    this.lines.push(line);
    this.chars += line.length;
    if (this.chars > MAX_CHARS) this.truncated = 'size';
    else if (this.lines.length % WORK === 0 && cloche.now() > this.until) this.truncated = 'time';
  }
}

// A link's address is what it is: whoever drives the page may follow it. Only logs are redacted.
const urlOf = (url) => {
  const isInline = /^\s*(?:data|javascript|blob):/i.test(url.slice(0, 100));
  return cloche.cut(cloche.collapse(url.slice(0, 4 * URL_CHARS)).trim(), isInline ? 60 : URL_CHARS);
};

// Keeps what one can act upon, the headings, and the landmarks around them. Goes from the leaves up, without recursion.
const onlyActed = (kids) => {
  const top = {kids, kept: [], at: 0, item: null};
  const stack = [top];
  while (stack.length) {
    const frame = stack[stack.length - 1];
    if (frame.at < frame.kids.length) {
      const kid = frame.kids[frame.at++];
      if (typeof kid !== 'string') stack.push({kids: kid.kids, kept: [], at: 0, item: kid});
      continue;
    }
    stack.pop();
    const around = stack[stack.length - 1];
    if (!around) break;
    const {item} = frame;
    const stays = item.acted || item.role === 'option' || item.role === 'heading' ||
      (LANDMARKS.has(item.role) && frame.kept.length);
    if (!stays) for (const kept of frame.kept) around.kept.push(kept);
    else {
      const text = item.acted && !item.name ? item.kids.filter((kid) => typeof kid === 'string') : [];
      item.kids = [...text, ...frame.kept];
      around.kept.push(item);
    }
  }
  return top.kept;
};
