import { Modal, Stack, Tabs, Text } from "@mantine/core";

import { CopyCode, CopyLine } from "../../ui/Copy";
import type { Session } from "../sessions/queries";
import { snippetsFor } from "./snippets";

/** How a program drives this session. */
export function Connect({ session, opened, onClose }: { session: Session; opened: boolean; onClose: () => void }) {
  const url = session.connect_url;
  return (
    <Modal opened={opened && url !== null} onClose={onClose} title="Connect a program" size="lg">
      {url && (
        <Stack>
          <div>
            <Text size="sm" fw={500}>
              Connect URL
            </Text>
            <CopyLine value={url} what="the connect URL" />
            <Text size="xs" c="dimmed">
              Whoever has it may drive this session until it ends. Treat it as a password.
            </Text>
          </div>
          <Tabs defaultValue="playwright-python">
            <Tabs.List>
              {snippetsFor(url).map(({ id, name }) => (
                <Tabs.Tab key={id} value={id}>
                  {name}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            {snippetsFor(url).map(({ id, name, code }) => (
              <Tabs.Panel key={id} value={id} pt="sm">
                <CopyCode code={code} what={`the code for ${name}`} />
              </Tabs.Panel>
            ))}
          </Tabs>
        </Stack>
      )}
    </Modal>
  );
}
