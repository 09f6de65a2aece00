import { Group, NumberInput, Radio, Select, SimpleGrid, Stack, Switch, TagsInput, TextInput } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";

import { ask, isProblem } from "../../../api/client";
import { roots } from "../../../api/queries";
import type { CreateValues } from "./values";

export type CreateForm = UseFormReturnType<CreateValues>;

const SIZES: [string, number, number, number][] = [
  ["Desktop, 1280 × 800", 1280, 800, 1],
  ["Desktop, 1920 × 1080", 1920, 1080, 1],
  ["Laptop, 1440 × 900, sharp", 1440, 900, 2],
  ["Tablet, 820 × 1180", 820, 1180, 2],
  ["Phone, 412 × 915", 412, 915, 2.625],
];

/** What most sessions differ by. `isPool`: those of a pool, which has no profile. */
export function Basics({ form, isPool }: { form: CreateForm; isPool: boolean }) {
  return (
    <Stack gap="sm">
      <TextInput
        label="Start at"
        placeholder="https://example.com/"
        description="Empty: a page that ships with Cloche."
        inputMode="url"
        autoCapitalize="none"
        spellCheck={false}
        data-autofocus={!isPool || undefined}
        {...form.getInputProps("start_url")}
      />
      <Radio.Group label="Engine" {...form.getInputProps("engine")}>
        <Group mt={4} gap="lg">
          <Radio value="shell" label="Shell" description="Light and quick" />
          <Radio value="chrome" label="Chrome" description="Whole Chromium, with extensions" />
        </Group>
      </Radio.Group>
      <Viewport form={form} />
      {!isPool && <ProfileChoice form={form} />}
      <TagsInput
        label="Labels"
        description={`For finding ${isPool ? "its sessions" : "it"} again, as name:value. Enter adds one.`}
        placeholder={form.values.labels.length > 0 ? "" : "team:blue"}
        maxTags={32}
        {...form.getInputProps("labels")}
      />
    </Stack>
  );
}

function Viewport({ form }: { form: CreateForm }) {
  const { width, height, device_scale_factor } = form.values;
  const size = SIZES.find((each) => each[1] === width && each[2] === height && each[3] === device_scale_factor);
  return (
    <SimpleGrid cols={{ base: 2, xs: 4 }} spacing="xs" verticalSpacing="xs">
      <Select
        label="Viewport"
        placeholder="Its own size"
        data={SIZES.map(([name]) => name)}
        value={size?.[0] ?? null}
        onChange={(name) => {
          const chosen = SIZES.find((each) => each[0] === name);
          if (chosen) form.setValues({ width: chosen[1], height: chosen[2], device_scale_factor: chosen[3] });
        }}
        comboboxProps={{ width: 260, position: "bottom-start" }}
      />
      <NumberInput
        label="Width"
        suffix=" px"
        min={16}
        max={7680}
        allowDecimal={false}
        {...form.getInputProps("width")}
      />
      <NumberInput
        label="Height"
        suffix=" px"
        min={16}
        max={4320}
        allowDecimal={false}
        {...form.getInputProps("height")}
      />
      <NumberInput
        label="Scale"
        min={0.25}
        max={4}
        step={0.5}
        decimalScale={3}
        {...form.getInputProps("device_scale_factor")}
      />
    </SimpleGrid>
  );
}

function ProfileChoice({ form }: { form: CreateForm }) {
  const profiles = useQuery({
    queryKey: [...roots.profiles, "list", "choice"],
    queryFn: ({ signal }) => ask("get", "/v1/profiles", { query: { limit: 200 }, signal }),
    retry: false,
  });
  const data = [
    { value: "active", label: "The active one" },
    ...(profiles.data?.profiles.map(({ id, name }) => ({ value: id, label: name })) ?? []),
  ];
  const isChosen = form.values.profile !== null;
  return (
    <Stack gap="xs">
      <Select
        label="Profile"
        description={
          !profiles.isError
            ? "Cookies, storage and settings to begin with."
            : isProblem(profiles.error) && profiles.error.reason === "profiles_off"
              ? "This server keeps no profiles."
              : "The profiles could not be read. Close this and try again."
        }
        placeholder="None: a browser that knows nothing"
        data={data}
        disabled={profiles.isError}
        clearable
        searchable
        {...form.getInputProps("profile")}
      />
      {isChosen && (
        <Group gap="lg" align="flex-end">
          <Switch label="Save it when the session ends" {...form.getInputProps("save", { type: "checkbox" })} />
          <Select
            label="If another session writes to it"
            data={[
              { value: "refuse", label: "Refuse" },
              { value: "read_only", label: "Only read it" },
            ]}
            allowDeselect={false}
            w={180}
            {...form.getInputProps("if_busy")}
          />
          <Select
            label="What of it"
            data={[
              { value: "directory", label: "The whole profile" },
              { value: "storage_state", label: "Cookies and storage" },
            ]}
            allowDeselect={false}
            w={200}
            {...form.getInputProps("form")}
          />
        </Group>
      )}
    </Stack>
  );
}
