// What an element is and what it is called.
//
// Chromium knows best (`dom.role` and `dom.name` ask its accessibility tree), but must build the tree first, which takes
// 0.1 s for 5 000 elements and too long for a huge page. So roles that follow from the tag alone are told here, and with
// `ax` false all of it is, by the plain part of the rules (HTML-AAM, accname).

const dom = cloche.dom;

const words = (text) => text.split(' ');
const table = (text) => new Map(words(text).map((pair) => pair.split('=')));

// No attribute but `role` changes these.
const CERTAIN = table('div= span= b= i= u= s= small= big= font= center= bdi= bdo= body= html= pre= kbd= samp= var= q= ' +
  'label= legend= br= wbr= p=paragraph li=listitem ol=list ul=list menu=list button=button h1=heading h2=heading ' +
  'h3=heading h4=heading h5=heading h6=heading em= strong= mark= sub= sup= ins= code= time= abbr= dfn= cite= data= ' +
  'blockquote=blockquote figure=figure main=main nav=navigation article=article textarea=textbox option=option ' +
  'fieldset=group details=group summary=button iframe=iframe frame=iframe dialog=dialog hr=separator ' +
  'progress=progressbar meter=meter output=status video=video audio=audio canvas=canvas dl= tbody= thead= tfoot=');
// Without Chromium's word, what these mostly are.
const LIKELY = table('table=table tr=row td=cell th=columnheader caption=caption img=img svg=img search=search ' +
  'aside=complementary header=banner footer=contentinfo form=form dt=term dd=definition optgroup=group del=deletion');
const INPUTS = table('checkbox=checkbox radio=radio range=slider number=spinbutton search=searchbox button=button ' +
  'submit=button reset=button image=button file=button color=button hidden=');
const SPELLED = table('image=img none= generic= presentation= emphasis= strong= mark= subscript= superscript= insertion= ' +
  'code= time= rowgroup= sectionheader= sectionfooter= caption=caption graphics-symbol= graphics-object= ' +
  'graphics-document=img directory=list text= InlineTextBox=');

const KNOWN = new Set([...CERTAIN.values(), ...LIKELY.values(), ...INPUTS.values(), ...SPELLED.keys(), ...words('link ' +
  'alert alertdialog application combobox feed grid gridcell log marquee math menu menubar menuitem menuitemcheckbox ' +
  'menuitemradio note radiogroup region rowheader scrollbar switch tab tablist tabpanel textbox timer toolbar tooltip ' +
  'tree treegrid treeitem document')]);

cloche.levelOf = (element) => Number(dom.getAttribute(element, 'aria-level')) ||
  Number(/^h([1-6])$/.exec(dom.localName(element))?.[1]) || 0;

// As a snapshot writes it; empty for what only groups or dresses text.
cloche.roleOf = (element, ax) => {
  const tag = dom.localName(element);
  const told = dom.getAttribute(element, 'role');
  if (told === null || !told.trim()) {
    const certain = CERTAIN.get(tag);
    if (certain !== undefined) return certain;
    if (tag === 'a' || tag === 'area') return dom.hasAttribute(element, 'href') ? 'link' : '';
    if (tag === 'input') return inputRole(element);
    if (tag === 'select') {
      const many = dom.hasAttribute(element, 'multiple') || Number(dom.getAttribute(element, 'size')) > 1;
      return many ? 'listbox' : 'combobox';
    }
    if (tag.includes('-')) return '';
    if (tag === 'section') return isNamed(element) ? 'region' : '';
  }
  if (ax) {
    const role = dom.role(element);
    return SPELLED.get(role) ?? role;
  }
  const known = told && words(told.slice(0, 200).toLowerCase()).find((word) => KNOWN.has(word));
  const role = known || (LIKELY.get(tag) ?? CERTAIN.get(tag) ?? '');
  return SPELLED.get(role) ?? role;
};

const inputRole = (element) => {
  const type = (dom.getAttribute(element, 'type') || '').toLowerCase();
  return INPUTS.get(type) ?? (dom.hasAttribute(element, 'list') ? 'combobox' : 'textbox');
};

const isNamed = (element) => dom.hasAttribute(element, 'aria-label') || dom.hasAttribute(element, 'aria-labelledby');
cloche.isNamed = isNamed;

// Named by what they contain, if nothing else names them.
const FROM_CONTENT = new Set(words('button link heading tab menuitem menuitemcheckbox menuitemradio option radio switch ' +
  'checkbox treeitem tooltip'));
