/** The logs of the browser service. A failure of the browser's stands in a good answer: here it is a problem again. */
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import { ask, type Schemas } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { ofSession } from "../../api/queries";
import { useSessionEvents } from "./events";

/**
 * Reading a log is using the session: it counts in the audit journal and keeps the session awake. So a log is read when
 * something was done; what pages do by themselves tells no event and is looked for now and then, while somebody sees it.
 */
const POLL_MS = 30_000;
/** What an action sets off begins at once, and most of it has ended a little later. */
const AFTER_ACTION_MS = [400, 3000] as const;

export type ActionEntry = Schemas["ActionLogEntry"];
export type ConsoleEntry = Schemas["ConsoleLogEntry"];
export type NetworkEntry = Schemas["NetworkLogEntry"];

export interface Log<Entry> {
  entries: Entry[];
  /** There were more than fit. */
  truncated: boolean;
  /** So many older ones are no longer kept. */
  dropped: number;
}

interface Answered<Entry> {
  success: boolean;
  error: string;
  detail: string;
  entries?: Entry[];
  truncated: boolean;
  dropped: number;
}

function logOf<Entry>(answer: Answered<Entry>): Log<Entry> {
  const { entries = [], truncated, dropped } = answer;
  if (answer.success) return { entries, truncated, dropped };
  throw new ApiProblem({ status: 200, code: answer.error, detail: answer.detail || answer.error.replaceAll("_", " ") });
}

export function useActionLog(id: string, failedOnly: boolean, isFollowing: boolean) {
  const log = useQuery({
    queryKey: ofSession(id, "action_log", { failedOnly }),
    queryFn: async ({ signal }) =>
      logOf(
        await ask("get", "/v1/sessions/{session_id}/action_log", {
          path: { session_id: id },
          query: { failed_only: failedOnly },
          signal,
        }),
      ),
    refetchInterval: isFollowing && POLL_MS,
    retry: false,
  });
  useFollowing(log, isFollowing);
  return log;
}

export function useConsoleLog(id: string, severity: string, isFollowing: boolean) {
  const log = useQuery({
    queryKey: ofSession(id, "console_log", { severity }),
    queryFn: async ({ signal }) =>
      logOf(
        await ask("get", "/v1/sessions/{session_id}/console_log", {
          path: { session_id: id },
          query: { minimum_severity: severity, all_tabs: true },
          signal,
        }),
      ),
    refetchInterval: isFollowing && POLL_MS,
    retry: false,
  });
  useFollowing(log, isFollowing);
  return log;
}

export interface NetworkAsked {
  failedOnly: boolean;
  urlContains: string;
  withBodies: boolean;
}

export function useNetworkLog(id: string, asked: NetworkAsked, isFollowing: boolean) {
  const log = useQuery({
    queryKey: ofSession(id, "network_log", asked),
    queryFn: async ({ signal }) =>
      logOf(
        await ask("get", "/v1/sessions/{session_id}/network_log", {
          path: { session_id: id },
          query: {
            all_tabs: true,
            include_headers: true,
            include_bodies: asked.withBodies,
            failed_only: asked.failedOnly,
            url_contains: asked.urlContains,
          },
          signal,
        }),
      ),
    refetchInterval: isFollowing && POLL_MS,
    placeholderData: (before) => before,
    retry: false,
  });
  useFollowing(log, isFollowing);
  return log;
}

/** Read a log again after each action. */
function useFollowing({ refetch }: Pick<UseQueryResult, "refetch">, isFollowing: boolean): void {
  const { events } = useSessionEvents();
  const latest = events.findLast(({ type }) => type.startsWith("browser."))?.id;
  const seen = useRef(latest);
  useEffect(() => {
    const isNews = latest !== seen.current;
    seen.current = latest;
    if (!isFollowing || !isNews) return;
    const read = () => {
      if (!document.hidden) void refetch();
    };
    const timers = AFTER_ACTION_MS.map((ms) => setTimeout(read, ms));
    return () => timers.forEach(clearTimeout);
  }, [latest, isFollowing, refetch]);
}
