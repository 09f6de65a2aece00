import { Button, Group, Modal, Stack } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";

import { send } from "../../../api/client";
import { ofSession, roots } from "../../../api/queries";
import { Problem } from "../../../ui/Problem";
import type { Session } from "../queries";
import { OptionFields, useOptions } from "./OptionFields";
import { toRequest } from "./values";

export function CreateSession({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const isNarrow = useMediaQuery("(max-width: 36em)");
  return (
    <Modal opened={opened} onClose={onClose} title="New session" size="xl" fullScreen={isNarrow}>
      <CreateForm onClose={onClose} />
    </Modal>
  );
}

function CreateForm({ onClose }: { onClose: () => void }) {
  const options = useOptions();
  const { form } = options;
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
    onError: options.blame,
  });

  return (
    <form
      onSubmit={form.onSubmit(() => {
        form.clearErrors();
        creating.mutate();
      })}
    >
      <Stack>
        <OptionFields of={options} />
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
