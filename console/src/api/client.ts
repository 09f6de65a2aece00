/** Requests to the server that served this page, with the key of who is signed in. */
import { identity, signOut } from "./credentials";
import { ApiProblem, problemOf, unreachable } from "./problem";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

type Method = "get" | "post" | "put" | "patch" | "delete";
type Scalar = string | number | boolean;
export type Query = Record<string, Scalar | readonly Scalar[] | null | undefined>;

type Json<T> = T extends { content: { "application/json": infer A } } ? A : undefined;
type Good<R> = { [S in keyof R & (200 | 201 | 202 | 204)]: Json<R[S]> }[keyof R & (200 | 201 | 202 | 204)];
type Operation<P extends keyof paths, M extends Method> = NonNullable<paths[P][M]>;
export type Answer<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { responses: infer R } ? Good<R> : never;
type Body<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { requestBody?: infer R } ? BodyOf<NonNullable<R>> : undefined;
type BodyOf<R> = [R] extends [never]
  ? undefined
  : R extends { content: { "application/json": infer B } }
    ? Loose<B>
    : undefined;
/** Fields that have a default need not be sent. */
type Loose<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: Loose<T[K]> } : T;

type Sent<P extends keyof paths, M extends Method> = {
  path?: Record<string, string>;
  query?: Query;
  body?: Body<P, M>;
  signal?: AbortSignal;
  timeoutMs?: number;
};

export const TIMEOUT_MS = 30_000;

/** Ask a route of the API's description and return its JSON. Throws ApiProblem. */
export async function ask<M extends Method, P extends keyof paths>(
  method: M,
  path: P,
  sent: Sent<P, M> = {},
): Promise<Answer<P, M>> {
  const { body, ...rest } = sent;
  const answer = await send(method, fill(path, sent.path), { ...rest, json: body });
  return (answer.status === 204 ? undefined : await answer.json()) as Answer<P, M>;
}

export interface Request {
  query?: Query;
  json?: unknown;
  raw?: BodyInit;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Until the answer's head is there; 0 waits as long as it takes. */
  timeoutMs?: number;
  /** Another key than that of who is signed in. */
  key?: string;
}

/** Ask any route and return the answer, which is one of 2xx. Throws ApiProblem. */
export async function send(method: string, path: string, request: Request = {}): Promise<Response> {
  const { query, json, raw, signal, timeoutMs = TIMEOUT_MS } = request;
  const key = request.key ?? identity()?.key;
  const headers = new Headers(request.headers);
  if (key) headers.set("Authorization", `Bearer ${key}`);
  if (json !== undefined) headers.set("Content-Type", "application/json");
  const late = new AbortController();
  const timer = timeoutMs > 0 ? setTimeout(() => late.abort(new DOMException("late", "TimeoutError")), timeoutMs) : 0;
  let answer: Response;
  try {
    answer = await fetch(path + search(query), {
      method: method.toUpperCase(),
      headers,
      body: json !== undefined ? JSON.stringify(json) : raw,
      signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
      credentials: "omit",
      cache: "no-store",
      referrerPolicy: "no-referrer",
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw unreachable(late.signal.aborted ? late.signal.reason : cause);
  } finally {
    clearTimeout(timer);
  }
  if (answer.ok) return answer;
  const problem = await problemOf(answer);
  // The key was revoked, or the server knows it no more: nothing here will work.
  if (problem.status === 401 && request.key === undefined && identity()?.key === key) signOut();
  throw problem;
}

export function fill(path: string, values: Record<string, string> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${path} needs ${name}`);
    return encodeURIComponent(value);
  });
}

export function search(query: Query = {}): string {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "") continue;
    for (const each of Array.isArray(value) ? (value as readonly Scalar[]) : [value as Scalar]) {
      fields.append(name, String(each));
    }
  }
  const text = fields.toString();
  return text && `?${text}`;
}

export function isProblem(error: unknown): error is ApiProblem {
  return error instanceof ApiProblem;
}
