// The picture and what lies over it.

export const stage = `
.frame { position: relative; isolation: isolate; flex: 1; min-height: 0; background: var(--stage); }
.stage { position: absolute; inset: 0; overflow: hidden; touch-action: none; user-select: none; -webkit-user-select: none; outline: none; }
.stage::after { content: ""; position: absolute; inset: 0; pointer-events: none; }
.stage:has(.field:focus-visible)::after { box-shadow: inset 0 0 0 2px var(--accent); }
.picture { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; pointer-events: none; }
.field { position: absolute; inset-block-start: 50%; inset-inline-start: 50%; width: 1px; min-height: 0; height: 1em; padding: 0; border: 0; opacity: 0; resize: none; pointer-events: none; caret-color: transparent; font-size: 16px; overflow: hidden; }
.arrow { position: absolute; inset-block-start: 0; inset-inline-start: 0; width: 0; height: 0; pointer-events: none; z-index: 1; }
.arrow::before { content: ""; position: absolute; width: 18px; height: 18px; margin: -2px; border-radius: 50%; background: color-mix(in srgb, var(--accent) 55%, transparent); box-shadow: 0 0 0 2px #fff, 0 0 0 3px rgb(0 0 0 / .5); transform: translate(-50%, -50%); }

.cover, .veil { position: absolute; inset: 0; display: grid; place-items: center; padding: 16px; z-index: 2; background: var(--stage); overflow: auto; }
.cover.clear, .veil { background: color-mix(in srgb, var(--stage) 62%, transparent); backdrop-filter: blur(2px) saturate(.7); }
.cover .card { display: grid; justify-items: center; gap: 14px; max-width: 340px; padding: 24px 28px; text-align: center; }
.cover.clear .card { background: var(--card); border-radius: 14px; box-shadow: var(--shadow); }
.cover p { color: var(--dim); margin-block-start: 4px; font-variant-numeric: tabular-nums; }
.cover p:empty { display: none; }
.cover .mark { display: grid; place-items: center; width: 52px; height: 52px; border-radius: 50%; background: color-mix(in srgb, var(--ink) 7%, transparent); color: var(--dim); }
.cover .mark .icon { width: 26px; height: 26px; }
.spinner { width: 26px; height: 26px; border-radius: 50%; border: 2.5px solid color-mix(in srgb, var(--accent) 25%, transparent); border-block-start-color: var(--accent); animation: turn .9s linear infinite; }
@keyframes turn { to { transform: rotate(1turn); } }
@media (prefers-reduced-motion: reduce) { .spinner { border-block-start-color: color-mix(in srgb, var(--accent) 60%, transparent); } }

.veil { z-index: 5; place-items: start center; padding-block-start: min(12%, 90px); }
.veil .card { display: grid; gap: 12px; width: min(420px, 100%); padding: 20px; background: var(--card); border-radius: 14px; box-shadow: var(--shadow); }
.veil .message { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 40cqh; overflow-y: auto; }
.veil input { width: 100%; }

.banner { position: absolute; z-index: 1; inset-block-end: 16px; inset-inline: 0; margin-inline: auto; width: fit-content; max-width: calc(100% - 24px); display: flex; align-items: center; gap: 10px; padding: 6px 6px 6px 16px; border-radius: 14px; background: var(--card); box-shadow: var(--shadow), 0 0 0 1px var(--line); font-weight: 600; }
.banner .icon { color: var(--accent); }
.banner .strong { border-radius: 10px; }
.notices { position: absolute; z-index: 4; inset-block-start: 12px; inset-inline-end: 12px; display: grid; gap: 8px; justify-items: end; max-width: calc(100% - 24px); pointer-events: none; }
.notice { display: flex; flex-wrap: wrap; align-items: center; justify-content: flex-end; gap: 6px 8px; padding: 6px 8px 6px 14px; border-radius: 12px; background: var(--card); box-shadow: var(--shadow), 0 0 0 1px var(--line); pointer-events: auto; max-width: 420px; animation: come .18s ease-out; }
.notice > span { flex: 1 1 auto; overflow-wrap: anywhere; min-height: 24px; padding-block: 2px; }
.notice > .icon-button { height: 30px; min-width: 30px; padding: 0; }
.notice > .icon-button .icon { width: 16px; height: 16px; }
@keyframes come { from { opacity: 0; transform: translateY(-6px); } }
`;
