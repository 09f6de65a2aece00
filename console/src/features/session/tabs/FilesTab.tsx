import {
  ActionIcon,
  Alert,
  Anchor,
  Breadcrumbs,
  Button,
  FileButton,
  Group,
  Menu,
  Progress,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { modals } from "@mantine/modals";
import {
  IconDotsVertical,
  IconFile,
  IconFolder,
  IconFolderPlus,
  IconLink,
  IconRefresh,
  IconUpload,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState, type DragEvent } from "react";

import { ofSession } from "../../../api/queries";
import { confirm } from "../../../ui/confirm";
import { DataTable, type Column } from "../../../ui/DataTable";
import { EmptyState } from "../../../ui/EmptyState";
import { bytes } from "../../../ui/formats";
import { Loading } from "../../../ui/Loading";
import { failed } from "../../../ui/notices";
import { Problem } from "../../../ui/Problem";
import { RelativeTime } from "../../../ui/Time";
import { deleteEntry, listFiles, makeDirectory, type FileEntry } from "../machine";
import { NoMachine } from "../NoMachine";
import type { TabProps } from "../tabs";
import { useTransfers } from "../useTransfers";

const ROOTS = ["/workspace", "/profile"];

/** The session's own files. */
export function FilesTab({ session }: TabProps) {
  return session.machine ? <Files session={session} /> : <NoMachine what="Files" />;
}

function Files({ session }: TabProps) {
  const [path, setPath] = useState("/workspace");
  const [isOver, setOver] = useState(false);
  const list = useQuery({
    queryKey: ofSession(session.id, "files", path),
    queryFn: ({ signal }) => listFiles(session.id, path, signal),
    retry: false,
  });
  const read = () => void list.refetch();
  const transfers = useTransfers(session.id, read);
  const upload = (files: readonly File[]) => {
    for (const file of files) void transfers.upload(`${path}/${file.name}`, file);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    upload([...event.dataTransfer.files]);
  };
  const askDelete = (entry: FileEntry) =>
    confirm({
      title: `Delete ${entry.is_dir ? "this directory" : "this file"}?`,
      body: `${entry.path}${entry.is_dir ? ", with all that is in it," : ""} cannot be brought back.`,
      act: "Delete",
      onConfirm: () => {
        deleteEntry(session.id, entry)
          .then(read)
          .catch((error: unknown) => failed(`${entry.name} was not deleted`, error));
      },
    });
  const columns: Column<FileEntry>[] = [
    {
      name: "Name",
      cell: (entry) => (
        <Name entry={entry} onOpen={() => (entry.is_dir ? setPath(entry.path) : void transfers.download(entry))} />
      ),
    },
    { name: "Size", align: "right", width: 100, cell: (entry) => (entry.is_dir ? "" : bytes(entry.size_bytes)) },
    { name: "Changed", width: 130, cell: (entry) => <RelativeTime at={entry.mod_time} /> },
    {
      name: "Mode",
      width: 120,
      cell: (entry) => (
        <Text size="sm" ff="monospace">
          {entry.mode}
        </Text>
      ),
    },
    {
      name: "Actions",
      isQuiet: true,
      width: 50,
      cell: (entry) => (
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${entry.name}`}>
              <IconDotsVertical size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => void transfers.download(entry)}>
              {entry.is_dir ? "Download as zip" : "Download"}
            </Menu.Item>
            <Menu.Item color="red" onClick={() => askDelete(entry)}>
              Delete…
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      ),
    },
  ];

  return (
    // Dropping files is a second way: the button does the same.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      style={isOver ? { outline: "2px dashed var(--mantine-primary-color-filled)", outlineOffset: 6 } : undefined}
    >
      <Group justify="space-between" mb="sm">
        <Where path={path} onGo={setPath} />
        <Group gap="xs">
          <Button
            variant="default"
            leftSection={<IconRefresh size={16} aria-hidden />}
            loading={list.isRefetching}
            onClick={read}
          >
            Refresh
          </Button>
          <Button
            variant="default"
            leftSection={<IconFolderPlus size={16} aria-hidden />}
            onClick={() => askName(session.id, path, read)}
          >
            New directory
          </Button>
          <FileButton multiple onChange={upload}>
            {(props) => (
              <Button leftSection={<IconUpload size={16} aria-hidden />} {...props}>
                Upload
              </Button>
            )}
          </FileButton>
        </Group>
      </Group>
      <Stack gap={6} mb={transfers.under.length > 0 ? "sm" : 0} aria-live="polite">
        {transfers.under.map(({ id, name, share, verb }) => (
          <div key={id}>
            <Text size="xs">
              {verb} {name}
            </Text>
            <Progress value={share ?? 100} animated={share === null} aria-label={`${verb} ${name}`} />
          </div>
        ))}
      </Stack>
      {list.isPending && <Loading what="files" height={30} />}
      {list.isError && <Problem error={list.error} what="The directory could not be read" onRetry={read} />}
      {list.data?.isCut && (
        <Alert color="gray" p="xs" mb="sm">
          There are more than can be listed: these are the first by name.
        </Alert>
      )}
      {list.data?.entries.length === 0 && (
        <EmptyState icon={IconFolder} title="Nothing is in here">
          Drop files here, or press Upload.
        </EmptyState>
      )}
      {list.data && list.data.entries.length > 0 && (
        <DataTable
          label={`Files in ${path}`}
          columns={columns}
          rows={list.data.entries}
          keyOf={(entry) => entry.path}
        />
      )}
    </div>
  );
}

function Where({ path, onGo }: { path: string; onGo: (path: string) => void }) {
  const parts = path.split("/").filter(Boolean);
  const [root = ""] = parts;
  return (
    <Breadcrumbs separator="/" separatorMargin={6}>
      <Menu position="bottom-start">
        <Menu.Target>
          <Anchor component="button" type="button" size="sm" aria-label={`${root}: other places`}>
            {root} ▾
          </Anchor>
        </Menu.Target>
        <Menu.Dropdown>
          {ROOTS.map((each) => (
            <Menu.Item key={each} onClick={() => onGo(each)}>
              {each}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {parts.slice(1).map((part, index) => (
        <Anchor
          key={index}
          component="button"
          type="button"
          size="sm"
          onClick={() => onGo(`/${parts.slice(0, index + 2).join("/")}`)}
        >
          {part}
        </Anchor>
      ))}
    </Breadcrumbs>
  );
}

function Name({ entry, onOpen }: { entry: FileEntry; onOpen: () => void }) {
  const Picture = entry.is_dir ? IconFolder : entry.is_link ? IconLink : IconFile;
  return (
    <Group gap="xs" wrap="nowrap">
      <Picture size={18} stroke={1.5} aria-hidden style={{ flexShrink: 0 }} />
      <Anchor
        component="button"
        type="button"
        size="sm"
        onClick={onOpen}
        ta="left"
        style={{ overflowWrap: "anywhere" }}
      >
        {entry.name}
      </Anchor>
      {entry.link_target && (
        <Text size="xs" c="dimmed" truncate>
          to {entry.link_target}
        </Text>
      )}
    </Group>
  );
}

function askName(sessionId: string, path: string, onDone: () => void): void {
  const modalId = modals.open({
    title: "New directory",
    children: (
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const name = new FormData(event.currentTarget).get("name");
          makeDirectory(sessionId, `${path}/${typeof name === "string" ? name : ""}`)
            .then(() => {
              modals.close(modalId);
              onDone();
            })
            .catch((error: unknown) => failed("The directory was not made", error));
        }}
      >
        <TextInput name="name" label={`Name, in ${path}`} required maxLength={255} data-autofocus />
        <Group justify="flex-end" mt="md">
          <Button type="submit">Make it</Button>
        </Group>
      </form>
    ),
  });
}