// Nothing but an attribute names these; there is no need to ask.
const SELDOM = new Set(words('paragraph list listitem cell gridcell columnheader rowheader row main navigation article ' +
  'blockquote term definition status separator complementary banner contentinfo search form region deletion note ' +
  'feed log alert timer tabpanel toolbar menu menubar tablist tree group generic'));
cloche.isNamedByContent = (element, role) => FROM_CONTENT.has(role) && !isNamed(element);

const LONG = 10000;
const PROBE = 1000;

// `work.left` is taken from, for what is costly to find out.
cloche.nameOf = (element, role, ax, work) => {
  const tag = dom.localName(element);
  const label = dom.getAttribute(element, 'aria-label');
  if (label !== null && label.length > LONG) return label.slice(0, LONG);
  if (tag === 'optgroup') return (dom.getAttribute(element, 'label') || '').slice(0, LONG);
  if (SELDOM.has(role) && !isNamed(element) && tag !== 'fieldset') {
    return (dom.getAttribute(element, 'title') || '').slice(0, LONG);
  }
  const byContent = FROM_CONTENT.has(role) && label === null;
  if (!ax || (byContent && !isShort(element, work))) return plainName(element, role);
  const name = dom.name(element);
  work.left -= 1 + name.length / 100;
  return name;
};

// Whether what an element contains is little enough for a name to be made of it: an element that contains a page of
// others would have each of them looked at for its name, and so would every one around it.
const isShort = (element, work) => {
  let chars = 0;
  let nodes = 0;
  for (let at = dom.firstChild(element); at;) {
    work.left -= 0.1;
    if (++nodes > PROBE) return false;
    const type = dom.nodeType(at);
    if (type === 3 && (chars += cloche.lengthOf(at)) > LONG) return false;
    at = after(at, element, type === 1);
  }
  return true;
};

// The node after this one in the document's order, within `root`; `deep`: also what is in it.
const after = (at, root, deep) => {
  let next = deep ? dom.firstChild(at) : null;
  while (!next && at && at !== root) {
    next = dom.nextSibling(at);
    if (!next) at = dom.parentNode(at);
  }
  return next;
};

const plainName = (element, role) => {
  const attribute = (name) => (dom.getAttribute(element, name) || '').slice(0, LONG).trim();
  const tag = dom.localName(element);
  const label = attribute('aria-label');
  if (label) return label;
  const ids = attribute('aria-labelledby');
  if (ids) return words(ids).slice(0, 8).map((id) => someText(byId(element, id))).join(' ').trim();
  if (tag === 'input' || tag === 'textarea' || tag === 'select') {
    if (INPUTS.get(attribute('type').toLowerCase()) === 'button') {
      return attribute('value') || attribute('alt') || attribute('type');
    }
    const labels = [...labelsOf[tag](element) ?? []].slice(0, 4).map(someText).join(' ').trim();
    return labels || attribute('title') || attribute('placeholder');
  }
  if (tag === 'img' || tag === 'area') return attribute('alt') || attribute('title');
  if (tag === 'table') return someText(dom.querySelector(element, 'caption')) || attribute('title');
  if (tag === 'fieldset') return someText(dom.querySelector(element, 'legend')) || attribute('title');
  return (FROM_CONTENT.has(role) && someText(element)) || attribute('title');
};

const labelsOf = {
  input: cloche.getter(HTMLInputElement, 'labels'),
  textarea: cloche.getter(HTMLTextAreaElement, 'labels'),
  select: cloche.getter(HTMLSelectElement, 'labels'),
};

const byId = (element, id) => {
  const root = dom.getRootNode(element);
  return dom.nodeType(root) === 1 ? null : dom.querySelector(root, `#${CSS.escape(id)}`);
};

// The first words in an element, and the texts that stand for its pictures.
const someText = (element) => {
  let text = '';
  let nodes = 0;
  for (let at = element && dom.firstChild(element); at && text.length < 1000 && nodes < PROBE; nodes++) {
    const type = dom.nodeType(at);
    const tag = type === 1 ? dom.localName(at) : '';
    if (type === 3) text += cloche.dataOf(at).slice(0, 1000);
    else if (tag === 'img') text += ` ${(dom.getAttribute(at, 'alt') || '').slice(0, 1000)} `;
    at = after(at, element, tag && !/^(script|style|template|textarea|select)$/.test(tag));
  }
  return cloche.collapse(text).trim();
};
