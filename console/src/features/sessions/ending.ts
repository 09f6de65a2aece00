import { confirm } from "../../ui/confirm";
import { shortId } from "../../ui/formats";
import { done, failed } from "../../ui/notices";
import { useSessionAct, type Session } from "./queries";

/** End sessions, once somebody has said yes to it. */
export function useEnding() {
  const { end } = useSessionAct();
  const isSaving = (session: Session) => session.profile?.save === true;
  return {
    isPending: end.isPending,
    ask(sessions: Session[]) {
      const [first] = sessions;
      if (!first) return;
      const name = sessions.length === 1 ? `session ${shortId(first.id)}` : `${sessions.length} sessions`;
      const kept = sessions.some(isSaving) ? " Profiles that are to be saved are saved first." : "";
      confirm({
        title: `End ${name}?`,
        body: `The browser is closed, and whoever drives or watches it is cut off.${kept} This cannot be undone.`,
        act: "End",
        onConfirm: () => {
          for (const session of sessions) {
            end.mutate(session.id, {
              onSuccess: () => done(`Session ${shortId(session.id)} has ended.`),
              onError: (error) => failed("The session could not be ended", error),
            });
          }
        },
      });
    },
  };
}
