import { Button, Group, Select, Stack, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { useState } from "react";

import { dateTime } from "../../ui/formats";
import { done, failed } from "../../ui/notices";
import type { Session } from "./queries";

const CHOICES = [
  ["600", "10 minutes"],
  ["1800", "30 minutes"],
  ["3600", "1 hour"],
  ["14400", "4 hours"],
  ["86400", "1 day"],
] as const;

type Extend = (asked: { id: string; lifetime_s: number }) => Promise<Session>;

export function askHowLong(session: Session, extend: Extend): void {
  const modalId = modals.open({
    title: "Extend the session",
    children: <HowLong session={session} extend={extend} onDone={() => modals.close(modalId)} />,
  });
}

function HowLong({ session, extend, onDone }: { session: Session; extend: Extend; onDone: () => void }) {
  const [seconds, setSeconds] = useState("3600");
  const [isBusy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    try {
      const changed = await extend({ id: session.id, lifetime_s: Number(seconds) });
      done(`The session ends at ${dateTime(changed.expires_at)}.`);
      onDone();
    } catch (error) {
      failed("The session could not be extended", error);
      setBusy(false);
    }
  };
  return (
    <Stack>
      <Text size="sm">
        It ends at {dateTime(session.expires_at)} now. The server has a ceiling for how long one may live.
      </Text>
      <Select
        label="From now on"
        data={CHOICES.map(([value, label]) => ({ value, label }))}
        value={seconds}
        onChange={(value) => setSeconds(value ?? "3600")}
        allowDeselect={false}
        data-autofocus
      />
      <Group justify="flex-end">
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
        <Button loading={isBusy} onClick={() => void go()}>
          Extend
        </Button>
      </Group>
    </Stack>
  );
}
