// The page `…/live`: the element, as large as the window, and the page's title in the window's.

import "./cloche-live.js";

const { ws_url, session_id } = JSON.parse(document.getElementById("data")?.textContent || "{}");
const asked = new URLSearchParams(location.search);
const live = document.createElement("cloche-live");
live.setAttribute("role", "main");
live.setAttribute("src", ws_url);
if (["0", "off"].includes(asked.get("controls") || "")) live.setAttribute("controls", "off");
for (const name of ["transport", "name"]) {
  if (asked.has(name)) live.setAttribute(name, asked.get(name) || "");
}
live.addEventListener("cloche-state", (event) => {
  const title = String(/** @type {CustomEvent} */ (event).detail.page?.title || "").slice(0, 200);
  document.title = title ? `${title} · live` : `Live session ${session_id}`;
});
live.addEventListener("cloche-ended", () => (document.title = `Ended · ${document.title}`));
document.body.append(live);
