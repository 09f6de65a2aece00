// Where on the picture something happened, and which modifiers were held.

/**
 * Places are told in the box in which the picture is shown as large as it fits: the server knows the page's size.
 * @param {Element} stage
 * @param {{clientX: number, clientY: number}} at
 */
export function placeIn(stage, { clientX, clientY }) {
  const box = stage.getBoundingClientRect();
  return { x: round(clientX - box.left), y: round(clientY - box.top), width: round(box.width), height: round(box.height) };
}

/** @param {number} value */
export const round = (value) => Math.round(value * 100) / 100;

/** CDP's bits. @param {MouseEvent | KeyboardEvent | WheelEvent | TouchEvent} event */
export function modifiersOf(event) {
  return (event.altKey ? 1 : 0) | (event.ctrlKey ? 2 : 0) | (event.metaKey ? 4 : 0) | (event.shiftKey ? 8 : 0);
}
