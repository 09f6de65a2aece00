/**
 * What happens on the server, as it happens: `GET /v1/events` tells which thing has changed, and whatever shows that
 * thing is read again. Where the server has no such stream, or it is down, lists are polled.
 */
import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useState, type ReactNode } from "react";

import { useIdentity } from "./credentials";
import { ofSession, roots } from "./queries";
import { follow, type ServerSentEvent } from "./sse";

export const POLL_MS = 5000;
/** Much can happen at once; what shows it is read again at most this often. */
const GATHER_MS = 300;
/** A page nobody sees lets go of its connection: browsers allow six to one server. */
const HIDDEN_MS = 30_000;

const Streaming = createContext(false);

/** How often to ask again for what the stream would tell of: a time in ms while there is none, else never. */
export function usePollingInterval(): number | false {
  return useContext(Streaming) ? false : POLL_MS;
}

export function useIsStreaming(): boolean {
  return useContext(Streaming);
}

export function ServerEvents({ children }: { children: ReactNode }) {
  const who = useIdentity();
  const isSeen = useIsSeen();
  const client = useQueryClient();
  const [isOpen, setOpen] = useState(false);

  useEffect(() => {
    if (who === null || !isSeen) return;
    const stop = new AbortController();
    const gathered = gather(client);
    follow("/v1/events", {
      signal: stop.signal,
      onEvent: gathered.take,
      onState: (open) => {
        setOpen(open);
        // What happened while nobody listened is not told again.
        if (open) void client.invalidateQueries({ predicate: (query) => !query.meta?.isKept });
      },
    })
      .catch(() => undefined) // The server has no such stream: polling goes on.
      .finally(() => setOpen(false));
    return () => {
      stop.abort();
      gathered.stop();
    };
  }, [who, isSeen, client]);

  return <Streaming value={isOpen && isSeen}>{children}</Streaming>;
}

/** Collect what has changed, and have it read again together. */
function gather(client: QueryClient) {
  const changed = new Map<string, Changed>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    for (const each of changed.values()) void client.invalidateQueries(each);
    changed.clear();
  };
  return {
    take: (event: ServerSentEvent) => {
      for (const each of changedBy(event.data)) changed.set(JSON.stringify(each), each);
      timer ??= setTimeout(flush, GATHER_MS);
    },
    stop: () => clearTimeout(timer),
  };
}

const ROOTS: Record<string, readonly (readonly string[])[]> = {
  session: [roots.sessions, roots.usage, roots.pools],
  profile: [roots.profiles],
  artifact: [roots.artifacts],
  key: [roots.keys],
  audit: [roots.audit],
};

/** What is to be read again: every list of a kind, one thing, or a part of it, but no other part (its log, its picture). */
export interface Changed {
  queryKey: readonly unknown[];
  exact: boolean;
}

/** What shows a thing: the lists of its kind, and it alone. Pure. */
export function changedBy(data: string): Changed[] {
  let told: unknown;
  try {
    told = JSON.parse(data);
  } catch {
    return [];
  }
  if (typeof told !== "object" || told === null || !("kind" in told) || typeof told.kind !== "string") return [];
  const kinds = ROOTS[told.kind] ?? [];
  const id = "id" in told && typeof told.id === "string" ? told.id : "";
  const type = "type" in told && typeof told.type === "string" ? told.type : "";
  const changed: Changed[] = kinds.flatMap((root) => {
    const lists = { queryKey: [...root, "list"], exact: false };
    return id ? [lists, { queryKey: [...root, id], exact: true }] : [lists];
  });
  if (id && type.startsWith("recording.")) changed.push({ queryKey: ofSession(id, "recordings"), exact: true });
  return changed;
}

/** Whether somebody may be looking at the page, or was a moment ago. */
export function useIsSeen(): boolean {
  const [isSeen, setSeen] = useState(true);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      clearTimeout(timer);
      if (!document.hidden) setSeen(true);
      else timer = setTimeout(() => setSeen(false), HIDDEN_MS);
    };
    document.addEventListener("visibilitychange", look);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, []);
  return isSeen;
}
