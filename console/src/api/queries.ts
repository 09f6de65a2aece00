/** The names under which answers are kept. A list stands under `[…root, "list", …]`, one thing under `[…root, id, …]`. */

export const roots = {
  sessions: ["sessions"],
  profiles: ["profiles"],
  artifacts: ["artifacts"],
  keys: ["keys"],
  pools: ["pools"],
  audit: ["audit"],
  usage: ["usage"],
} as const;

export const ofSession = (id: string, ...part: unknown[]) => [...roots.sessions, id, ...part];
