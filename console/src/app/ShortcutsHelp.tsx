import { Group, Kbd, Modal, Stack, Switch, Table, Text } from "@mantine/core";

import { PLACES } from "./navigation";
import { useShortcutsSwitch } from "./shortcuts";

const OTHERS: [string[], string][] = [
  [["n"], "New session"],
  [["/"], "Search the list"],
  [["?"], "This help"],
];

export function ShortcutsHelp({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [isOn, setOn] = useShortcutsSwitch();
  const rows = [...OTHERS, ...PLACES.map(({ letter, label }): [string[], string] => [["g", letter], label])];
  return (
    <Modal opened={opened} onClose={onClose} title="Keyboard shortcuts">
      <Stack>
        <Switch
          checked={isOn}
          onChange={(event) => setOn(event.currentTarget.checked)}
          label="Shortcuts of single letters"
          description="They are never taken from fields, terminals or live views."
        />
        <Table aria-label="Keyboard shortcuts">
          <Table.Tbody>
            {rows.map(([keys, what]) => (
              <Table.Tr key={what}>
                <Table.Td w={110}>
                  <Group gap={6}>
                    {keys.map((key) => (
                      <Kbd key={key}>{key}</Kbd>
                    ))}
                  </Group>
                </Table.Td>
                <Table.Td>
                  <Text size="sm">{what}</Text>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Stack>
    </Modal>
  );
}
