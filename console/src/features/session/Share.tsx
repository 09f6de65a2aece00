import { Alert, Button, Group, Modal, Radio, Select, Stack, TextInput } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";

import { makeLink } from "../../api/live";
import { CopyLine } from "../../ui/Copy";
import { dateTime } from "../../ui/formats";
import { Problem } from "../../ui/Problem";
import type { Session } from "../sessions/queries";

/** A link to the live view, for somebody who has no key. */
export function Share({ session, opened, onClose }: { session: Session; opened: boolean; onClose: () => void }) {
  const [right, setRight] = useState<"view" | "control">("view");
  const [lifetime, setLifetime] = useState("3600");
  const [name, setName] = useState("");
  const making = useMutation({
    mutationFn: () => makeLink(session.id, { right, lifetime_s: Number(lifetime), name: name.trim() || undefined }),
  });
  const close = () => {
    making.reset();
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title="Make a link to the live view">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          making.mutate();
        }}
      >
        <Stack>
          <Radio.Group label="Whoever has it may" value={right} onChange={(value) => setRight(value)}>
            <Group mt={4}>
              <Radio value="view" label="Watch" />
              <Radio value="control" label="Watch and act" />
            </Group>
          </Radio.Group>
          <Group grow align="flex-start">
            <Select
              label="For"
              data={[
                { value: "900", label: "15 minutes" },
                { value: "3600", label: "1 hour" },
                { value: "28800", label: "8 hours" },
                { value: "86400", label: "1 day" },
              ]}
              value={lifetime}
              onChange={(value) => setLifetime(value ?? "3600")}
              allowDeselect={false}
            />
            <TextInput
              label="Shown to others as"
              placeholder="Ann"
              maxLength={64}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
          </Group>
          {making.isError && <Problem error={making.error} what="The link was not made" />}
          {making.data && (
            <Alert
              icon={<IconInfoCircle aria-hidden />}
              title={`Until ${dateTime(making.data.expires_at)}`}
              styles={{ wrapper: { minWidth: 0 }, body: { minWidth: 0 } }}
            >
              <CopyLine value={making.data.url} what="the link" />
              It cannot be taken back: it ends by itself, or with the session.
            </Alert>
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Close
            </Button>
            <Button type="submit" loading={making.isPending}>
              {making.data ? "Make another" : "Make the link"}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
