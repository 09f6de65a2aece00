// Finds elements. A selector is a list of parts, each of an engine; each looks inside what the one before found, in the
// document and in all open shadow roots: first what is outside of shadow roots, then what is in them.

const dom = cloche.dom;
const MAX_MATCHES = 10000;
const engines = {};

// All elements that the parts fit, at most MAX_MATCHES. `until`: on the clock of `cloche.now`.
cloche.findAll = (parts, until = cloche.now() + 1000) => {
  const search = new Search(until);
  let scopes = [document];
  for (const part of parts) {
    if (part.engine === 'nth') {
      const found = scopes[part.index < 0 ? scopes.length + part.index : part.index];
      scopes = found && found !== document ? [found] : [];
    } else if (part.engine === 'visible') {
      scopes = scopes.filter((element) => element !== document && cloche.isVisible(element) === part.visible);
    } else {
      if (!engines[part.engine]) throw cloche.fail('invalid_selector', `no engine ${part.engine}`);
      scopes = search.within(scopes, part);
    }
    if (!scopes.length) return [];
  }
  return scopes[0] === document ? [] : scopes;
};

class Search {
  constructor(until) {
    this.until = until;
    this.steps = 0;
    this.roots = new Map();
  }

  // Counts work, and ends it in time: a page may have millions of elements.
  step(count = 1) {
    this.steps += count;
    if (this.steps < 512) return;
    this.steps = 0;
    if (cloche.now() > this.until) throw cloche.fail('timeout', 'the page is too large to be searched in time');
  }

  within(scopes, part) {
    const found = new Set();
    for (const scope of scopes) {
      for (const element of engines[part.engine](scope, part, this)) {
        if (cloche.ours.has(element)) continue;
        found.add(element);
        if (found.size >= MAX_MATCHES) return [...found];
      }
    }
    return [...found];
  }

  // The scope and all open shadow roots in it.
  rootsOf(scope) {
    let roots = this.roots.get(scope);
    if (roots) return roots;
    roots = [scope];
    for (let index = 0; index < roots.length; index++) {
      const own = index === 0 && dom.nodeType(scope) === 1 ? dom.shadowRoot(scope) : null;
      if (own) roots.push(own);
      const all = dom.querySelectorAll(roots[index], '*');
      for (let at = 0; at < all.length; at++) {
        const root = dom.shadowRoot(all[at]);
        if (root && !roots.includes(root)) roots.push(root);
        if ((at & 511) === 511) this.step(512);
      }
    }
    this.roots.set(scope, roots);
    return roots;
  }

  * all(scope, css) {
    for (const root of this.rootsOf(scope)) {
      for (const element of query(root, css)) {
        this.step();
        yield element;
      }
    }
  }
}

function query(root, css) {
  try {
    return dom.querySelectorAll(root, css);
  } catch (error) {
    throw cloche.fail('invalid_selector', `this is not CSS: ${css.slice(0, 100)}`);
  }
}

engines.ref = (scope, part) => {
  if (part.ref.slice(0, 4) !== cloche.document) throw cloche.fail('stale_ref', 'the page of this ref is no longer there');
  const element = cloche.elementOf(part.ref);
  return scope === document || dom.holds(scope, element) ? [element] : [];
};

engines.xpath = (scope, part) => {
  // As everywhere: what is in an element is looked for from there, also when the path begins at the root.
  const path = scope !== document && part.xpath.startsWith('/') ? `.${part.xpath}` : part.xpath;
  let result;
  try {
    result = dom.evaluate(document, path, scope, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
  } catch (error) {
    throw cloche.fail('invalid_selector', `this is not XPath for elements: ${part.xpath.slice(0, 100)}`);
  }
  const found = [];
  for (let index = 0; index < result.snapshotLength; index++) {
    const node = result.snapshotItem(index);
    if (dom.nodeType(node) === 1) found.push(node);
  }
  return found;
};

engines.frame = (scope, part, search) =>
  [...engines.css(scope, part, search)].filter((element) => ['iframe', 'frame'].includes(dom.localName(element)));

// --- CSS, through shadow roots ---

engines.css = (scope, part, search) => {
  const roots = search.rootsOf(scope);
  if (roots.length === 1) return query(scope, part.css);
  const found = new Set(search.all(scope, part.css));
  for (const chain of chainsOf(part.css)) {
    if (chain.length < 2) continue;
    for (const element of search.all(scope, chain[chain.length - 1].compound)) {
      if (!found.has(element) && fits(element, chain, chain.length - 1, search)) found.add(element);
    }
  }
  return found;
};

// `a > b c, d` as [[{compound: 'a'}, {combinator: '>', compound: 'b'}, {combinator: ' ', compound: 'c'}], [{compound: 'd'}]]
const TOKEN = /\\[^]|"(?:\\[^]|[^"\\])*"|'(?:\\[^]|[^'\\])*'|\s*[>+~,]\s*|\s+|[^]/g;
function chainsOf(css) {
  const chains = [[{combinator: '', compound: ''}]];
  let depth = 0;
  for (const [token] of css.trim().matchAll(TOKEN)) {
    const chain = chains[chains.length - 1];
    if (depth === 0 && /^\s*[>+~]?\s*$/.test(token)) chain.push({combinator: token.trim() || ' ', compound: ''});
    else if (depth === 0 && token.trim() === ',') chains.push([{combinator: '', compound: ''}]);
    else {
      if (token === '(' || token === '[') depth++;
      if (token === ')' || token === ']') depth--;
      chain[chain.length - 1].compound += token;
    }
  }
  return chains.filter((chain) => chain.every(({compound}) => compound && !compound.includes(':scope')));
}

