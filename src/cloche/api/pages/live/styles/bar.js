// Everything above the picture.

export const bar = `
.viewer { display: flex; flex-direction: column; position: absolute; inset: 0; }
.bar { position: relative; z-index: 3; flex: none; background: var(--card); border-bottom: 1px solid var(--line); }
.tabs { display: flex; align-items: flex-end; gap: 2px; padding: 6px 8px 0; background: var(--ground); }
.tab-list { display: flex; gap: 2px; min-width: 0; overflow-x: auto; scrollbar-width: none; }
.tab { position: relative; display: flex; align-items: center; flex: 0 1 220px; min-width: 96px; height: 34px; border-radius: 9px 9px 0 0; color: var(--dim); }
.tab:hover { background: var(--hover); }
.tab.active { background: var(--card); color: var(--ink); box-shadow: 0 0 0 1px var(--line); clip-path: inset(-2px -2px 0 -2px); }
.tab > button:first-child { display: flex; align-items: center; gap: 7px; flex: 1; min-width: 0; height: 100%; padding: 0 4px 0 10px; text-align: start; border-radius: 9px 9px 0 0; }
.tab > button:first-child:focus-visible { outline-offset: -3px; }
.tab .icon { width: 16px; height: 16px; opacity: .75; }
.tab.loading > button .icon { animation: pulse 1.2s ease-in-out infinite; color: var(--accent); }
.tab-title { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 13px; }
.tab-close { display: grid; place-items: center; width: 24px; height: 24px; margin-inline-end: 6px; flex: none; border-radius: 6px; }
.tab-close:hover { background: var(--hover); color: var(--ink); }
.tab-close .icon { width: 14px; height: 14px; }
.tabs .add { height: 30px; min-width: 30px; margin: 0 0 3px 2px; }
.row-of-tools { display: flex; align-items: center; gap: 4px 10px; padding: 6px 8px; }
.travel { display: flex; align-items: center; gap: 2px; flex: 1 1 200px; min-width: 0; }
.address-form { position: relative; display: flex; align-items: center; flex: 1; min-width: 60px; margin-inline-start: 4px; }
.address-form .icon { position: absolute; inset-inline-start: 11px; width: 16px; height: 16px; color: var(--dim); pointer-events: none; }
input[type="text"].address { width: 100%; height: 36px; padding: 0 14px 0 34px; border-radius: 18px; border-color: transparent; text-overflow: ellipsis; }
input[type="text"].address:hover:not(:read-only) { border-color: var(--line); }
input[type="text"].address:focus { border-color: var(--accent); outline: 1px solid var(--accent); outline-offset: 0; background: var(--card); }
.tools { display: flex; align-items: center; gap: 2px; flex: none; }
.recording { display: inline-flex; align-items: center; gap: 4px; padding: 2px 8px; color: var(--bad); font-size: 13px; font-weight: 600; white-space: nowrap; }
.recording .icon { fill: currentColor; width: 16px; height: 16px; }
.people .count { font-size: 13px; font-weight: 600; font-variant-numeric: tabular-nums; }
.badge { display: inline-flex; align-items: center; gap: 7px; height: 34px; padding: 0 10px; font-size: 13px; font-weight: 600; white-space: nowrap; }
.badge:hover, .badge[aria-expanded="true"] { background: var(--hover); }
.badge .way { color: var(--dim); font-weight: 400; }
.badge[data-quality="good"] { --quality: var(--good); }
.badge[data-quality="fair"] { --quality: var(--fair); }
.badge[data-quality="poor"] { --quality: var(--bad); }
.badge[data-quality="off"], .badge:not([data-quality]) { --quality: var(--dim); }
.badge .bars { display: inline-flex; align-items: flex-end; gap: 2px; height: 14px; }
.badge .bars i { width: 4px; border-radius: 1px; background: var(--quality); }
.badge .bars i:nth-child(1) { height: 6px; }
.badge .bars i:nth-child(2) { height: 10px; }
.badge .bars i:nth-child(3) { height: 14px; }
.badge[data-quality="fair"] i:nth-child(3), .badge[data-quality="poor"] i:nth-child(n + 2), .badge[data-quality="off"] i, .badge:not([data-quality]) i { opacity: .28; }
.control { display: flex; align-items: center; gap: 8px; flex: none; padding-inline-start: 10px; border-inline-start: 1px solid var(--line); min-height: 34px; }
.control .mark { display: grid; color: var(--dim); }
.control .who { font-size: 13px; color: var(--dim); white-space: nowrap; max-width: 240px; overflow: hidden; text-overflow: ellipsis; }
.control-button { padding: 6px 14px; min-height: 34px; font-weight: 600; white-space: nowrap; box-shadow: inset 0 0 0 1px var(--line); }
.control-button:hover { background: var(--hover); }
.control.nudge, .banner.nudge { animation: nudge .4s ease; }
.progress { position: absolute; inset: auto 0 -1px; height: 2px; overflow: hidden; opacity: 0; transition: opacity .2s; }
.bar.loading .progress { opacity: 1; }
.progress::before { content: ""; position: absolute; inset: 0 60% 0 0; background: var(--accent); }
.bar.loading .progress::before { animation: slide 1.3s ease-in-out infinite; }
@keyframes slide { from { transform: translateX(-100%); } to { transform: translateX(260%); } }
@keyframes pulse { 50% { opacity: .3; } }
@keyframes nudge { 25% { transform: translateX(-5px); } 75% { transform: translateX(5px); } }

:host(:fullscreen) .bar { position: absolute; inset: 0 0 auto; transform: translateY(calc(-100% + 6px)); transition: transform .18s; box-shadow: var(--shadow); }
:host(:fullscreen) .bar:hover, :host(:fullscreen) .bar:focus-within { transform: none; }

@container (max-width: 1040px) { .badge .way, .control .who { display: none; } }
@container (max-width: 820px) {
  .tool { display: none !important; }
  .row-of-tools { flex-wrap: wrap; }
  .travel { flex: 1 0 100%; }
  .control { border: 0; padding: 0; flex: 1 1 0; min-width: 0; justify-content: flex-end; }
  .control .who { display: block; max-width: none; flex: 0 1 auto; min-width: 0; }
  .has-banner .control-button { display: none; }
}
@container (max-width: 480px) {
  .tabs.single { display: none; }
  .row-of-tools { padding: 5px 6px; gap: 4px; }
  .forward:disabled { display: none; }
  .control .mark, .is-mine .who { display: none; }
  .badge { padding: 0 6px; }
  .badge .word { display: none; }
  .badge[data-quality="poor"] .word, .badge[data-quality="off"] .word { display: inline; }
}
@container (max-height: 420px) {
  .tabs { display: none; }
  .row-of-tools { padding-block: 3px; }
}
@container (min-width: 821px) { .panel .menu-row:is(.fit, .keys, .fingers, .shot, .whole) { display: none; } }
`;
