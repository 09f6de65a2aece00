import { ActionIcon, Menu } from "@mantine/core";
import { IconDotsVertical, IconHourglassHigh, IconMoon, IconPlayerStop, IconSun, IconZzz } from "@tabler/icons-react";

import { useOffers } from "../../api/offers";
import { shortId } from "../../ui/formats";
import { useEnding } from "./ending";
import { askHowLong } from "./extending";
import { hasEnded, isResting, useSessionAct, type Session } from "./queries";

/** What can be done with a session, in its row and in its header. */
export function SessionMenu({ session }: { session: Session }) {
  const offers = useOffers();
  const { extend, rest } = useSessionAct();
  const ending = useEnding();
  if (hasEnded(session)) return null;
  const canSleep = session.status === "ready" && offers.has("POST /v1/sessions/{session_id}/sleep");
  const canHibernate =
    (session.status === "ready" || session.status === "sleeping") &&
    !session.private &&
    !session.machine &&
    offers.has("POST /v1/sessions/{session_id}/hibernate");
  const canWake = isResting(session) && offers.has("POST /v1/sessions/{session_id}/wake");
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Actions for session ${shortId(session.id)}`}>
          <IconDotsVertical size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<IconHourglassHigh size={16} aria-hidden />}
          onClick={() => askHowLong(session, extend.mutateAsync)}
        >
          Extend…
        </Menu.Item>
        {canSleep && (
          <Menu.Item
            leftSection={<IconMoon size={16} aria-hidden />}
            onClick={() => rest.mutate({ id: session.id, verb: "sleep" })}
          >
            Put to sleep
          </Menu.Item>
        )}
        {canHibernate && (
          <Menu.Item
            leftSection={<IconZzz size={16} aria-hidden />}
            onClick={() => rest.mutate({ id: session.id, verb: "hibernate" })}
          >
            Hibernate
          </Menu.Item>
        )}
        {canWake && (
          <Menu.Item
            leftSection={<IconSun size={16} aria-hidden />}
            onClick={() => rest.mutate({ id: session.id, verb: "wake" })}
          >
            Wake
          </Menu.Item>
        )}
        <Menu.Item
          color="red"
          leftSection={<IconPlayerStop size={16} aria-hidden />}
          onClick={() => ending.ask([session])}
        >
          End…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
