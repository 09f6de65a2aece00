/** Chapters of a recording: where one is. Pure. */
import type { Mark } from "../../api/live";

/** A seek may end a frame before the mark it was for. */
const SLACK_S = 0.1;

/** The number of the mark that holds at a time, the last one before it; -1 before the first. */
export function markAt(marks: readonly Mark[], seconds: number): number {
  return marks.findLastIndex((mark) => mark.at_s <= seconds + SLACK_S);
}

/** `0:07`, `12:30`, `1:02:03`. */
export function timecode(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
