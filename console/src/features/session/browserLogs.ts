/** The logs of the browser service. A failure of the browser's stands in a good answer: here it is a problem again. */
import { useQuery } from "@tanstack/react-query";

import { ask, type Schemas } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { ofSession } from "../../api/queries";

export const FOLLOW_MS = 3000;

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
  return useQuery({
    queryKey: ofSession(id, "action_log", { failedOnly }),
    queryFn: async ({ signal }) =>
      logOf(
        await ask("get", "/v1/sessions/{session_id}/action_log", {
          path: { session_id: id },
          query: { failed_only: failedOnly },
          signal,
        }),
      ),
    refetchInterval: isFollowing && FOLLOW_MS,
    retry: false,
  });
}

export function useConsoleLog(id: string, severity: string, isFollowing: boolean) {
  return useQuery({
    queryKey: ofSession(id, "console_log", { severity }),
    queryFn: async ({ signal }) =>
      logOf(
        await ask("get", "/v1/sessions/{session_id}/console_log", {
          path: { session_id: id },
          query: { minimum_severity: severity, all_tabs: true },
          signal,
        }),
      ),
    refetchInterval: isFollowing && FOLLOW_MS,
    retry: false,
  });
}

export interface NetworkAsked {
  failedOnly: boolean;
  urlContains: string;
  withBodies: boolean;
}

export function useNetworkLog(id: string, asked: NetworkAsked, isFollowing: boolean) {
  return useQuery({
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
    refetchInterval: isFollowing && FOLLOW_MS,
    placeholderData: (before) => before,
    retry: false,
  });
}
