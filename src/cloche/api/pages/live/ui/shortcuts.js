// Keys that are for the viewer and not for the page: the way out of the picture, and those a browser itself answers to.

/**
 * @param {KeyboardEvent} event
 * @param {object} parts
 * @param {import("../viewer.js").Viewer} parts.viewer
 * @param {import("./toolbar.js").Toolbar | null} parts.toolbar without one only the way out is there
 * @param {import("../input/hands.js").Hands} parts.hands
 * @returns {boolean} whether it was one
 */
export function shortcutOf(event, { viewer, toolbar, hands }) {
  const isApple = /Mac|iPhone|iPad/.test(navigator.platform || "");
  const command = isApple ? event.metaKey : event.ctrlKey;
  if (event.key === "Escape" && event.shiftKey) {
    if (toolbar) toolbar.address.focus();
    else hands.field.blur();
    return true;
  }
  if (!toolbar) return false;
  if (event.key === "F6" || (command && !event.altKey && !event.shiftKey && event.code === "KeyL")) toolbar.address.focus();
  else if (event.key === "F5" || (command && !event.altKey && event.code === "KeyR")) viewer.act({ type: "reload", ignore_cache: event.shiftKey });
  else if (event.altKey && !command && !event.shiftKey && event.key === "ArrowLeft") viewer.act({ type: "back" });
  else if (event.altKey && !command && !event.shiftKey && event.key === "ArrowRight") viewer.act({ type: "forward" });
  else return false;
  return true;
}
