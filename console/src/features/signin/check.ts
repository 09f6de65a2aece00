/** Whether a key is valid, and whose it is. */
import { send, type Schemas } from "../../api/client";
import type { Identity } from "../../api/credentials";

/** Throws ApiProblem: `unauthenticated` for a key that is not valid. */
export async function check(key: string): Promise<Identity> {
  const told = (await (await send("GET", "/v1/policy", { key })).json()) as Schemas["PolicyOut"];
  return { key, principal: told.principal, isAdmin: told.role === "admin", scopes: told.scopes };
}
