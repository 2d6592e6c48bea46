import { afterEach, describe, expect, it } from "vitest";
import { WorkerLane } from "../../../src/models/worker-lane.js";
import { WorkerThread } from "../../../src/models/worker-thread.js";

const entry = new URL("../../fixtures/fragile-worker.ts", import.meta.url);

class NoRoom extends Error {}

let lane: WorkerLane | undefined;
afterEach(() => lane?.close(new Error("closed")));

/** A lane of threads that can be started at the first places only. */
function open(size: number, { room }: { room: () => number }) {
  const sizes: number[] = [];
  let started = 0;
  lane = new WorkerLane({
    size,
    start: async (place) => {
      // As slow as a model that is loaded.
      const thread = new WorkerThread(entry, undefined, "fragile");
      await thread.request({ kind: "echo", value: place });
      if (place < room()) {
        started += 1;
        return thread;
      }
      await thread.close();
      throw new NoRoom(`no room for ${place}`);
    },
    goesOnWithout: (error) => error instanceof NoRoom,
    onSmaller: (left) => sizes.push(left),
  });
  const echo = (value: number) => lane!.run<number>({ kind: "echo", value }, []);
  return { lane, echo, sizes, started: () => started };
}

describe("a lane of worker threads", () => {
  it("gives up the places whose threads cannot be started, and answers every request with the others", async () => {
    const { echo, sizes } = open(3, { room: () => 1 });
    expect(await echo(0)).toBe(0);
    const values = Array.from({ length: 20 }, (_, i) => i);
    expect(await Promise.all(values.map(echo))).toEqual(values);
    expect(sizes).toEqual([2, 1]);
  });

  it("is warm when the threads are that it can have", async () => {
    const { lane, echo, sizes, started } = open(2, { room: () => 1 });
    await echo(0);
    await lane.warmUp();
    expect(sizes).toEqual([1]);
    expect(started()).toBe(1);
  });

  it("never gives up its last place: the requests are told why, and later ones try again", async () => {
    let room = 0;
    const { echo, sizes } = open(1, { room: () => room });
    await expect(echo(1)).rejects.toThrow("no room for 0");
    room = 1;
    expect(await echo(2)).toBe(2);
    expect(sizes).toEqual([]);
  });

  it("starts a thread again that was lost", async () => {
    const { lane, echo, sizes, started } = open(1, { room: () => 1 });
    await expect(lane.run({ kind: "break" }, [])).rejects.toMatchObject({ name: "WorkerLostError" });
    expect(await echo(1)).toBe(1);
    expect(started()).toBe(2);
    expect(sizes).toEqual([]);
  });
});
