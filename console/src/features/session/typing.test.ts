import { expect, it } from "vitest";

import { Typing } from "./typing";

const bytes = (text: string) => new TextEncoder().encode(text);

it("sends in order, one at a time, and together what came meanwhile", async () => {
  const sent: string[] = [];
  const answers: (() => void)[] = [];
  const typing = new Typing(
    (data) => {
      sent.push(new TextDecoder().decode(data));
      return new Promise((resolve) => answers.push(resolve));
    },
    () => undefined,
  );
  for (const key of "abc") typing.push(bytes(key));
  expect(sent).toEqual(["a"]);
  answers.shift()?.();
  await Promise.resolve();
  await Promise.resolve();
  expect(sent).toEqual(["a", "bc"]);
});

it("sends a long paste in pieces that a request can carry", async () => {
  const sizes: number[] = [];
  const typing = new Typing(
    (data) => {
      sizes.push(data.length);
      return Promise.resolve();
    },
    () => undefined,
  );
  typing.push(new Uint8Array(600 << 10));
  await new Promise((resolve) => setTimeout(resolve));
  expect(sizes).toEqual([256 << 10, 256 << 10, 88 << 10]);
});

it("tells of a failure and goes on with what is typed after it", async () => {
  const failures: unknown[] = [];
  let isBroken = true;
  const sent: number[] = [];
  const typing = new Typing(
    (data) => {
      if (isBroken) return Promise.reject(new Error("gone"));
      sent.push(data.length);
      return Promise.resolve();
    },
    (error) => failures.push(error),
  );
  typing.push(bytes("a"));
  await new Promise((resolve) => setTimeout(resolve));
  isBroken = false;
  typing.push(bytes("bc"));
  await new Promise((resolve) => setTimeout(resolve));
  expect(failures).toHaveLength(1);
  expect(sent).toEqual([2]);
});
