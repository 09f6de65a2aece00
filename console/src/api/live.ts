/** Live views and recordings, docs/reference/rest.md. */
import { send } from "./client";

export interface LiveLink {
  url: string;
  token: string;
  right: "view" | "control";
  expires_at: string;
}

export interface LiveViewer {
  id: string;
  name: string;
  right: "view" | "control";
  has_control: boolean;
  wants_control: boolean;
  joined_at: string;
  transport: string | null;
  codec: string | null;
  fallback_reason: string;
  fps: number;
  rtt_ms: number;
  frame_age_ms: number;
  bits_per_second: number;
  dropped: number;
}

/** What `<cloche-live>` tells in `cloche-state`, as docs/reference/live-protocol.md has it; parts come when known. */
export interface LiveState {
  control?: { state: "free" | "agent" | "viewer" | "taken"; holder: string; mine?: boolean; requests?: string[] };
  viewers?: LiveViewer[];
}

export interface Recording {
  id: string;
  status: "running" | "finishing" | "ready" | "failed";
  format: "webm" | "mp4";
  started_at: string;
  seconds: number;
  bytes: number;
  ended_by: string;
  artifact_id: string | null;
  error: string;
  marks: { at_s: number; title: string }[];
}

const of = (sessionId: string, path: string) => `/v1/sessions/${encodeURIComponent(sessionId)}/${path}`;

export async function makeLink(
  sessionId: string,
  asked: { right: "view" | "control"; lifetime_s?: number; name?: string },
): Promise<LiveLink> {
  return (await (await send("POST", of(sessionId, "live/links"), { json: asked })).json()) as LiveLink;
}

export async function giveControl(sessionId: string, viewerId: string): Promise<void> {
  await send("POST", of(sessionId, "live/control"), { json: { viewer_id: viewerId } });
}

export async function releaseControl(sessionId: string): Promise<void> {
  await send("DELETE", of(sessionId, "live/control"));
}

export async function removeViewer(sessionId: string, viewerId: string): Promise<void> {
  await send("DELETE", of(sessionId, `live/viewers/${encodeURIComponent(viewerId)}`));
}

export async function listRecordings(sessionId: string, signal: AbortSignal): Promise<Recording[]> {
  const told = (await (await send("GET", of(sessionId, "recordings"), { signal })).json()) as {
    recordings: Recording[];
  };
  return told.recordings;
}

export async function startRecording(sessionId: string, format: "webm" | "mp4"): Promise<void> {
  await send("POST", of(sessionId, "recordings"), { json: { format } });
}

export async function stopRecording(sessionId: string): Promise<void> {
  await send("POST", of(sessionId, "recordings/stop"), { timeoutMs: 120_000 });
}
