import { Button, Group, Modal, Stack } from "@mantine/core";
import { useForm } from "@mantine/form";

import { isProblem } from "../../api/client";
import { done } from "../../ui/notices";
import { Problem } from "../../ui/Problem";
import { SizeInput } from "./NewPool";
import { usePoolActs, type Pool } from "./queries";

/** Give a pool another size. */
export function Resize({ pool, onClose }: { pool: Pool | null; onClose: () => void }) {
  return (
    <Modal opened={pool !== null} onClose={onClose} title={pool && `The size of ${pool.name}`}>
      {pool && <ResizeForm pool={pool} onClose={onClose} />}
    </Modal>
  );
}

function ResizeForm({ pool, onClose }: { pool: Pool; onClose: () => void }) {
  const { resize } = usePoolActs();
  const form = useForm<{ size: number | string }>({
    initialValues: { size: pool.size },
    validate: { size: (value) => (typeof value === "number" ? null : "How many?") },
  });
  const save = (values: { size: number | string }) =>
    resize.mutate(
      { pool, size: Number(values.size) },
      {
        onSuccess: (changed) => {
          done(`The size of ${changed.name} is ${changed.size} now.`);
          onClose();
        },
        onError: (error) => {
          if (isProblem(error) && error.fields.field === "size") form.setFieldError("size", error.message);
        },
      },
    );
  return (
    <form onSubmit={form.onSubmit(save)}>
      <Stack>
        <SizeInput data-autofocus {...form.getInputProps("size")} />
        {resize.isError && <Problem error={resize.error} what="The size was not changed" />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={resize.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
