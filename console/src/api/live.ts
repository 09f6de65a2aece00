/** Live views and recordings, docs/reference/rest.md. */
import { ask, type Schemas } from "./client";

export type LiveLink = Schemas["LinkOut"];
export type LiveViewer = Schemas["ViewerOut"];
export type Recording = Schemas["RecordingOut"];
export type Mark = Schemas["MarkOut"];

/** What `<cloche-live>` tells in `cloche-state`, as docs/reference/live-protocol.md has it; parts come when known. */
export interface LiveState {
  control?: Schemas["ControlOut"] & { mine?: boolean; requests?: string[] };
  viewers?: LiveViewer[];
  /** One's own, among them. */
  viewer_id?: string;
}

const of = (sessionId: string) => ({ session_id: sessionId });

export function makeLink(
  sessionId: string,
  asked: { right: "view" | "control"; lifetime_s?: number; name?: string },
): Promise<LiveLink> {
  return ask("post", "/v1/sessions/{session_id}/live/links", { path: of(sessionId), body: asked });
}

export async function giveControl(sessionId: string, viewerId: string): Promise<void> {
  await ask("post", "/v1/sessions/{session_id}/live/control", { path: of(sessionId), body: { viewer_id: viewerId } });
}

export async function releaseControl(sessionId: string): Promise<void> {
  await ask("delete", "/v1/sessions/{session_id}/live/control", { path: of(sessionId) });
}

export async function removeViewer(sessionId: string, viewerId: string): Promise<void> {
  const path = { ...of(sessionId), viewer_id: viewerId };
  await ask("delete", "/v1/sessions/{session_id}/live/viewers/{viewer_id}", { path });
}

/** Newest first, also of a session that has ended. */
export async function listRecordings(sessionId: string, signal: AbortSignal): Promise<Recording[]> {
  return (await ask("get", "/v1/sessions/{session_id}/recordings", { path: of(sessionId), signal })).recordings;
}

export async function startRecording(sessionId: string, format: "webm" | "mp4"): Promise<void> {
  await ask("post", "/v1/sessions/{session_id}/recordings", { path: of(sessionId), body: { format } });
}

export async function stopRecording(sessionId: string): Promise<void> {
  await ask("post", "/v1/sessions/{session_id}/recordings/stop", { path: of(sessionId), timeoutMs: 120_000 });
}
