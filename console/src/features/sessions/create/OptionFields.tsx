import { Accordion, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";

import { isProblem } from "../../../api/client";
import { Basics, type CreateForm } from "./Basics";
import { BudgetSection, IdentitySection, LivingSection, NetworkSection, SafetySection } from "./sections";
import { EMPTY } from "./values";

const SECTIONS = [
  { value: "network", title: "Network", about: "what it may reach, and how", Section: NetworkSection },
  { value: "safety", title: "Files and rights", about: "downloads, machine, live view", Section: SafetySection },
  { value: "identity", title: "Language and place", about: "locale, time zone, user agent", Section: IdentitySection },
  { value: "living", title: "Time", about: "how long it lives", Section: LivingSection },
  { value: "budget", title: "Budget", about: "hard limits; empty: the server's own", Section: BudgetSection },
];

interface Options {
  form: CreateForm;
  open: string[];
  setOpen: (sections: string[]) => void;
  /** Show a problem at the field that it names, wherever that is. */
  blame: (error: unknown) => void;
}

/** The options of a session, as somebody fills them in. */
export function useOptions(): Options {
  const form = useForm({ initialValues: EMPTY });
  const [open, setOpen] = useState<string[]>([]);
  const blame = (error: unknown) => {
    // A pool's problem names them below `options`.
    const name = isProblem(error) ? (error.fields.field ?? "").replace(/^options\./, "") : "";
    const section = sectionOf(name);
    if (section) setOpen((before) => [...new Set([...before, section])]);
    if (name) form.setFieldError(fieldOf(name), error instanceof Error ? error.message : "");
  };
  return { form, open, setOpen, blame };
}

/** All that a session may be made with. `isPool`: each of a pool's; a pool is everybody's, and a profile somebody's. */
export function OptionFields({ of: { form, open, setOpen }, isPool = false }: { of: Options; isPool?: boolean }) {
  return (
    <>
      <Basics form={form} isPool={isPool} />
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
    </>
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
