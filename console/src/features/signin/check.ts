/** Whether a key is valid, and whose it is. */
import { send } from "../../api/client";
import type { Identity } from "../../api/credentials";

interface Told {
  principal: string;
  role: string;
  scopes: string[];
}

/** Throws ApiProblem: `unauthenticated` for a key that is not valid. */
export async function check(key: string): Promise<Identity> {
  const told = (await (await send("GET", "/v1/policy", { key })).json()) as Told;
  return { key, principal: told.principal, isAdmin: told.role === "admin", scopes: told.scopes };
}
