import {
  Button,
  ColorInput,
  FileInput,
  Group,
  Modal,
  PasswordInput,
  Progress,
  Stack,
  Switch,
  TextInput,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { roots } from "../../api/queries";
import { done } from "../../ui/notices";
import { Problem } from "../../ui/Problem";
import { exportProfile, importProfile, useProfileActs, type Profile } from "./queries";

export type Doing = { what: "create" | "import" } | { what: "change" | "fork" | "export"; profile: Profile };

interface Values {
  name: string;
  theme_color: string;
  persistence: boolean;
  private: boolean;
  passphrase: string;
  file: File | null;
}

const WORDS = {
  create: { title: "New profile", act: "Make it" },
  import: { title: "Import a profile", act: "Import" },
  change: { title: "Rename the profile", act: "Save" },
  fork: { title: "Copy the profile", act: "Copy" },
  export: { title: "Export the profile", act: "Export" },
};

/** Everything about a profile that takes more than a yes. */
export function ProfileDialog({ doing, onClose }: { doing: Doing | null; onClose: () => void }) {
  return (
    <Modal opened={doing !== null} onClose={onClose} title={doing && WORDS[doing.what].title}>
      {doing && <ProfileForm doing={doing} onClose={onClose} />}
    </Modal>
  );
}

function ProfileForm({ doing, onClose }: { doing: Doing; onClose: () => void }) {
  const acts = useProfileActs();
  const client = useQueryClient();
  const [share, setShare] = useState<number | null>(null);
  const profile = "profile" in doing ? doing.profile : null;
  const asksName = doing.what !== "export";
  const asksPassphrase = doing.what === "export" || doing.what === "import";
  const form = useForm<Values>({
    initialValues: {
      name: doing.what === "fork" ? `${profile?.name ?? ""} copy` : (profile?.name ?? ""),
      theme_color: profile?.theme_color ?? "",
      persistence: true,
      private: false,
      passphrase: "",
      file: null,
    },
    validate: {
      passphrase: (value) => (asksPassphrase && value.length < 12 ? "At least 12 characters." : null),
      file: (value) => (doing.what === "import" && value === null ? "Choose a file." : null),
    },
  });
  const acting = useMutation({
    mutationFn: async (values: Values) => {
      const { name, theme_color, persistence, private: isPrivate, passphrase, file } = values;
      if (doing.what === "create")
        await acts.create.mutateAsync({ name, theme_color, persistence, private: isPrivate });
      else if (doing.what === "change") await acts.change.mutateAsync({ profile: doing.profile, name, theme_color });
      else if (doing.what === "fork") await acts.fork.mutateAsync({ profile: doing.profile, name });
      else if (doing.what === "export") await exportProfile(doing.profile, passphrase);
      else if (file) {
        await importProfile(file, name, passphrase, (sent, whole) => setShare(whole ? (sent / whole) * 100 : null));
      }
    },
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: roots.profiles });
      done(doing.what === "export" ? "The profile was exported." : "Done.");
      onClose();
    },
    onSettled: () => setShare(null),
  });
  return (
    <form onSubmit={form.onSubmit((values) => acting.mutate(values))}>
      <Stack>
        {doing.what === "import" && (
          <FileInput label="File" description="As Export wrote it." required {...form.getInputProps("file")} />
        )}
        {asksName && <TextInput label="Name" required maxLength={96} data-autofocus {...form.getInputProps("name")} />}
        {(doing.what === "create" || doing.what === "change") && (
          <ColorInput label="Colour" placeholder="None" format="hex" {...form.getInputProps("theme_color")} />
        )}
        {doing.what === "create" && (
          <>
            <Switch label="Sessions may save to it" {...form.getInputProps("persistence", { type: "checkbox" })} />
            <Switch
              label="Private"
              description="It is always empty: nothing can be saved to it."
              {...form.getInputProps("private", { type: "checkbox" })}
            />
          </>
        )}
        {asksPassphrase && (
          <PasswordInput
            label="Passphrase"
            description={
              doing.what === "export"
                ? "Seals the file, which holds every cookie of the profile. Nobody can open it without."
                : "The one the file was sealed with."
            }
            required
            minLength={12}
            maxLength={1024}
            autoComplete="new-password"
            {...form.getInputProps("passphrase")}
          />
        )}
        {share !== null && <Progress value={share} aria-label="Uploading" />}
        {acting.isError && <Problem error={acting.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={acting.isPending}>
            {WORDS[doing.what].act}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
