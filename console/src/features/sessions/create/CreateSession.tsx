import { Accordion, Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMediaQuery } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";

import { isProblem, send } from "../../../api/client";
import { ofSession, roots } from "../../../api/queries";
import { Problem } from "../../../ui/Problem";
import type { Session } from "../queries";
import { BudgetSection, IdentitySection, LivingSection, NetworkSection, SafetySection } from "./sections";
import { Basics } from "./Basics";
import { EMPTY, toRequest } from "./values";

const SECTIONS = [
  { value: "network", title: "Network", about: "what it may reach, and how", Section: NetworkSection },
  { value: "safety", title: "Files and rights", about: "downloads, machine, live view", Section: SafetySection },
  { value: "identity", title: "Language and place", about: "locale, time zone, user agent", Section: IdentitySection },
  { value: "living", title: "Time", about: "how long it lives", Section: LivingSection },
  { value: "budget", title: "Budget", about: "hard limits; empty: the server's own", Section: BudgetSection },
];

export function CreateSession({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const isNarrow = useMediaQuery("(max-width: 36em)");
  return (
    <Modal opened={opened} onClose={onClose} title="New session" size="xl" fullScreen={isNarrow}>
      <CreateForm onClose={onClose} />
    </Modal>
  );
}

function CreateForm({ onClose }: { onClose: () => void }) {
  const form = useForm({ initialValues: EMPTY });
  const [open, setOpen] = useState<string[]>([]);
  const navigate = useNavigate();
  const client = useQueryClient();
  const creating = useMutation({
    mutationFn: async () => {
      const query = { wait: false };
      return (await (await send("POST", "/v1/sessions", { query, json: toRequest(form.values) })).json()) as Session;
    },
    onSuccess: (session) => {
      client.setQueryData(ofSession(session.id), session);
      void client.invalidateQueries({ queryKey: [...roots.sessions, "list"] });
      void navigate(`/app/sessions/${session.id}`);
    },
    onError: (error) => {
      const name = isProblem(error) ? (error.fields.field ?? "") : "";
      const section = sectionOf(name);
      if (section) setOpen((before) => [...new Set([...before, section])]);
      if (name) form.setFieldError(fieldOf(name), error.message);
    },
  });

  return (
    <form
      onSubmit={form.onSubmit(() => {
        form.clearErrors();
        creating.mutate();
      })}
    >
      <Stack>
        <Basics form={form} />
        <Accordion multiple value={open} onChange={setOpen} variant="contained" chevronPosition="left">
          {SECTIONS.map(({ value, title, about, Section }) => (
            <Accordion.Item key={value} value={value}>
              <Accordion.Control>
                <Text span fw={500} size="sm">
                  {title}
                </Text>{" "}
                <Text span c="dimmed" size="sm">
                  {about}
                </Text>
              </Accordion.Control>
              <Accordion.Panel>
                <Section form={form} />
              </Accordion.Panel>
            </Accordion.Item>
          ))}
        </Accordion>
        {creating.isError && <Problem error={creating.error} what="The session was not made" />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={creating.isPending}>
            Create
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** A problem names its field as the API does: `budget.memory_bytes`, `egress.allow_hosts.0`, `viewport.width`. */
function fieldOf(name: string): string {
  const [first = "", second = ""] = name.split(".");
  if (first === "budget") return `budget.${second}`;
  if (first === "viewport" || first === "egress" || first === "live") return second;
  if (second === "hibernate_after_s") return "hibernate_min";
  return { idle_timeout_s: "idle_min", lifetime_s: "lifetime_min", standby: "standby_s" }[first] ?? first;
}

function sectionOf(name: string): string | null {
  const [first = ""] = name.split(".");
  const of: Record<string, string> = {
    egress: "network",
    action_allowed_domains: "network",
    budget: "budget",
    idle_timeout_s: "living",
    lifetime_s: "living",
    locale: "identity",
    timezone: "identity",
    user_agent: "identity",
    machine: "safety",
    downloads: "safety",
    private: "safety",
    live: "safety",
  };
  return of[first] ?? null;
}
