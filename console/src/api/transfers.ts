/** Files to and from the server, with how far they are. */
import { send, type Query } from "./client";
import { identity } from "./credentials";
import { ApiProblem, problemOf, unreachable } from "./problem";

export type Progress = (done: number, whole: number | null) => void;

/** So much is handed over at once: the browser keeps a large Blob on disk, and what is not in one in memory. */
const PIECE_BYTES = 8 << 20;

/** Fetch a file whole. Throws ApiProblem. `type`: only of what the server has made itself. */
export async function fetchFile(
  path: string,
  query: Query,
  onProgress: Progress,
  signal: AbortSignal,
  type = "application/octet-stream",
): Promise<Blob> {
  const answer = await send("GET", path, { query, signal, timeoutMs: 120_000 });
  const length = answer.headers.get("Content-Length");
  const whole = length === null ? null : Number(length);
  const blobs: Blob[] = [];
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  let done = 0;
  let handedOver = 0;
  const reader = answer.body?.getReader();
  while (reader) {
    const read = await reader.read();
    if (read.done) break;
    pieces.push(read.value);
    done += read.value.byteLength;
    if (done - handedOver >= PIECE_BYTES) {
      blobs.push(new Blob(pieces));
      pieces = [];
      handedOver = done;
    }
    onProgress(done, whole);
  }
  // Never the file's own type: it came out of a sandbox, and a blob: address would have this page's origin.
  return new Blob([...blobs, ...pieces], { type });
}

/** Hand a file to whoever sits in front of the browser. */
export function saveAs(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Send a file as the body. XMLHttpRequest, because fetch does not tell how far an upload is. Throws ApiProblem. */
export function sendFile(
  method: "PUT" | "POST",
  url: string,
  file: Blob,
  onProgress: Progress,
  signal: AbortSignal,
  headers: Record<string, string> = {},
): Promise<void> {
  return new Promise((resolve, reject: (problem: ApiProblem) => void) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    const key = identity()?.key;
    if (key) request.setRequestHeader("Authorization", `Bearer ${key}`);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.upload.onprogress = (event) => onProgress(event.loaded, event.lengthComputable ? event.total : null);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve();
      else void problemOf(new Response(request.responseText, { status: request.status })).then(reject);
    };
    request.onerror = () => reject(unreachable(null));
    request.onabort = () =>
      reject(new ApiProblem({ status: 0, code: "cancelled", detail: "the upload was cancelled" }));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
