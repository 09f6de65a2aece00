// Line drawings on a grid of 20 by 20, in the colour of the text.

const SVG = "http://www.w3.org/2000/svg";

/** @type {Record<string, string>} */
const PATHS = {
  back: "M12.5 4.5 7 10l5.5 5.5",
  forward: "M7.5 4.5 13 10l-5.5 5.5",
  reload: "M15.8 8.2A6.2 6.2 0 1 0 16 11.4M16 4v4.4h-4.4",
  stop: "M5.5 5.5l9 9M14.5 5.5l-9 9",
  close: "M6 6l8 8M14 6l-8 8",
  plus: "M10 4.5v11M4.5 10h11",
  globe: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM3.4 8h13.2M3.4 12h13.2M10 3c2 1.9 2.9 4.2 2.9 7S12 15.1 10 17c-2-1.9-2.9-4.2-2.9-7S8 4.9 10 3Z",
  fit: "M3.5 7.5v-4h4M16.5 7.5v-4h-4M3.5 12.5v4h4M16.5 12.5v4h-4M7 7h6v6H7z",
  clipboard: "M7.5 4H5.5a1 1 0 0 0-1 1v11a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1V5a1 1 0 0 0-1-1h-2M7.5 3h5v3h-5zM7.5 10h5M7.5 13h3",
  camera: "M3.5 6.5h3L8 4.5h4l1.5 2h3a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1h-13a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1ZM10 8.5a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.2Z",
  full: "M3.5 8V3.5H8M12 3.5h4.5V8M16.5 12v4.5H12M8 16.5H3.5V12",
  keyboard: "M3 5.5h14a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1ZM5 8.5h.01M8 8.5h.01M11 8.5h.01M14 8.5h.01M6.5 11.5h7",
  touch: "M8.5 11V5a1.5 1.5 0 0 1 3 0v4.5l3.3.9a1.6 1.6 0 0 1 1.2 1.7l-.3 2.6a2.5 2.5 0 0 1-2.5 2.3h-2.4a3 3 0 0 1-2.4-1.2L5.3 12.5a1.3 1.3 0 0 1 2-1.7L8.5 12",
  more: "M5 9.6a.4.4 0 1 0 0 .8.4.4 0 0 0 0-.8ZM10 9.6a.4.4 0 1 0 0 .8.4.4 0 0 0 0-.8ZM15 9.6a.4.4 0 1 0 0 .8.4.4 0 0 0 0-.8Z",
  people: "M7.5 10a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM2.5 16c.4-2.6 2.2-4 5-4s4.6 1.4 5 4M13 4.7a2.7 2.7 0 0 1 0 5.2M14.5 12.3c1.7.5 2.7 1.8 3 3.7",
  hand: "M6.5 10.5v-5a1.2 1.2 0 0 1 2.4 0V9m0-.5v-4a1.2 1.2 0 0 1 2.4 0v4.5m0-.5V5.5a1.2 1.2 0 0 1 2.4 0V10m0-1.5a1.2 1.2 0 0 1 2.3 0V12c0 3-1.8 5-4.7 5-2.5 0-3.6-1-4.7-3l-1.9-3.2a1.2 1.2 0 0 1 2-1.3L8 11",
  robot: "M5.5 7.5h9a1.5 1.5 0 0 1 1.5 1.5v5a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 4 14V9a1.5 1.5 0 0 1 1.5-1.5ZM10 7.5V4.5M10 4h.01M7.5 11h.01M12.5 11h.01M8 13.5h4M2.5 10.5v2M17.5 10.5v2",
  eye: "M2.5 10c1.8-3.3 4.3-5 7.5-5s5.7 1.7 7.5 5c-1.8 3.3-4.3 5-7.5 5s-5.7-1.7-7.5-5ZM10 7.7a2.3 2.3 0 1 0 0 4.6 2.3 2.3 0 0 0 0-4.6Z",
  device: "M7 2.5h6a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1ZM9.5 15h1",
  ended: "M10 3v7M6 5.2a6.5 6.5 0 1 0 8 0",
  warning: "M10 3.5 17.5 16.5h-15zM10 8.5v3.5M10 14.3h.01",
  bars: "M4 16v-3M8 16v-6M12 16V7M16 16V4",
  check: "M4.5 10.5 8.5 14.5 15.5 6",
  record: "M10 5.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9Z",
};

/** @param {string} name @returns {SVGElement} */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name] || "");
  svg.append(path);
  return svg;
}
