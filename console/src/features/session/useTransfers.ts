import { useEffect, useRef, useState } from "react";

import { search } from "../../api/client";
import { fetchFile, saveAs, sendFile, type Progress } from "../../api/transfers";
import { failed } from "../../ui/notices";
import { filePath, named, type FileEntry } from "./machine";

interface Transfer {
  id: number;
  name: string;
  verb: "Uploading" | "Downloading";
  /** In percent; null where nobody knows how much it is. */
  share: number | null;
}

/** Files on their way into and out of a session. Leaving the page breaks them off. */
export function useTransfers(sessionId: string, onUploaded: () => void) {
  const [under, setUnder] = useState<Transfer[]>([]);
  const stop = useRef(new AbortController());
  const next = useRef(0);
  useEffect(() => {
    const here = new AbortController();
    stop.current = here;
    return () => here.abort();
  }, []);

  const run = async (name: string, verb: Transfer["verb"], work: (onProgress: Progress) => Promise<void>) => {
    const id = next.current++;
    setUnder((before) => [...before, { id, name, verb, share: null }]);
    const onProgress: Progress = (done, whole) =>
      setUnder((before) => before.map((each) => (each.id === id ? { ...each, share: shareOf(done, whole) } : each)));
    try {
      await work(onProgress);
    } catch (error) {
      if (!stop.current.signal.aborted) failed(`${verb} ${name} did not work`, error);
    }
    setUnder((before) => before.filter((each) => each.id !== id));
  };

  const upload = (path: string, file: File) =>
    run(file.name, "Uploading", async (onProgress) => {
      const url = filePath(sessionId, "write_file") + search({ path });
      await sendFile("PUT", url, file, onProgress, stop.current.signal);
      onUploaded();
    });

  const download = (entry: FileEntry) =>
    run(entry.name, "Downloading", async (onProgress) => {
      const verb = entry.is_dir ? "download_dir_zip" : "read_file";
      const blob = await fetchFile(filePath(sessionId, verb), named(entry), onProgress, stop.current.signal);
      saveAs(blob, entry.is_dir ? `${entry.name}.zip` : entry.name);
    });

  return { under, upload, download };
}

const shareOf = (done: number, whole: number | null) => (whole === null || whole === 0 ? null : (done / whole) * 100);
