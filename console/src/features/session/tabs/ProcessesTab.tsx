import { Badge, Button, Group, Menu, NavLink, Paper, Stack, Text } from "@mantine/core";
import { IconPlus, IconBolt, IconTerminal2 } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { ask } from "../../../api/client";
import { ofSession } from "../../../api/queries";
import { EmptyState } from "../../../ui/EmptyState";
import { bytes } from "../../../ui/formats";
import { Loading } from "../../../ui/Loading";
import { failed } from "../../../ui/notices";
import { Problem } from "../../../ui/Problem";
import { signal, spawnShell, type Program } from "../machine";
import { NoMachine } from "../NoMachine";
import type { TabProps } from "../tabs";
import { Terminal } from "../Terminal";
import classes from "./ProcessesTab.module.css";

const EVERY_MS = 4000;

/** Programs in the session, each with its terminal or what it printed. */
export function ProcessesTab({ session }: TabProps) {
  return session.machine ? <Programs session={session} /> : <NoMachine what="Programs and a terminal" />;
}

function Programs({ session }: TabProps) {
  const client = useQueryClient();
  const [chosen, setChosen] = useState<string | null>(null);
  const key = ofSession(session.id, "processes");
  const list = useQuery({
    queryKey: key,
    queryFn: ({ signal }) =>
      ask("get", "/v1/sessions/{session_id}/process", { path: { session_id: session.id }, signal }),
    refetchInterval: EVERY_MS,
    retry: false,
  });
  const opening = useMutation({
    mutationFn: () => spawnShell(session.id, "sh", ["-i"], 24, 80),
    onSuccess: (processId) => setChosen(processId),
    onError: (error) => failed("No terminal was opened", error),
    onSettled: () => void client.invalidateQueries({ queryKey: key }),
  });
  const kill = useMutation({
    mutationFn: (sent: { id: string; name: "TERM" | "KILL" | "INT" }) => signal(session.id, sent.id, sent.name),
    onError: (error) => failed("The program got no signal", error),
    onSettled: () => void client.invalidateQueries({ queryKey: key }),
  });

  const programs = list.data?.processes ?? [];
  const shown = programs.find((program) => program.process_id === chosen) ?? (chosen ? undefined : programs.at(-1));
  const open = (
    <Button
      leftSection={<IconPlus size={16} aria-hidden />}
      loading={opening.isPending}
      onClick={() => opening.mutate()}
    >
      New terminal
    </Button>
  );
  if (list.isPending) return <Loading what="programs" />;
  if (list.isError && programs.length === 0) {
    return <Problem error={list.error} what="The programs could not be read" onRetry={() => void list.refetch()} />;
  }
  if (programs.length === 0 && !chosen) {
    return (
      <EmptyState icon={IconTerminal2} title="No programs were started here" action={open}>
        A terminal runs a shell inside the sandbox, under its limits, with no more network than its browser.
      </EmptyState>
    );
  }
  return (
    <div className={classes.layout}>
      <Stack gap="xs">
        {open}
        <Paper withBorder component="nav" aria-label="Programs" className={classes.list}>
          {programs.toReversed().map((program) => (
            <NavLink
              key={program.process_id}
              component="button"
              active={program.process_id === shown?.process_id}
              onClick={() => setChosen(program.process_id)}
              label={<Line program={program} />}
              description={describe(program)}
              styles={{ description: { color: "inherit" } }}
            />
          ))}
        </Paper>
      </Stack>
      <div>
        {shown && (
          <Group mb="xs" justify="space-between">
            <Text size="sm" ff="monospace" truncate maw="70%">
              {[shown.command, ...shown.args].join(" ")}
            </Text>
            {shown.state === "running" && (
              <Menu position="bottom-end">
                <Menu.Target>
                  <Button variant="default" size="xs" leftSection={<IconBolt size={14} aria-hidden />}>
                    Signal
                  </Button>
                </Menu.Target>
                <Menu.Dropdown>
                  <Menu.Item onClick={() => kill.mutate({ id: shown.process_id, name: "INT" })}>Interrupt</Menu.Item>
                  <Menu.Item onClick={() => kill.mutate({ id: shown.process_id, name: "TERM" })}>
                    Ask it to end
                  </Menu.Item>
                  <Menu.Item color="red" onClick={() => kill.mutate({ id: shown.process_id, name: "KILL" })}>
                    Kill
                  </Menu.Item>
                </Menu.Dropdown>
              </Menu>
            )}
          </Group>
        )}
        {(shown ?? chosen) && (
          <Terminal
            key={shown?.process_id ?? chosen}
            sessionId={session.id}
            processId={shown?.process_id ?? chosen ?? ""}
            isTty={shown?.tty ?? true}
          />
        )}
      </div>
    </div>
  );
}

function Line({ program }: { program: Program }) {
  return (
    <Group gap={6} wrap="nowrap">
      <Text size="sm" ff="monospace" truncate>
        {[program.command, ...program.args].join(" ")}
      </Text>
      <Badge size="xs" variant="light" color={program.state === "running" ? "teal" : "gray"} style={{ flexShrink: 0 }}>
        {program.state}
      </Badge>
    </Group>
  );
}

function describe(program: Program): string {
  if (program.state === "running")
    return `${program.cpu_pct.toFixed(0)} % · ${bytes(program.mem_bytes)} · pid ${program.pid}`;
  return program.signal ? `signal ${program.signal}` : `exit code ${program.exit_code ?? "?"}`;
}
