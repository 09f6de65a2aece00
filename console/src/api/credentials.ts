/**
 * The key a person signed in with. It is kept for this tab alone (sessionStorage), unless they asked for this device
 * (localStorage), and goes nowhere but into the Authorization field of requests to the server the page came from.
 */
import { useSyncExternalStore } from "react";

export interface Identity {
  key: string;
  /** Whose key it is; empty where the server does not tell. */
  principal: string;
  isAdmin: boolean;
  scopes: string[];
}

const NAME = "cloche-console-key";
const watchers = new Set<() => void>();
let current: Identity | null = read();

export function identity(): Identity | null {
  return current;
}

export function signIn(who: Identity, remember: boolean): void {
  forget();
  store(remember ? "local" : "session")?.setItem(NAME, JSON.stringify(who));
  change(who);
}

export function signOut(): void {
  forget();
  change(null);
}

export function useIdentity(): Identity | null {
  return useSyncExternalStore(watch, identity);
}

/** For what stands behind the sign-in. */
export function useMe(): Identity {
  const me = useIdentity();
  if (me === null) throw new Error("nobody is signed in");
  return me;
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

function change(who: Identity | null): void {
  current = who;
  for (const watcher of watchers) watcher();
}

function forget(): void {
  store("session")?.removeItem(NAME);
  store("local")?.removeItem(NAME);
}

function read(): Identity | null {
  const text = store("session")?.getItem(NAME) ?? store("local")?.getItem(NAME);
  if (!text) return null;
  try {
    const told: unknown = JSON.parse(text);
    return isIdentity(told) ? told : null;
  } catch {
    return null;
  }
}

function isIdentity(told: unknown): told is Identity {
  return (
    typeof told === "object" &&
    told !== null &&
    "key" in told &&
    typeof told.key === "string" &&
    "principal" in told &&
    typeof told.principal === "string" &&
    "isAdmin" in told &&
    typeof told.isAdmin === "boolean" &&
    "scopes" in told &&
    Array.isArray(told.scopes)
  );
}

/** Storage may be switched off altogether; then a key lives as long as the page. */
function store(which: "session" | "local"): Storage | null {
  try {
    return which === "session" ? sessionStorage : localStorage;
  } catch {
    return null;
  }
}

// Signed out in another tab of this browser: here too.
if (typeof window !== "undefined") {
  window.addEventListener("storage", (event) => {
    if (event.key === NAME && event.newValue === null && store("session")?.getItem(NAME) == null) change(null);
  });
}
