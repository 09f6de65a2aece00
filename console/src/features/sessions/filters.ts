/** Which sessions of those that were read are shown. The server filters by status and label, the page by the rest. */
import type { Session } from "./queries";

export interface Filters {
  status: string | null;
  labels: string[];
  owner: string;
  text: string;
}

export function filtersOf(search: URLSearchParams): Filters {
  return {
    status: search.get("status"),
    labels: search.getAll("label"),
    owner: search.get("owner") ?? "",
    text: search.get("q") ?? "",
  };
}

export function isLabel(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}:[^\p{Cc}]{0,256}$/u.test(text);
}

export function fits(session: Session, { owner, text }: Pick<Filters, "owner" | "text">): boolean {
  if (owner && session.owner !== owner) return false;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const labels = Object.entries(session.labels).map(([name, value]) => `${name}:${value}`);
  const said = [session.id, session.owner, session.engine, session.status, session.reason, ...labels];
  const haystack = said.join("\n").toLowerCase();
  return words.every((word) => haystack.includes(word));
}
