// Colours and the look of what is everywhere. The colours are those of base.css; a page that embeds the element may set
// others with `--cloche-…`.

export const tokens = `
:host {
  color-scheme: light dark;
  --ground: var(--cloche-ground, #f6f5f2); --card: var(--cloche-card, #ffffff); --ink: var(--cloche-ink, #1d2023);
  --dim: var(--cloche-dim, #5c636b); --line: var(--cloche-line, #d9d6cf); --accent: var(--cloche-accent, #0b6e5f);
  --bad: var(--cloche-bad, #b3261e); --on-accent: var(--cloche-on-accent, #ffffff); --stage: var(--cloche-stage, #e7e5df);
  --good: #16794c; --fair: #9a6700; --hover: color-mix(in srgb, var(--ink) 8%, transparent);
  --shadow: 0 1px 2px rgb(0 0 0 / .08), 0 6px 24px rgb(0 0 0 / .14);
  display: block; position: relative; min-width: 0; min-height: 120px; overflow: hidden; container-type: size;
  background: var(--ground); color: var(--ink); font: 14px/1.45 system-ui, sans-serif; text-align: start;
  -webkit-text-size-adjust: 100%;
}
@media (prefers-color-scheme: dark) {
  :host {
    --ground: var(--cloche-ground, #15181b); --card: var(--cloche-card, #1e2226); --ink: var(--cloche-ink, #e8e6e1);
    --dim: var(--cloche-dim, #9aa2ab); --line: var(--cloche-line, #343a40); --accent: var(--cloche-accent, #5fd0bb);
    --bad: var(--cloche-bad, #ff8a80); --on-accent: var(--cloche-on-accent, #0c1f1b); --stage: var(--cloche-stage, #0e1012);
    --good: #6cd49b; --fair: #f0c05a; --shadow: 0 1px 2px rgb(0 0 0 / .4), 0 8px 28px rgb(0 0 0 / .5);
  }
}
:host([hidden]) { display: none; }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
button, input, select, textarea { font: inherit; color: inherit; margin: 0; }
button { cursor: pointer; border: 0; background: none; padding: 0; border-radius: 8px; -webkit-tap-highlight-color: transparent; }
button:disabled { cursor: default; opacity: .38; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
h2 { font-size: 15px; font-weight: 650; margin: 0; line-height: 1.35; text-wrap: balance; }
p { margin: 0; }
.dim { color: var(--dim); font-size: 13px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.icon { width: 20px; height: 20px; flex: none; fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; }
.icon-button { display: inline-flex; align-items: center; justify-content: center; gap: 5px; min-width: 34px; height: 34px; padding: 0 7px; color: var(--dim); flex: none; }
.icon-button:hover:not(:disabled) { background: var(--hover); color: var(--ink); }
.icon-button[aria-pressed="true"], .icon-button[aria-expanded="true"] { background: color-mix(in srgb, var(--accent) 16%, transparent); color: var(--accent); }
.strong, .plain { padding: 6px 14px; min-height: 34px; font-weight: 600; white-space: nowrap; flex: none; }
.strong { background: var(--accent); color: var(--on-accent); }
.strong:hover:not(:disabled) { background: color-mix(in srgb, var(--accent) 88%, var(--ink)); }
.plain { box-shadow: inset 0 0 0 1px var(--line); background: var(--card); }
.plain:hover:not(:disabled) { background: color-mix(in srgb, var(--ink) 6%, var(--card)); }
input[type="text"], select, textarea { background: var(--ground); border: 1px solid var(--line); border-radius: 8px; padding: 6px 10px; min-width: 0; min-height: 34px; }
textarea { width: 100%; resize: vertical; display: block; }
input::placeholder, textarea::placeholder { color: var(--dim); opacity: .85; }
.row { display: flex; gap: 8px; align-items: center; flex-wrap: wrap; }
.row.end { justify-content: flex-end; }
@media (pointer: coarse) {
  .icon-button { min-width: 40px; height: 40px; }
  .strong, .plain, input[type="text"], select { min-height: 40px; }
  input[type="text"], select, textarea { font-size: 16px; }
}
@media (forced-colors: active) {
  .strong, .icon-button, .badge, .card, .notice, .banner, .panel { border: 1px solid ButtonText; }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation-duration: .01ms !important; animation-iteration-count: 1 !important; transition: none !important; }
}
`;
