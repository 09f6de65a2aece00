import { Alert, Button, Checkbox, Group, Modal, Radio, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";

import { ask } from "../../api/client";
import { roots } from "../../api/queries";
import { CopyLine } from "../../ui/Copy";
import { Problem } from "../../ui/Problem";

type Scope = "machine" | "release";
interface Values {
  principal: string;
  name: string;
  role: "user" | "admin";
  scopes: Scope[];
}

/** Make a key, and show its secret: this once. */
export function NewKey({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const client = useQueryClient();
  const form = useForm<Values>({
    initialValues: { principal: "", name: "", role: "user", scopes: [] },
    validate: {
      principal: (value) =>
        /^[a-z0-9][a-z0-9._@-]{0,63}$/.test(value) ? null : "Small letters, digits and . _ @ -, up to 64.",
    },
  });
  const making = useMutation({
    mutationFn: (values: Values) => ask("post", "/v1/keys", { body: values }),
    onSuccess: () => void client.invalidateQueries({ queryKey: [...roots.keys, "list"] }),
    // The secret stays nowhere once this is closed.
    gcTime: 0,
  });
  const close = () => {
    making.reset();
    form.reset();
    onClose();
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={making.data ? "The new key" : "New key"}
      // A click beside it must not throw away what is shown only once.
      closeOnClickOutside={!making.data}
    >
      {making.data ? (
        <Stack>
          <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} title="It is shown this once">
            Copy it now and keep it where secrets are kept: the server has only its hash.
          </Alert>
          <CopyLine value={making.data.secret} what="the key" />
          <Group justify="flex-end">
            <Button onClick={close}>I have kept it</Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={form.onSubmit((values) => making.mutate(values))}>
          <Stack>
            <TextInput
              label="Principal"
              description="Whose key it is; sessions made with it belong to that one."
              placeholder="alice"
              required
              autoCapitalize="none"
              spellCheck={false}
              data-autofocus
              {...form.getInputProps("principal")}
            />
            <TextInput label="Name" placeholder="laptop" maxLength={100} {...form.getInputProps("name")} />
            <Radio.Group label="Role" {...form.getInputProps("role")}>
              <Stack gap="xs" mt={4}>
                <Radio value="user" label="User" description="Sees and ends the own sessions" />
                <Radio value="admin" label="Admin" description="Sees everything, and makes keys" />
              </Stack>
            </Radio.Group>
            {form.values.role === "user" && (
              <Checkbox.Group label="May also" {...form.getInputProps("scopes")}>
                <Stack gap="xs" mt={4}>
                  <Checkbox value="machine" label="Run programs and move files in sessions" />
                  <Checkbox value="release" label="Let the own files out of quarantine" />
                </Stack>
              </Checkbox.Group>
            )}
            {making.isError && <Problem error={making.error} what="The key was not made" />}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                Cancel
              </Button>
              <Button type="submit" loading={making.isPending}>
                Make the key
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}
