import { PageHeader } from "../../ui/PageHeader";

export function ProfilesPage() {
  return <PageHeader title="Profiles" />;
}
