import { ArtifactList } from "../../artifacts/ArtifactList";
import type { TabProps } from "../tabs";

export function DownloadsTab({ session }: TabProps) {
  return <ArtifactList of={{ sessionId: session.id }} />;
}
