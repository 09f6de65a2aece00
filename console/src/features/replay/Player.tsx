import { Button, Card, Group, Progress, Text, Title, UnstyledButton } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";

import type { Mark, Recording } from "../../api/live";
import { saveAs } from "../../api/transfers";
import { bytes } from "../../ui/formats";
import { Problem } from "../../ui/Problem";
import { markAt, timecode } from "./marks";
import classes from "./Player.module.css";
import { useObjectUrl, useVideo } from "./queries";

/** The video, and beside it what was done: choosing something shows the moment it was done at. */
export function Player({ recording, artifactId }: { recording: Recording; artifactId: string }) {
  const { marks } = recording;
  const file = useVideo(artifactId, recording.format);
  const url = useObjectUrl(file.data);
  const video = useRef<HTMLVideoElement>(null);
  const [current, setCurrent] = useState(-1);
  const [isBroken, setBroken] = useState(false);

  const look = () => setCurrent(markAt(marks, video.current?.currentTime ?? 0));
  const show = (mark: Mark) => {
    if (video.current) video.current.currentTime = mark.at_s;
  };

  return (
    <div className={classes.layout}>
      <div>
        <div className={classes.screen}>
          {file.isError && (
            <Problem error={file.error} what="The video could not be fetched" onRetry={() => void file.refetch()} />
          )}
          {file.isPending && <Fetching done={file.done} size={recording.bytes} />}
          {url && (
            // Recordings have no sound.
            <video
              ref={video}
              src={url}
              className={classes.video}
              controls
              muted
              playsInline
              aria-label={`Recording ${recording.id}`}
              onTimeUpdate={look}
              onSeeked={look}
              onLoadedMetadata={look}
              onError={() => setBroken(true)}
            />
          )}
        </div>
        {isBroken && (
          <Text size="sm" c="red" mt="xs" role="alert">
            This browser cannot play {recording.format}. Download the file and open it in a player.
          </Text>
        )}
        <Group justify="flex-end" mt="xs">
          <Button
            variant="default"
            size="xs"
            leftSection={<IconDownload size={14} aria-hidden />}
            disabled={!file.data}
            onClick={() => file.data && saveAs(file.data, `${recording.id}.${recording.format}`)}
          >
            Download
          </Button>
        </Group>
      </div>
      <Card withBorder padding="sm" component="section" aria-labelledby="marks">
        <Title order={2} size="h6" id="marks" mb="xs">
          What was done
        </Title>
        {marks.length === 0 ? (
          <Text size="sm" c="dimmed">
            Nothing through the API while it was recorded, and nobody took control.
          </Text>
        ) : (
          <Marks marks={marks} current={current} isThere={url !== null} onChoose={show} />
        )}
      </Card>
    </div>
  );
}

interface MarksProps {
  marks: Mark[];
  current: number;
  isThere: boolean;
  onChoose: (mark: Mark) => void;
}

function Marks({ marks, current, isThere, onChoose }: MarksProps) {
  const list = useRef<HTMLOListElement>(null);
  // The list scrolls along, but never the page.
  useEffect(() => {
    const [box, item] = [list.current, list.current?.children[current]];
    if (!box || !(item instanceof HTMLElement)) return;
    const top = item.offsetTop - box.offsetTop;
    if (top < box.scrollTop || top + item.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = top;
  }, [current]);
  return (
    <ol ref={list} className={classes.marks}>
      {marks.map((mark, index) => (
        <li key={index}>
          <UnstyledButton
            className={classes.mark}
            aria-current={index === current ? "step" : undefined}
            disabled={!isThere}
            onClick={() => onChoose(mark)}
          >
            <Text span size="xs" ff="monospace" c="dimmed" className={classes.time}>
              {timecode(mark.at_s)}
            </Text>
            <Text span size="sm" className={classes.title}>
              {mark.title}
            </Text>
          </UnstyledButton>
        </li>
      ))}
    </ol>
  );
}

function Fetching({ done, size }: { done: { bytes: number; whole: number | null }; size: number }) {
  const whole = done.whole ?? size;
  const share = whole > 0 ? Math.min(100, (done.bytes / whole) * 100) : 0;
  return (
    <div className={classes.fetching} role="status" aria-live="off">
      <Text size="sm" mb="xs">
        Fetching the video: {bytes(done.bytes)} of {bytes(whole)}
      </Text>
      <Progress value={share} aria-label="Fetching the video" />
    </div>
  );
}
