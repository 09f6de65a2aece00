import { Button } from "@mantine/core";
import { useLocalStorage, useMediaQuery } from "@mantine/hooks";
import { IconBrowser, IconFilterOff, IconPlus } from "@tabler/icons-react";
import { useMemo, useRef } from "react";
import { useSearchParams } from "react-router";

import { useShortcuts } from "../../app/shortcuts";
import { EmptyState } from "../../ui/EmptyState";
import { Loading } from "../../ui/Loading";
import { LoadMore } from "../../ui/LoadMore";
import { PageHeader } from "../../ui/PageHeader";
import { Problem } from "../../ui/Problem";
import { CreateSession } from "./create/CreateSession";
import { FilterBar, type View } from "./FilterBar";
import { filtersOf, fits, type Filters } from "./filters";
import { useSessions } from "./queries";
import { SessionCards, SessionTable } from "./SessionList";

export function SessionsPage() {
  const [search, setSearch] = useSearchParams();
  const [view, setView] = useLocalStorage<View>({ key: "cloche-sessions-view", defaultValue: "list" });
  // A table has no room on a phone.
  const isNarrow = useMediaQuery("(max-width: 48em)");
  const searchField = useRef<HTMLInputElement>(null);
  const filters = filtersOf(search);
  const list = useSessions(filters);
  const all = useMemo(() => list.data?.pages.flatMap((page) => page.sessions) ?? [], [list.data]);
  const owners = useMemo(() => [...new Set(all.map((session) => session.owner))].sort(), [all]);
  const shown = all.filter((session) => fits(session, filters));
  const isFiltered = Boolean(filters.status ?? (filters.owner || filters.text || filters.labels.length > 0));

  const filter = (next: Filters) => {
    const fields = new URLSearchParams();
    if (next.status) fields.set("status", next.status);
    for (const label of next.labels) fields.append("label", label);
    if (next.owner) fields.set("owner", next.owner);
    if (next.text) fields.set("q", next.text);
    setSearch(fields, { replace: true });
  };
  const setCreating = (isCreating: boolean) => {
    const fields = new URLSearchParams(search);
    if (isCreating) fields.set("new", "");
    else fields.delete("new");
    setSearch(fields, { replace: !isCreating });
  };

  useShortcuts({ "/": () => searchField.current?.focus() });

  const create = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setCreating(true)}>
      New session
    </Button>
  );

  return (
    <>
      <PageHeader title="Sessions" about="Isolated browsers: watch them, take them over, end them.">
        {create}
      </PageHeader>
      <FilterBar
        filters={filters}
        owners={owners}
        onChange={filter}
        view={view}
        onView={setView}
        searchRef={searchField}
      />
      {list.isPending ? (
        <Loading what="sessions" rows={4} height={72} />
      ) : list.isError && all.length === 0 ? (
        <Problem error={list.error} what="The sessions could not be read" onRetry={() => void list.refetch()} />
      ) : (
        <>
          {list.isError && <Problem error={list.error} what="The list is not up to date" />}
          {shown.length > 0 &&
            (view === "list" && !isNarrow ? <SessionTable sessions={shown} /> : <SessionCards sessions={shown} />)}
          {shown.length === 0 &&
            (isFiltered ? (
              <EmptyState
                icon={IconFilterOff}
                title="No session fits"
                action={
                  <Button variant="default" onClick={() => filter({ status: null, labels: [], owner: "", text: "" })}>
                    Show all
                  </Button>
                }
              >
                None of the sessions read so far fits these filters.
              </EmptyState>
            ) : (
              <EmptyState icon={IconBrowser} title="No sessions yet" action={create}>
                A session is a browser of its own behind glass, with its own way out to the network and its own limits.
              </EmptyState>
            ))}
          <LoadMore of={list} />
        </>
      )}
      <CreateSession opened={search.has("new")} onClose={() => setCreating(false)} />
    </>
  );
}
