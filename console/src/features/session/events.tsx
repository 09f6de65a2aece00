/** A session's events, followed once for its page and shared by its parts. */
import { useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useState, type ReactNode } from "react";

import { ofSession } from "../../api/queries";
import { useIsSeen } from "../../api/serverEvents";
import { follow } from "../../api/sse";

export interface SessionEvent {
  id: number;
  type: string;
  at: string;
  data: Record<string, string | number | boolean | null>;
}

export interface SessionEvents {
  /** Oldest first, the last `MAX_EVENTS`. */
  events: readonly SessionEvent[];
  isOpen: boolean;
  hasEnded: boolean;
}

export const MAX_EVENTS = 2000;
/** Events that come together are shown together. */
const GATHER_MS = 100;

const Events = createContext<SessionEvents>({ events: [], isOpen: false, hasEnded: false });

export const useSessionEvents = () => useContext(Events);

export function FollowEvents({ sessionId, children }: { sessionId: string; children: ReactNode }) {
  const [told, setTold] = useState<SessionEvents>({ events: [], isOpen: false, hasEnded: false });
  const client = useQueryClient();
  const isSeen = useIsSeen();

  useEffect(() => {
    if (!isSeen) return;
    const stop = new AbortController();
    let waiting: SessionEvent[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      const come = waiting;
      waiting = [];
      setTold((before) => ({
        ...before,
        events: [...before.events, ...newer(come, before.events)].slice(-MAX_EVENTS),
      }));
      for (const key of changedBy(sessionId, come)) void client.invalidateQueries(key);
    };
    follow(`/v1/sessions/${encodeURIComponent(sessionId)}/events`, {
      signal: stop.signal,
      onState: (isOpen) => setTold((before) => ({ ...before, isOpen })),
      onEvent: (event) => {
        const told = parse(event.data);
        if (!told) return;
        waiting.push(told);
        timer ??= setTimeout(flush, GATHER_MS);
      },
      isLast: (event) => event.event === "session.closed" || event.event === "session.failed",
    })
      .catch(() => undefined) // The session's own page tells what is wrong with it.
      .finally(() => {
        if (!stop.signal.aborted) setTold((before) => ({ ...before, isOpen: false, hasEnded: true }));
      });
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [sessionId, client, isSeen]);

  return <Events value={told}>{children}</Events>;
}

/** A stream that is opened again tells all from the beginning. */
function newer(come: SessionEvent[], known: readonly SessionEvent[]): SessionEvent[] {
  const last = known.at(-1)?.id ?? -1;
  return come.filter(({ id }) => id > last);
}

/** What of a session is to be read again after these events. */
function changedBy(sessionId: string, events: SessionEvent[]) {
  const keys = new Map<string, { queryKey: unknown[]; exact: boolean }>();
  // All of a session would be its picture and its logs too.
  const add = (...part: string[]) =>
    keys.set(part.join(), { queryKey: ofSession(sessionId, ...part), exact: part.length === 0 });
  for (const { type } of events) {
    if (/^(session|browser\.(?!action)|agent|devtools|budget)/.test(type)) add();
    if (type.startsWith("recording.")) add("recordings");
    if (type === "machine.process") add("processes");
    if (type === "machine.files") add("files");
    if (type.startsWith("artifact.")) add("downloads");
  }
  return [...keys.values()];
}

function parse(data: string): SessionEvent | null {
  try {
    const told: unknown = JSON.parse(data);
    return typeof told === "object" && told !== null && "type" in told ? (told as SessionEvent) : null;
  } catch {
    return null;
  }
}
