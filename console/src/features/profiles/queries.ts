import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";

import { ask, send, type Schemas } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import { roots } from "../../api/queries";
import { usePollingInterval } from "../../api/serverEvents";
import { saveAs, sendFile, type Progress } from "../../api/transfers";

export type Profile = Schemas["ProfileOut"];

export function useProfiles() {
  const refetchInterval = usePollingInterval();
  return useInfiniteQuery({
    queryKey: [...roots.profiles, "list", "all"],
    queryFn: ({ pageParam, signal }) => ask("get", "/v1/profiles", { query: { limit: 50, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval,
    // A server without a state key keeps none, and says so at once.
    retry: false,
  });
}

const of = (profile: Profile) => ({ profile_id: profile.id });

export function useProfileActs() {
  const client = useQueryClient();
  const onSettled = () => void client.invalidateQueries({ queryKey: roots.profiles });
  const create = useMutation({
    mutationFn: (asked: { name: string; theme_color: string; persistence: boolean; private: boolean }) =>
      ask("post", "/v1/profiles", { body: asked }),
    onSettled,
  });
  const change = useMutation({
    mutationFn: ({ profile, ...asked }: { profile: Profile; name: string; theme_color: string }) =>
      ask("patch", "/v1/profiles/{profile_id}", { path: of(profile), body: asked }),
    onSettled,
  });
  const activate = useMutation({
    mutationFn: (profile: Profile) => ask("post", "/v1/profiles/{profile_id}/activate", { path: of(profile) }),
    onSettled,
  });
  const fork = useMutation({
    mutationFn: ({ profile, name }: { profile: Profile; name: string }) =>
      ask("post", "/v1/profiles/{profile_id}/fork", { path: of(profile), body: { name }, timeoutMs: 120_000 }),
    onSettled,
  });
  const remove = useMutation({
    mutationFn: ({ profile, force }: { profile: Profile; force: boolean }) =>
      ask("delete", "/v1/profiles/{profile_id}", { path: of(profile), query: { force } }),
    onSettled,
  });
  return { create, change, activate, fork, remove };
}

/** A profile as a file, sealed with a passphrase. Throws ApiProblem. */
export async function exportProfile(profile: Profile, passphrase: string): Promise<void> {
  const path = `/v1/profiles/${encodeURIComponent(profile.id)}/export`;
  const answer = await send("POST", path, { json: { passphrase }, timeoutMs: 300_000 });
  saveAs(
    new Blob([await answer.arrayBuffer()], { type: "application/octet-stream" }),
    `${profile.name}.cloche-profile`,
  );
}

/** Throws ApiProblem. */
export async function importProfile(file: File, name: string, passphrase: string, onProgress: Progress): Promise<void> {
  const url = `/v1/profiles/import?${new URLSearchParams({ name }).toString()}`;
  const whole = new Blob([file], { type: "application/octet-stream" });
  const headers = { "Cloche-Passphrase": encodeURIComponent(passphrase) };
  if (file.size === 0) throw new ApiProblem({ status: 0, code: "invalid_request", detail: "the file is empty" });
  await sendFile("POST", url, whole, onProgress, new AbortController().signal, headers);
}
