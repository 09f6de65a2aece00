/**
 * Keys that do something anywhere on the page: one, or two after each other (`g s`). They can be switched off, as
 * WCAG 2.1 asks (success criterion 2.1.4), and never take what is typed into a field, a terminal or a live view.
 */
import { useLocalStorage } from "@mantine/hooks";
import { useEffect, useRef } from "react";

const PAUSE_MS = 1500;

export function useShortcutsSwitch() {
  return useLocalStorage<boolean>({ key: "cloche-shortcuts", defaultValue: true, getInitialValueInEffect: false });
}

export function useShortcuts(shortcuts: Record<string, () => void>): void {
  const [isOn] = useShortcutsSwitch();
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  useEffect(() => {
    if (!isOn) return;
    let before = "";
    let at = 0;
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event)) return;
      const pair = event.timeStamp - at < PAUSE_MS ? `${before} ${event.key}` : "";
      const act = (pair && latest.current[pair]) || latest.current[event.key];
      before = event.key;
      at = event.timeStamp;
      if (!act) return;
      event.preventDefault();
      before = "";
      act();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [isOn]);
}

const TAKES_KEYS =
  "input, textarea, select, [contenteditable], cloche-live, iframe, [role=dialog], [role=menu], .xterm";

function isTyping(event: KeyboardEvent): boolean {
  return event.composedPath().some((part) => part instanceof Element && part.matches(TAKES_KEYS));
}
