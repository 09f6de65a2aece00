import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { ask, send, type Schemas } from "../../api/client";
import { ofSession, roots } from "../../api/queries";
import { POLL_MS } from "../../api/serverEvents";

export type Pool = Schemas["PoolOut"];

/** Of sessions that name no pool: the server's own, whose size is a setting. */
export const isDefault = (pool: Pool) => pool.name === "default";

const FILLING_MS = 1500;

/** All there are. Events tell when sessions come and go; of what fills and waits none does, so it is asked for. */
export function usePools() {
  return useQuery({
    queryKey: [...roots.pools, "list"],
    queryFn: async ({ signal }) => (await ask("get", "/v1/pools", { signal })).pools,
    refetchInterval: ({ state: { data } }) => (data?.some((pool) => pool.building > 0) ? FILLING_MS : POLL_MS),
  });
}

const of = (pool: Pool) => ({ name: pool.name });

export function usePoolActs() {
  const client = useQueryClient();
  const onSettled = () => void client.invalidateQueries({ queryKey: roots.pools });
  const create = useMutation({
    mutationFn: async (asked: { name: string; size: number; options: Record<string, unknown> }) =>
      (await (await send("POST", "/v1/pools", { json: asked })).json()) as Pool,
    onSettled,
  });
  const resize = useMutation({
    mutationFn: ({ pool, size }: { pool: Pool; size: number }) =>
      ask("patch", "/v1/pools/{name}", { path: of(pool), body: { size } }),
    onSettled,
  });
  const flush = useMutation({
    mutationFn: (pool: Pool) => ask("post", "/v1/pools/{name}/flush", { path: of(pool) }),
    onSettled,
  });
  const remove = useMutation({
    mutationFn: (pool: Pool) => ask("delete", "/v1/pools/{name}", { path: of(pool) }),
    onSettled,
  });
  const acquire = useMutation({
    mutationFn: (pool: Pool) =>
      ask("post", "/v1/pools/{name}/acquire", { path: of(pool), query: { wait: false }, body: {} }),
    onSuccess: (session) => {
      client.setQueryData(ofSession(session.id), session);
      void client.invalidateQueries({ queryKey: [...roots.sessions, "list"] });
    },
    onSettled,
  });
  return { create, resize, flush, remove, acquire };
}
