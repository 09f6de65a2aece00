// Whether and where an element is to be seen.

const dom = cloche.dom;

// Elements that the daemon itself has put onto the page; neither selectors nor snapshots know them.
cloche.ours = new WeakSet();

cloche.styleOf = (element) => getComputedStyle(element);

// As Playwright has it: has a box that is not empty, and is neither hidden nor in what is. Opacity does not matter.
cloche.isVisible = (element) => {
  if (!dom.checkVisibility(element, {visibilityProperty: true})) return isContentsVisible(element);
  const box = dom.getBoundingClientRect(element);
  return box.width > 0 && box.height > 0;
};

// `display: contents` has no box of its own, but what is in it has.
function isContentsVisible(element) {
  if (!dom.isConnected(element) || cloche.styleOf(element).display !== 'contents') return false;
  for (let child = dom.firstChild(element); child; child = dom.nextSibling(child)) {
    if (dom.nodeType(child) === 1 ? cloche.isVisible(child) : dom.nodeType(child) === 3 && hasBox(child)) return true;
  }
  return false;
}

function hasBox(text) {
  const range = dom.createRange(document);
  range.selectNodeContents(text);
  const box = range.getBoundingClientRect();
  return box.width > 0 && box.height > 0;
}

cloche.boxOf = (element) => {
  const {left, top, width, height} = dom.getBoundingClientRect(element);
  return {x: left, y: top, width, height};
};

// Whether assistive technology is told of it: what `role=` finds.
cloche.isExposed = (element) => {
  if (dom.nearest(element, '[aria-hidden="true" i], [inert]')) return false;
  return dom.checkVisibility(element, {visibilityProperty: true}) || cloche.styleOf(element).display === 'contents';
};

// As CSS and HTML have it, and WAI-ARIA: in a disabled fieldset too, or inside a button that is.
cloche.isEnabled = (element) => {
  const control = dom.nearest(element, 'button, input, select, textarea, option, optgroup');
  if (control && dom.matches(control, ':disabled')) return false;
  return !dom.nearest(element, '[inert], [aria-disabled="true" i]');
};

// Names an element in a failure's detail: `<div id="x" class="overlay">`, short.
cloche.describe = (element) => {
  const parts = [dom.localName(element)];
  for (const name of ['id', 'name', 'class', 'role', 'type']) {
    const value = dom.getAttribute(element, name);
    if (value) parts.push(`${name}="${value.replace(/[\s"<>]+/g, ' ').trim().slice(0, 40)}"`);
    if (parts.length > 3) break;
  }
  return `<${parts.join(' ').slice(0, 120)}>`;
};
