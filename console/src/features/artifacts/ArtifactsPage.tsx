import { Group, Select } from "@mantine/core";
import { useSearchParams } from "react-router";

import { PageHeader } from "../../ui/PageHeader";
import { ArtifactList } from "./ArtifactList";

const STATES = ["ready", "quarantined", "released", "condemned", "rejected"];
const KINDS = ["download", "pdf", "screenshot", "recording", "upload"];

export function ArtifactsPage() {
  const [search, setSearch] = useSearchParams();
  const choose = (name: string) => (value: string | null) => {
    const fields = new URLSearchParams(search);
    if (value) fields.set(name, value);
    else fields.delete(name);
    setSearch(fields, { replace: true });
  };
  const state = search.get("state");
  const kind = search.get("kind");
  return (
    <>
      <PageHeader title="Downloads" about="Files that came out of sessions, with a verdict, and files handed in." />
      <Group mb="md" gap="xs">
        <Select
          label="Verdict"
          placeholder="Any"
          data={STATES}
          value={state}
          onChange={choose("state")}
          clearable
          w={150}
        />
        <Select label="Kind" placeholder="Any" data={KINDS} value={kind} onChange={choose("kind")} clearable w={150} />
      </Group>
      <ArtifactList of={{ state, kind }} />
    </>
  );
}
