import { Group, SegmentedControl, Select, TagsInput, VisuallyHidden } from "@mantine/core";
import { IconLayoutGrid, IconList, IconSearch } from "@tabler/icons-react";
import { useState, type Ref } from "react";

import { useOffers } from "../../api/offers";
import { TypedInput } from "../../ui/TypedInput";
import { isLabel, type Filters } from "./filters";
import { STATUSES } from "./queries";

export type View = "list" | "cards";

interface FilterBarProps {
  filters: Filters;
  owners: string[];
  onChange: (filters: Filters) => void;
  view: View;
  onView: (view: View) => void;
  searchRef: Ref<HTMLInputElement>;
}

export function FilterBar({ filters, owners, onChange, view, onView, searchRef }: FilterBarProps) {
  const offers = useOffers();
  const [isRefused, setRefused] = useState(false);
  return (
    <Group gap="xs" mb="md" align="flex-end" role="search" aria-label="Sessions">
      <TypedInput
        ref={searchRef}
        label="Search"
        placeholder="Id, owner, label…"
        leftSection={<IconSearch size={16} aria-hidden />}
        value={filters.text}
        onTyped={(text) => onChange({ ...filters, text })}
        miw={180}
        flex="1 1 180px"
        maw={360}
      />
      <Select
        label="Status"
        placeholder="Any"
        data={STATUSES.filter((status) => {
          const verb = { sleeping: "sleep", hibernated: "hibernate" }[status as string];
          return verb === undefined || offers.has(`POST /v1/sessions/{session_id}/${verb}`);
        })}
        value={filters.status}
        onChange={(status) => onChange({ ...filters, status })}
        clearable
        w={140}
      />
      <TagsInput
        label="Labels"
        placeholder={filters.labels.length > 0 ? "" : "name:value"}
        value={filters.labels}
        onChange={(labels) => {
          setRefused(!labels.every(isLabel));
          onChange({ ...filters, labels: labels.filter(isLabel) });
        }}
        error={isRefused && "Written as name:value."}
        clearable
        miw={170}
        maw={320}
        flex="0 1 220px"
      />
      {owners.length > 1 && (
        <Select
          label="Owner"
          placeholder="Anybody"
          data={owners}
          value={filters.owner || null}
          onChange={(owner) => onChange({ ...filters, owner: owner ?? "" })}
          clearable
          searchable
          w={150}
        />
      )}
      <SegmentedControl
        ml="auto"
        visibleFrom="sm"
        aria-label="Shown as"
        value={view}
        onChange={(value) => onView(value)}
        data={[
          { value: "list", label: <Choice icon={<IconList size={16} aria-hidden />} name="List" /> },
          { value: "cards", label: <Choice icon={<IconLayoutGrid size={16} aria-hidden />} name="Cards" /> },
        ]}
      />
    </Group>
  );
}

function Choice({ icon, name }: { icon: React.ReactNode; name: string }) {
  return (
    <span style={{ display: "flex", height: 20, alignItems: "center" }}>
      {icon}
      <VisuallyHidden>{name}</VisuallyHidden>
    </span>
  );
}