// Whether the chain up to `index` fits the element, which its last compound does already.
function fits(element, chain, index, search) {
  if (index === 0) return true;
  const wanted = chain[index - 1].compound;
  const next = (at) => at && dom.matches(at, wanted) && fits(at, chain, index - 1, search);
  search.step();
  switch (chain[index].combinator) {
    case '>': return next(dom.around(element));
    case '+': return next(dom.previousElementSibling(element));
    case '~':
      for (let at = dom.previousElementSibling(element); at; at = dom.previousElementSibling(at)) if (next(at)) return true;
      return false;
    default:
      for (let at = dom.around(element); at; at = dom.around(at)) if (next(at)) return true;
      return false;
  }
}

// --- texts ---

const normal = (text) => text.replace(/\s+/g, ' ').trim();

// Makes of a match as the daemon tells it a function from text to whether it fits.
function matcherOf(match) {
  if (match.pattern !== undefined) {
    let pattern;
    try {
      pattern = new RegExp(match.pattern, match.flags);
    } catch (error) {
      throw cloche.fail('invalid_selector', `this is not a regular expression: ${match.pattern.slice(0, 100)}`);
    }
    return (text) => (pattern.lastIndex = 0, pattern.test(normal(text)));
  }
  const cased = match.ignore_case ? (text) => text.toLowerCase() : (text) => text;
  const wanted = cased(normal(match.text));
  return match.exact ? (text) => cased(normal(text)) === wanted : (text) => cased(normal(text)).includes(wanted);
}

const MAX_DEPTH = 2000;
const INPUTS = 'input[type=submit i], input[type=button i], input[type=reset i]';
const UNREAD = 'script, style, noscript, template';

// What an element says, without scripts and the like; shadow roots speak for themselves.
cloche.textOf = (element) => {
  if (dom.localName(element) === 'input') {
    return ['submit', 'button', 'reset'].includes(element.type) ? element.value : '';
  }
  if (!dom.firstElementChild(element) || !dom.querySelector(element, UNREAD)) return dom.textContent(element);
  let text = '';
  for (let child = dom.firstChild(element); child; child = dom.nextSibling(child)) {
    const type = dom.nodeType(child);
    if (type === 3) text += child.data;
    if (type === 1 && !dom.matches(child, UNREAD)) text += cloche.textOf(child);
  }
  return text;
};

// The smallest elements: those that fit while none of their children does (Playwright's rule).
engines.text = (scope, part, search) => {
  const fitsText = matcherOf(part.match);
  // What contains no element that could fit need not be looked into; a pattern may fit inside what does not fit.
  const contains = part.match.pattern === undefined ? matcherOf({...part.match, exact: false}) : () => true;
  const found = [];
  const look = (element, depth) => {
    search.step();
    if (dom.matches(element, UNREAD) || dom.localName(element) === 'head') return false;
    let inside = false;
    let child = depth < MAX_DEPTH ? dom.firstElementChild(element) : null;
    if (child && !contains(dom.textContent(element)) && !contains(cloche.textOf(element)) && !dom.querySelector(element, INPUTS)) {
      return false;
    }
    for (; child; child = dom.nextElementSibling(child)) inside = look(child, depth + 1) || inside;
    if (!inside && fitsText(cloche.textOf(element))) found.push(element);
    return inside || found[found.length - 1] === element;
  };
  for (const root of search.rootsOf(scope)) {
    const tops = root === document ? [dom.body(document) ?? dom.documentElement(document)]
      : dom.nodeType(root) === 1 ? [root] : [...root.children];
    for (const top of tops) if (top) look(top, 0);
  }
  return found;
};

const byAttribute = (attribute, css) => function* (scope, part, search) {
  const fitsText = matcherOf(part.match);
  for (const element of search.all(scope, css)) if (fitsText(dom.getAttribute(element, attribute) ?? '')) yield element;
};
engines.placeholder = byAttribute('placeholder', 'input[placeholder], textarea[placeholder]');
engines.alt = byAttribute('alt', '[alt]');
engines.title = byAttribute('title', '[title]');
engines.testid = byAttribute('data-testid', '[data-testid]');

