/** What this server can do, as far as its own description of its API tells. */
import { useQuery } from "@tanstack/react-query";

import { send } from "./client";

interface Description {
  paths: Record<string, Record<string, unknown>>;
  components?: { schemas?: Record<string, { properties?: Record<string, unknown> }> };
}

export interface Offers {
  /** Whether there is such a route: `has("POST /v1/sessions/{session_id}/sleep")`. */
  has: (route: string) => boolean;
  /** Whether a schema has such a field: `takes("SessionIn", "live")`. */
  takes: (schema: string, field: string) => boolean;
  isKnown: boolean;
}

export function useOffers(): Offers {
  const { data } = useQuery({
    queryKey: ["offers"],
    queryFn: describe,
    staleTime: Infinity,
    gcTime: Infinity,
    meta: { isKept: true },
  });
  return {
    has: (route) => {
      const [method = "", path = ""] = route.split(" ");
      return data?.paths[path]?.[method.toLowerCase()] !== undefined;
    },
    takes: (schema, field) => data?.components?.schemas?.[schema]?.properties?.[field] !== undefined,
    isKnown: data !== undefined,
  };
}

async function describe(): Promise<Description> {
  return (await (await send("GET", "/openapi.json")).json()) as Description;
}
