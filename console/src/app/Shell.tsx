import {
  ActionIcon,
  AppShell,
  Burger,
  Container,
  Group,
  Menu,
  NavLink,
  Text,
  Title,
  Tooltip,
  UnstyledButton,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconKeyboard, IconLogout, IconUser } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { Link, Outlet, useLocation, useNavigate } from "react-router";

import { signOut, useMe } from "../api/credentials";
import { useIsStreaming } from "../api/serverEvents";
import { ColorSchemeMenu } from "./ColorSchemeMenu";
import { PLACES } from "./navigation";
import { useShortcuts } from "./shortcuts";
import { ShortcutsHelp } from "./ShortcutsHelp";

/** What is around every page: where one can go, and who one is. */
export function Shell() {
  const [isOpen, menu] = useDisclosure();
  const [isHelping, help] = useDisclosure();
  const me = useMe();
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const places = PLACES.filter((place) => me.isAdmin || !place.onlyAdmins);
  const main = useRef<HTMLDivElement>(null);
  const shown = useRef(pathname);

  useShortcuts({
    "?": help.open,
    n: () => void navigate("/app/sessions?new"),
    ...Object.fromEntries(places.map(({ letter, path }) => [`g ${letter}`, () => void navigate(path)])),
  });

  // Another page: a screen reader begins at it, and on a phone the menu is out of the way.
  const page = pathname.split("/").slice(0, 4).join("/");
  useEffect(() => {
    if (shown.current === page) return;
    shown.current = page;
    menu.close();
    main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [page, menu]);

  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 200, breakpoint: "sm", collapsed: { mobile: !isOpen } }}
      padding={{ base: "sm", sm: "lg" }}
    >
      <a className="skip-link" href="#main" onClick={() => main.current?.focus()}>
        Skip to the content
      </a>
      <AppShell.Header>
        <Group h="100%" px="sm" justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap">
            <Burger
              opened={isOpen}
              onClick={menu.toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={isOpen ? "Close the menu" : "Open the menu"}
            />
            <UnstyledButton component={Link} to="/app/sessions" aria-label="Cloche, to the sessions">
              <Group gap={8} wrap="nowrap">
                <img src="/assets/cloche.svg" alt="" width={26} height={26} />
                <Title order={2} size="h4" component="span">
                  Cloche
                </Title>
              </Group>
            </UnstyledButton>
          </Group>
          <Group gap={4} wrap="nowrap">
            <Tooltip label="Keyboard shortcuts">
              <ActionIcon
                variant="subtle"
                color="gray"
                size="lg"
                onClick={help.open}
                aria-label="Keyboard shortcuts"
                visibleFrom="xs"
              >
                <IconKeyboard size={20} stroke={1.6} />
              </ActionIcon>
            </Tooltip>
            <ColorSchemeMenu />
            <WhoMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" component="nav" aria-label="Main">
        {places.map(({ path, label, icon: Picture }) => {
          const isHere = pathname === path || pathname.startsWith(`${path}/`);
          return (
            <NavLink
              key={path}
              component={Link}
              to={path}
              label={label}
              leftSection={<Picture size={18} stroke={1.6} aria-hidden />}
              active={isHere}
              aria-current={isHere ? "page" : undefined}
              style={{ borderRadius: "var(--mantine-radius-sm)" }}
            />
          );
        })}
        <Liveness />
      </AppShell.Navbar>
      <AppShell.Main id="main" ref={main} tabIndex={-1} style={{ outline: "none" }}>
        <Container size={1600} p={0}>
          <Outlet />
        </Container>
      </AppShell.Main>
      <ShortcutsHelp opened={isHelping} onClose={help.close} />
    </AppShell>
  );
}

function WhoMenu() {
  const me = useMe();
  const name = me.principal || (me.isAdmin ? "An admin" : "A user");
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Signed in as ${name}`}>
          <IconUser size={20} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {name}
          {me.principal && (me.isAdmin ? " · admin" : " · user")}
        </Menu.Label>
        <Menu.Item component="a" href="/docs" target="_blank" rel="noreferrer">
          The API, explained
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={signOut}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** Whether lists show changes as they happen. */
function Liveness() {
  const isStreaming = useIsStreaming();
  return (
    <Tooltip label={isStreaming ? "Changes show as they happen" : "Lists are read again every few seconds"}>
      <Text size="xs" c="dimmed" mt="auto" px="xs" py={4} role="status">
        {isStreaming ? "● Live" : "○ Every 5 s"}
      </Text>
    </Tooltip>
  );
}
