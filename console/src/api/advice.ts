/** What a person can do about a problem, by its reason or else its code. The codes stand in docs/reference/errors.md. */
import type { ApiProblem } from "./problem";

const BY_REASON: Record<string, string> = {
  machine_not_allowed: "Ask an admin for a key with the scope “machine”.",
  machine_off: "Make a session with the machine API switched on.",
  browser_stopped: "Start the browser again.",
  profile_in_use: "End the session that writes to this profile, or use it read-only.",
  profiles_off: "An operator has to set a state key before profiles can be kept.",
  artifacts_off: "An operator has to set a state key before files can be kept.",
  audit_off: "This server keeps no audit journal.",
  release_not_allowed: "Ask an admin, or for a key with the scope “release”.",
  quarantined: "Release the file first.",
  condemned: "Delete it: nobody can release it.",
  not_kept: "Only the record of this file was kept.",
  browser_running: "Stop the browser first: its profile can only be changed while none runs.",
  recording_off: "An operator has switched recording off.",
  memory: "The server is short of memory. Wait a moment, or end a session.",
  cpu: "The server has too much to do. Wait a moment, or end a session.",
  pids: "The server is short of processes. Wait a moment, or end a session.",
  queue_full: "Too many wait already. Try again in a moment.",
  queue_timeout: "No place came free in time. Try again, or let it wait for longer.",
  stopping: "The server stops. Try again when it is back.",
  pool_exists: "Choose another name.",
  too_many_pools: "Delete one that nobody needs.",
  default_pool: "Make a pool under another name, or have an operator change the setting.",
  already_recording: "Stop the recording that is running first.",
};

const BY_CODE: Record<string, string> = {
  unauthenticated: "Sign in again with a key that is valid.",
  denied: "Ask an admin, or sign in with a key that may.",
  not_found: "It has ended or was deleted, or it belongs to somebody else.",
  invalid_request: "Mend what was asked for and try again.",
  conflict: "Wait until its state has changed, then try again.",
  session_gone: "Make another session.",
  quota_exceeded: "End a session of yours, or wait a moment.",
  busy: "The server is full. Wait a moment, or end a session.",
  internal: "Try again in a moment; if it stays, tell an operator.",
  start_failed: "Run “cloche doctor” on the server.",
  sandbox_lost: "Make another session.",
  agent_failed: "Try again.",
  deadline_exceeded: "Try again in a moment.",
  audit_unavailable: "An operator has to make room for the audit journal.",
  storage_full: "Delete something in the session, or make one with a larger disk.",
  too_large: "Send less at once.",
  unreachable: "Check that the server runs and that this machine reaches it. The console tries again by itself.",
  no_answer: "The server may be under load. Try again in a moment.",
};

export function adviceFor(problem: ApiProblem): string {
  return (
    BY_REASON[problem.reason] ?? BY_CODE[problem.code] ?? (problem.fields.retryable ? "Try again in a moment." : "")
  );
}