// What a label names: by <label>, aria-labelledby or aria-label.
engines.label = function* (scope, part, search) {
  const fitsText = matcherOf(part.match);
  const css = 'input, textarea, select, button, meter, output, progress, [aria-label], [aria-labelledby]';
  for (const element of search.all(scope, css)) {
    const texts = [dom.getAttribute(element, 'aria-label') ?? ''];
    const labels = dom.localName(element) === 'form' ? [] : element.labels ?? [];
    for (const label of labels) texts.push(cloche.textOf(label));
    const ids = (dom.getAttribute(element, 'aria-labelledby') ?? '').split(/\s+/).filter(Boolean).slice(0, 16);
    const others = ids.map((id) => query(dom.getRootNode(element), `#${CSS.escape(id)}`)[0]).filter(Boolean);
    if (others.length) texts.push(others.map(cloche.textOf).join(' '));
    if (texts.some((text) => normal(text) && fitsText(text))) yield element;
  }
};

// --- roles, as Chromium computes them ---

// Which elements can have a role without an attribute; for other roles all are asked.
const NATIVE = {
  button: 'button, summary, input', link: 'a, area', checkbox: 'input', radio: 'input', textbox: 'input, textarea, [contenteditable]',
  searchbox: 'input', spinbutton: 'input', slider: 'input', switch: 'input', combobox: 'input, select, button', listbox: 'select',
  option: 'option', heading: 'h1, h2, h3, h4, h5, h6', img: 'img, svg', image: 'img, svg', list: 'ul, ol, menu', listitem: 'li',
  table: 'table', row: 'tr', cell: 'td, th', columnheader: 'th', rowheader: 'th', rowgroup: 'tbody, thead, tfoot',
  navigation: 'nav', main: 'main', banner: 'header', contentinfo: 'footer', complementary: 'aside', article: 'article',
  form: 'form', dialog: 'dialog', region: 'section', paragraph: 'p', progressbar: 'progress', meter: 'meter', separator: 'hr',
  tab: '_', tabpanel: '_', tablist: '_', menu: '_', menubar: '_', menuitem: '_', menuitemcheckbox: '_', menuitemradio: '_',
  tree: '_', treeitem: '_', grid: '_', gridcell: 'td', alert: '_', alertdialog: '_', tooltip: '_', toolbar: '_', log: '_',
};
const SAME_ROLE = {image: 'img', img: 'image', none: 'presentation', presentation: 'none'};

engines.role = function* (scope, part, search) {
  const fitsName = part.name ? matcherOf(part.name) : null;
  const roles = [part.role, SAME_ROLE[part.role]];
  const css = NATIVE[part.role] ? `${NATIVE[part.role]}, [role]` : '*';
  for (const element of search.all(scope, css)) {
    if (!roles.includes(dom.role(element))) continue;
    if (!part.include_hidden && !cloche.isExposed(element)) continue;
    if (!Object.entries(part.states ?? {}).every(([state, value]) => stateOf(element, state) === value)) continue;
    if (fitsName && !fitsName(dom.name(element))) continue;
    search.step(16);
    yield element;
  }
};

function stateOf(element, state) {
  const attribute = dom.getAttribute(element, `aria-${state}`);
  const told = attribute === 'true' ? true : attribute === 'mixed' ? 'mixed' : false;
  const name = dom.localName(element);
  switch (state) {
    case 'disabled': return !cloche.isEnabled(element);
    case 'checked': return name === 'input' ? (element.indeterminate ? 'mixed' : element.checked) : told;
    case 'selected': return name === 'option' ? element.selected : told;
    case 'expanded':
      if (name === 'summary') return dom.hasAttribute(dom.parentElement(element), 'open');
      return told;
    case 'level': {
      const level = Number(attribute) || Number(/^h([1-6])$/.exec(name)?.[1]) || 0;
      return level;
    }
    default: return told;
  }
}

// --- for the daemon ---

// Takes one element out of what was found: the first that is to be seen, or else the first.
cloche.choose = (found, strict) => {
  if (!found.length) return null;
  if (strict && found.length > 1) {
    throw cloche.fail('selector_ambiguous', `${found.length} elements fit, the first is ${cloche.describe(found[0])}`);
  }
  if (found.length === 1) return found[0];
  return found.find(cloche.isVisible) ?? found[0];
};

// How many elements fit, and how many of them are to be seen.
cloche.count = ({parts, deadline_ms}) => {
  const found = cloche.findAll(parts, cloche.now() + deadline_ms);
  return {attached: found.length, visible: found.reduce((sum, element) => sum + (cloche.isVisible(element) ? 1 : 0), 0)};
};
