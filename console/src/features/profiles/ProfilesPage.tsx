import { ActionIcon, Anchor, Badge, Button, ColorSwatch, Group, Menu, Stack, Text } from "@mantine/core";
import { IconDotsVertical, IconFileImport, IconPlus, IconUserCircle } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "react-router";

import { confirm } from "../../ui/confirm";
import { DataTable, type Column } from "../../ui/DataTable";
import { EmptyState } from "../../ui/EmptyState";
import { bytes, shortId } from "../../ui/formats";
import { Loading } from "../../ui/Loading";
import { LoadMore } from "../../ui/LoadMore";
import { done, failed } from "../../ui/notices";
import { PageHeader } from "../../ui/PageHeader";
import { Problem } from "../../ui/Problem";
import { RelativeTime } from "../../ui/Time";
import { ProfileDialog, type Doing } from "./ProfileDialog";
import { useProfileActs, useProfiles, type Profile } from "./queries";

/** What sessions start from and save back to. */
export function ProfilesPage() {
  const list = useProfiles();
  const [doing, setDoing] = useState<Doing | null>(null);
  const profiles = list.data?.pages.flatMap((page) => page.profiles) ?? [];
  const create = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setDoing({ what: "create" })}>
      New profile
    </Button>
  );
  return (
    <>
      <PageHeader title="Profiles" about="Cookies, storage and settings of a browser, encrypted at rest.">
        {list.isSuccess && (
          <>
            <Button
              variant="default"
              leftSection={<IconFileImport size={16} aria-hidden />}
              onClick={() => setDoing({ what: "import" })}
            >
              Import
            </Button>
            {create}
          </>
        )}
      </PageHeader>
      {list.isPending && <Loading what="profiles" />}
      {list.isError && (
        <Problem error={list.error} what="The profiles could not be read" onRetry={() => void list.refetch()} />
      )}
      {list.isSuccess && profiles.length === 0 && (
        <EmptyState icon={IconUserCircle} title="No profiles yet" action={create}>
          A session that starts from a profile is signed in where the one before it was, and can save what it did.
        </EmptyState>
      )}
      {profiles.length > 0 && (
        <DataTable
          label="Profiles"
          columns={columnsWith(setDoing)}
          rows={profiles}
          keyOf={(profile) => profile.id}
          minWidth={820}
        />
      )}
      <LoadMore of={list} />
      <ProfileDialog doing={doing} onClose={() => setDoing(null)} />
    </>
  );
}

function columnsWith(onDo: (doing: Doing) => void): Column<Profile>[] {
  return [
    {
      name: "Profile",
      cell: (profile) => (
        <Group gap="xs" wrap="nowrap">
          <ColorSwatch color={profile.theme_color || "var(--mantine-color-gray-5)"} size={16} aria-hidden />
          <Stack gap={0}>
            <Text size="sm" fw={500}>
              {profile.name}
            </Text>
            <Text size="xs" c="dimmed" ff="monospace">
              {shortId(profile.id)}
            </Text>
          </Stack>
          {profile.active && (
            <Badge size="sm" color="teal" variant="light">
              active
            </Badge>
          )}
          {profile.private && (
            <Badge size="sm" variant="default">
              private
            </Badge>
          )}
        </Group>
      ),
    },
    { name: "Owner", cell: (profile) => profile.owner },
    {
      name: "Holds",
      cell: (profile) =>
        profile.revision === 0 ? (
          <Text size="sm" c="dimmed">
            nothing yet
          </Text>
        ) : (
          `${bytes(profile.size_bytes)}, revision ${profile.revision}, ${profile.engine}`
        ),
    },
    { name: "Changed", cell: (profile) => <RelativeTime at={profile.updated_at} /> },
    { name: "Used", cell: (profile) => <RelativeTime at={profile.last_used_at} /> },
    {
      name: "Used by",
      cell: (profile) =>
        profile.used_by.map((id) => (
          <Anchor key={id} component={Link} to={`/app/sessions/${id}`} size="sm" ff="monospace" display="block">
            {shortId(id)}
            {profile.written_by === id && " (saves)"}
          </Anchor>
        )),
    },
    { name: "Actions", isQuiet: true, width: 50, cell: (profile) => <Actions profile={profile} onDo={onDo} /> },
  ];
}

function Actions({ profile, onDo }: { profile: Profile; onDo: (doing: Doing) => void }) {
  const { activate, remove } = useProfileActs();
  const askDelete = () => {
    const isUsed = profile.used_by.length > 0;
    confirm({
      title: `Delete ${profile.name}?`,
      body: `Its key is forgotten first, so nothing of it can be read again.${
        isUsed ? " Sessions that use it go on, and save nothing." : ""
      }`,
      act: isUsed ? "Delete all the same" : "Delete",
      onConfirm: () =>
        remove.mutate(
          { profile, force: isUsed },
          {
            onSuccess: () => done(`${profile.name} was deleted.`),
            onError: (error) => failed(`${profile.name} was not deleted`, error),
          },
        ),
    });
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${profile.name}`}>
          <IconDotsVertical size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {!profile.active && (
          <Menu.Item
            onClick={() =>
              activate.mutate(profile, { onError: (error) => failed(`${profile.name} was not made active`, error) })
            }
          >
            Make it the active one
          </Menu.Item>
        )}
        <Menu.Item onClick={() => onDo({ what: "change", profile })}>Rename…</Menu.Item>
        {profile.revision > 0 && (
          <>
            <Menu.Item onClick={() => onDo({ what: "fork", profile })}>Copy…</Menu.Item>
            <Menu.Item onClick={() => onDo({ what: "export", profile })}>Export…</Menu.Item>
          </>
        )}
        <Menu.Item color="red" onClick={askDelete}>
          Delete…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
