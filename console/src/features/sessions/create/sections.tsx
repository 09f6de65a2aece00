/** The rest of what can be asked for, section by section. */
import {
  Checkbox,
  Fieldset,
  Group,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  TagsInput,
  TextInput,
} from "@mantine/core";

import { useMe } from "../../../api/credentials";
import { useOffers } from "../../../api/offers";
import type { CreateForm } from "./Basics";
import { BUDGET_GROUPS } from "./values";

interface SectionProps {
  form: CreateForm;
}

export function NetworkSection({ form }: SectionProps) {
  return (
    <Stack gap="sm">
      <TagsInput
        label="Only these hosts"
        description="Empty: every public one that the server lets through. *.example.com stands for what is below it."
        {...form.getInputProps("allow_hosts")}
      />
      <TagsInput label="Never these hosts" {...form.getInputProps("deny_hosts")} />
      <TagsInput
        label="Private hosts"
        description="Opens exactly these of the inner network, if the server allows it."
        placeholder="127.0.0.1:8000"
        {...form.getInputProps("private_hosts")}
      />
      <Group grow align="flex-start">
        <TagsInput
          label="Only these ports"
          placeholder="443 or 8000-8999"
          maxTags={64}
          {...form.getInputProps("ports")}
        />
        <Checkbox.Group label="Only these schemes" {...form.getInputProps("schemes")}>
          <Group mt="xs">
            <Checkbox value="https" label="https" />
            <Checkbox value="http" label="http" />
          </Group>
        </Checkbox.Group>
      </Group>
      <TextInput
        label="Proxy behind the gateway"
        placeholder="socks5://user:password@proxy.example:1080"
        autoComplete="off"
        spellCheck={false}
        {...form.getInputProps("upstream")}
      />
      <TagsInput
        label="Act only on these domains"
        description="Binds actions of the browser service; a page's own scripts go where the hosts above let them."
        {...form.getInputProps("action_allowed_domains")}
      />
    </Stack>
  );
}

export function SafetySection({ form }: SectionProps) {
  const me = useMe();
  const offers = useOffers();
  const mayAsk = me.isAdmin || me.scopes.includes("machine");
  return (
    <Stack gap="sm">
      <Switch
        label="Take downloads out, with a verdict"
        description="Off: the browser refuses them."
        checked={form.values.downloads === "quarantine"}
        onChange={(event) => form.setFieldValue("downloads", event.currentTarget.checked ? "quarantine" : "off")}
      />
      <Switch
        label="Machine: programs, files and a terminal"
        description={mayAsk ? "They run inside the sandbox, under its limits." : "Needs the scope “machine”."}
        {...form.getInputProps("machine", { type: "checkbox" })}
      />
      <Switch
        label="Private"
        description="Nothing of it stays when it has ended: no profile, no file, no address."
        {...form.getInputProps("private", { type: "checkbox" })}
      />
      {offers.takes("SessionIn", "live") && (
        <Group grow align="flex-start">
          <Select
            label="Clipboard of the live view"
            data={[
              { value: "", label: "As the server says" },
              { value: "off", label: "Off" },
              { value: "in", label: "Into the session" },
              { value: "out", label: "Out of the session" },
              { value: "both", label: "Both ways" },
            ]}
            allowDeselect={false}
            {...form.getInputProps("clipboard")}
          />
          <Select
            label="Recording"
            data={[
              { value: "", label: "As the server says" },
              { value: "off", label: "Off" },
              { value: "on_request", label: "When somebody asks for it" },
              { value: "always", label: "From beginning to end" },
            ]}
            allowDeselect={false}
            {...form.getInputProps("record")}
          />
        </Group>
      )}
    </Stack>
  );
}

const TIME_ZONES = Intl.supportedValuesOf("timeZone");

export function IdentitySection({ form }: SectionProps) {
  return (
    <Stack gap="sm">
      <Group grow align="flex-start">
        <TextInput label="Language" placeholder="de-AT" maxLength={35} {...form.getInputProps("locale")} />
        <Select
          label="Time zone"
          placeholder="The server's"
          data={TIME_ZONES}
          limit={100}
          searchable
          clearable
          {...form.getInputProps("timezone")}
        />
      </Group>
      <TextInput
        label="User agent"
        placeholder="The browser's own"
        maxLength={512}
        spellCheck={false}
        {...form.getInputProps("user_agent")}
      />
    </Stack>
  );
}

export function LivingSection({ form }: SectionProps) {
  return (
    <SimpleGrid cols={{ base: 1, xs: 3 }}>
      <NumberInput
        label="Lives at most"
        suffix=" min"
        placeholder="As the server says"
        min={1}
        {...form.getInputProps("lifetime_min")}
      />
      <NumberInput
        label="Ends when idle for"
        suffix=" min"
        placeholder="As the server says"
        min={1}
        {...form.getInputProps("idle_min")}
      />
      <NumberInput
        label="Sleeps when nobody uses it for"
        suffix=" s"
        placeholder="Never by itself"
        min={1}
        max={3600}
        {...form.getInputProps("standby_s")}
      />
      <NumberInput
        label="Waits for a place for"
        suffix=" s"
        placeholder="As the server says"
        min={0}
        max={3600}
        {...form.getInputProps("queue_s")}
      />
      <NumberInput
        label="Hibernate when asleep for"
        suffix=" min"
        placeholder="Never by itself"
        min={0.1}
        max={10_080}
        {...form.getInputProps("hibernate_min")}
      />
      <Select
        label="When its budget is used up"
        data={[
          { value: "", label: "As the server says" },
          { value: "refuse", label: "Refuse what is beyond" },
          { value: "end", label: "End the session" },
        ]}
        allowDeselect={false}
        {...form.getInputProps("on_exhausted")}
      />
    </SimpleGrid>
  );
}

export function BudgetSection({ form }: SectionProps) {
  return (
    <Stack gap="sm">
      {BUDGET_GROUPS.map(({ title, fields }) => (
        <Fieldset key={title} legend={title}>
          <SimpleGrid cols={{ base: 1, xs: 2, sm: 3 }} spacing="xs" verticalSpacing="xs">
            {fields.map(({ name, label, unit }) => (
              <NumberInput
                key={name}
                label={label}
                suffix={unit && ` ${unit}`}
                min={0}
                placeholder="As the server says"
                size="xs"
                {...form.getInputProps(`budget.${name}`)}
              />
            ))}
          </SimpleGrid>
        </Fieldset>
      ))}
    </Stack>
  );
}
