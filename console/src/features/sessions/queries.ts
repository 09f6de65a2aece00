import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { ask, send, type Schemas } from "../../api/client";
import { ofSession, roots } from "../../api/queries";
import { usePollingInterval } from "../../api/serverEvents";

export type Session = Schemas["SessionOut"];
export type SessionStatus = Schemas["SessionStatus"];

export const STATUSES: SessionStatus[] = ["pending", "ready", "sleeping", "hibernated", "closing", "closed", "failed"];
/** Whoever comes wakes it, or brings it back. */
export const isResting = (session: Session) => session.status === "sleeping" || session.status === "hibernated";
export const hasEnded = (session: Session) => session.status === "closed" || session.status === "failed";

export interface Listing {
  status: string | null;
  labels: string[];
}

export function useSessions({ status, labels }: Listing) {
  const refetchInterval = usePollingInterval();
  return useInfiniteQuery({
    queryKey: [...roots.sessions, "list", { status, labels }],
    queryFn: ({ pageParam, signal }) =>
      ask("get", "/v1/sessions", { query: { status, label: labels, limit: 50, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval,
  });
}

/**
 * While it starts or ends it is asked for often: no event of its own may reach a page that polls. `everyMs`: for who shows
 * what no event tells of, such as bytes and memory.
 */
export function useSession(id: string, everyMs?: number) {
  const polling = usePollingInterval();
  return useQuery({
    queryKey: ofSession(id),
    queryFn: ({ signal }) => ask("get", "/v1/sessions/{session_id}", { path: { session_id: id }, signal }),
    refetchInterval: ({ state: { data } }) => {
      if (data && hasEnded(data)) return false;
      return data?.status === "pending" || data?.status === "closing" ? 700 : (everyMs ?? polling);
    },
  });
}

/** Do something to a session and show what has become of it. */
export function useSessionAct() {
  const client = useQueryClient();
  const changed = (session: Session | undefined, id: string) => {
    if (session) client.setQueryData(ofSession(id), session);
    void client.invalidateQueries({ queryKey: [...roots.sessions, "list"] });
    void client.invalidateQueries({ queryKey: ofSession(id), exact: true });
  };
  const end = useMutation({
    mutationFn: (id: string) =>
      ask("delete", "/v1/sessions/{session_id}", { path: { session_id: id }, timeoutMs: 90_000 }),
    onSuccess: changed,
  });
  const extend = useMutation({
    mutationFn: ({ id, lifetime_s }: { id: string; lifetime_s: number }) =>
      ask("post", "/v1/sessions/{session_id}/extend", { path: { session_id: id }, body: { lifetime_s } }),
    onSuccess: (session, { id }) => changed(session, id),
  });
  const rest = useMutation({
    mutationFn: ({ id, verb }: { id: string; verb: "sleep" | "hibernate" | "wake" }) =>
      send("POST", `/v1/sessions/${encodeURIComponent(id)}/${verb}`, { timeoutMs: 90_000 }),
    onSuccess: (_, { id }) => changed(undefined, id),
  });
  return { end, extend, rest };
}
