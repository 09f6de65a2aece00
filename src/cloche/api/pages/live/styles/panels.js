// Panels that open from the toolbar.

export const panels = `
.popover { position: relative; display: inline-flex; }
.panel { position: absolute; z-index: 5; inset-block-start: calc(100% + 9px); inset-inline-end: 0; display: grid; gap: 10px; width: max-content; min-width: 230px; max-width: min(380px, calc(100cqw - 16px)); max-height: calc(100cqh - 110px); overflow: hidden auto; padding: 14px; border-radius: 14px; background: var(--card); box-shadow: var(--shadow), 0 0 0 1px var(--line); cursor: default; }
.panel:has(> .menu-row) { gap: 2px; padding: 6px; }
.menu-row { display: flex; align-items: center; gap: 10px; width: 100%; min-height: 38px; padding: 4px 10px; border-radius: 8px; text-align: start; }
button.menu-row:hover:not(:disabled) { background: var(--hover); }
.menu-row .icon { color: var(--dim); }
.menu-row[aria-pressed="true"] { color: var(--accent); font-weight: 600; }
.menu-row[aria-pressed="true"] .icon { color: var(--accent); }
.menu-row select { margin-inline-start: auto; max-width: 180px; }
.viewers { list-style: none; margin: 0; padding: 0; display: grid; gap: 2px; min-width: min(320px, calc(100cqw - 60px)); }
.viewers li { padding: 8px 0; border-block-start: 1px solid var(--line); display: grid; gap: 2px; font-variant-numeric: tabular-nums; }
.viewers li:first-child { border: 0; }
.viewers .row { gap: 4px 6px; }
.viewers .plain { margin-inline-start: auto; min-height: 28px; padding: 2px 10px; font-size: 13px; }
.viewers strong { overflow-wrap: anywhere; }
.tag { padding: 1px 8px; border-radius: 10px; font-size: 12px; background: color-mix(in srgb, var(--ink) 8%, transparent); }
.holder .tag { background: color-mix(in srgb, var(--accent) 18%, transparent); }
.panel form.row { flex-wrap: nowrap; }
.panel form.row input { flex: 1; }
.figures { display: grid; grid-template-columns: auto 1fr; gap: 4px 18px; margin: 0; font-variant-numeric: tabular-nums; }
.figures dt { color: var(--dim); }
.figures dd { margin: 0; overflow-wrap: anywhere; }
.clipboard-box { display: grid; gap: 8px; width: min(320px, calc(100cqw - 44px)); }
.clipboard-box .dim:empty { display: none; }
@container (max-width: 480px) {
  .panel { position: fixed; inset: auto 8px 8px; width: auto; max-width: none; max-height: 70cqh; }
  .viewers, .clipboard-box { min-width: 0; width: auto; }
}
`;
