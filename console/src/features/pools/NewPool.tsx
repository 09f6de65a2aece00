import { Button, Group, Modal, NumberInput, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMediaQuery } from "@mantine/hooks";

import { isProblem } from "../../api/client";
import { done } from "../../ui/notices";
import { Problem } from "../../ui/Problem";
import { OptionFields, useOptions } from "../sessions/create/OptionFields";
import { toRequest } from "../sessions/create/values";
import { usePoolActs } from "./queries";

/** Make a pool: its name, how many wait, and what its sessions are made with. */
export function NewPool({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const isNarrow = useMediaQuery("(max-width: 36em)");
  return (
    <Modal opened={opened} onClose={onClose} title="New pool" size="xl" fullScreen={isNarrow}>
      <PoolForm onClose={onClose} />
    </Modal>
  );
}

interface Values {
  name: string;
  size: number | string;
}

function PoolForm({ onClose }: { onClose: () => void }) {
  const { create } = usePoolActs();
  const options = useOptions();
  const form = useForm<Values>({
    initialValues: { name: "", size: 1 },
    validate: {
      name: (value) =>
        /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)
          ? null
          : "Small letters, digits and hyphens, up to 63, with no hyphen at an end.",
      size: (value) => (typeof value === "number" ? null : "How many?"),
    },
  });
  const blame = (error: unknown) => {
    if (!isProblem(error)) return;
    const field = error.code === "conflict" ? "name" : error.fields.field;
    if (field === "name" || field === "size") form.setFieldError(field, error.message);
    else options.blame(error);
  };
  const make = (values: Values) => {
    options.form.clearErrors();
    create.mutate(
      { name: values.name, size: Number(values.size), options: toRequest(options.form.values) },
      {
        onSuccess: (pool) => {
          done(`${pool.name} was made, and is being filled.`);
          onClose();
        },
        onError: blame,
      },
    );
  };
  return (
    <form onSubmit={form.onSubmit(make)}>
      <Stack>
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs">
          <TextInput
            label="Name"
            description="It stands in addresses and metrics."
            placeholder="shop"
            required
            maxLength={63}
            autoCapitalize="none"
            spellCheck={false}
            data-autofocus
            {...form.getInputProps("name")}
          />
          <SizeInput {...form.getInputProps("size")} />
        </SimpleGrid>
        <OptionFields of={options} isPool />
        {create.isError && <Problem error={create.error} what="The pool was not made" />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={create.isPending}>
            Make the pool
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** How many wait at least. */
export function SizeInput(props: React.ComponentProps<typeof NumberInput>) {
  return (
    <NumberInput
      label="Size"
      description="So many wait, and more while more are asked for."
      required
      min={0}
      max={1024}
      allowDecimal={false}
      {...props}
    />
  );
}
