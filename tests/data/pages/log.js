// What happened on the page, as the page itself saw it: `log` holds one plain object for each event that `watch` saw.
window.log = [];

function held(event) {
  return ["Alt", "Control", "Meta", "Shift"].filter((name) => event.getModifierState && event.getModifierState(name)).join("+");
}

function note(event) {
  const at = event.composedPath()[0] || event.target;
  const entry = { type: event.type, id: at.id || at.nodeName || "", trusted: event.isTrusted, held: held(event) };
  for (const name of ["button", "buttons", "detail", "clientX", "clientY", "key", "code", "keyCode", "repeat", "location", "data",
    "inputType", "deltaX", "deltaY", "pointerType"]) if (name in event) entry[name] = event[name];
  if (at.value !== undefined && /input|change/.test(event.type)) entry.value = at.value;
  window.log.push(entry);
}

function watch(target, types) {
  for (const type of types.split(" ")) target.addEventListener(type, note, { capture: true, passive: true });
}

const POINTER = "pointerdown pointerup mousedown mouseup click dblclick auxclick contextmenu";
const KEYS = "keydown keypress beforeinput input keyup change";
