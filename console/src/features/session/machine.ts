/** Programs and files of sessions made with `machine`: docs/reference/machine-api.md. */
import { ask, fill, send, type Schemas } from "../../api/client";

export type Program = Schemas["ProcessStatusOut"];
export type FileEntry = Schemas["FileOut"];

const of = (sessionId: string, path: string) => `/v1/sessions/${encodeURIComponent(sessionId)}/${path}`;

export async function spawnShell(sessionId: string, command: string, args: string[], rows: number, cols: number) {
  const path = { session_id: sessionId };
  const body = { command, args, allocate_tty: true, rows, cols };
  return (await ask("post", "/v1/sessions/{session_id}/process/spawn", { path, body })).process_id;
}

export async function signal(sessionId: string, processId: string, name: "TERM" | "KILL" | "INT"): Promise<void> {
  const path = { session_id: sessionId, process_id: processId };
  await ask("post", "/v1/sessions/{session_id}/process/{process_id}/kill", { path, body: { signal: name } });
}

export const outputPath = (sessionId: string, processId: string) =>
  fill("/v1/sessions/{s}/process/{p}/stdout/stream", { s: sessionId, p: processId });

export async function write(sessionId: string, processId: string, data: Uint8Array): Promise<void> {
  const path = { session_id: sessionId, process_id: processId };
  const body = { data_b64: toBase64(data) };
  await ask("post", "/v1/sessions/{session_id}/process/{process_id}/stdin", { path, body });
}

export async function resize(sessionId: string, processId: string, rows: number, cols: number): Promise<void> {
  const path = { session_id: sessionId, process_id: processId };
  await ask("post", "/v1/sessions/{session_id}/process/{process_id}/resize", { path, body: { rows, cols } });
}

export async function listFiles(sessionId: string, path: string, signal: AbortSignal) {
  const answer = await send("GET", of(sessionId, "fs/list_files"), { query: { path }, signal });
  return {
    entries: (await answer.json()) as FileEntry[],
    isCut: answer.headers.get("Cloche-Truncated") === "true",
  };
}

export type Named = { path: string } | { path_b64: string };

/** A name that is not UTF-8 goes by its bytes. */
export const named = (entry: FileEntry): Named =>
  entry.path_b64 ? { path_b64: entry.path_b64 } : { path: entry.path };

export async function deleteEntry(sessionId: string, entry: FileEntry): Promise<void> {
  const verb = entry.is_dir ? "delete_directory" : "delete_file";
  await send("PUT", of(sessionId, `fs/${verb}`), { json: named(entry) });
}

export async function makeDirectory(sessionId: string, path: string): Promise<void> {
  await send("PUT", of(sessionId, "fs/create_directory"), { json: { path } });
}

export const filePath = (sessionId: string, verb: string) => of(sessionId, `fs/${verb}`);

export function toBase64(data: Uint8Array): string {
  let text = "";
  for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
  return btoa(text);
}

export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
