import { afterEach, describe, expect, it } from "vitest";
import { WorkerThread } from "../../../src/models/worker-thread.js";

const entry = new URL("../../fixtures/fragile-worker.ts", import.meta.url);
const threads: WorkerThread[] = [];

function start(): WorkerThread {
  const thread = new WorkerThread(entry, undefined, "fragile");
  threads.push(thread);
  return thread;
}

afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.close()));
});

describe("a worker thread", () => {
  it("answers requests", async () => {
    await expect(start().request({ kind: "echo", value: [1, "two"] })).resolves.toEqual([1, "two"]);
  });

  it("works on one request after the other, in order, even when later ones are quicker", async () => {
    const thread = start();
    const answers = [1, 2, 3].map((number) => thread.request<number[]>({ kind: "slow", number }));
    await expect(answers[2]).resolves.toEqual([1, 2, 3]);
  });

  it("takes over the buffers that are transferred", async () => {
    const value = new Float32Array([1, 2, 3]);
    await expect(start().request({ kind: "echo", value }, [value.buffer])).resolves.toEqual(new Float32Array([1, 2, 3]));
    expect(value.length).toBe(0);
  });

  it("passes on the error of a request and goes on with the next", async () => {
    const thread = start();
    const refused = thread.request({ kind: "refuse" });
    await expect(refused).rejects.toMatchObject({ name: "WorkerRequestError", message: "I would rather not" });
    await expect(thread.request({ kind: "echo", value: 4 })).resolves.toBe(4);
  });

  it.each([
    ["exits", { kind: "exit" }, /exit code 3/],
    ["is broken", { kind: "break" }, /nothing works any more/],
    ["crashes", { kind: "crash" }, /out of control/],
  ])("rejects all that is pending when it %s, and refuses what comes later", async (_, request, message) => {
    const thread = start();
    let lost = false;
    thread.whenLost(() => (lost = true));
    const pending = [thread.request(request), thread.request({ kind: "echo", value: 1 })];
    for (const answer of pending) await expect(answer).rejects.toMatchObject({ name: "WorkerLostError" });
    await expect(thread.request({ kind: "echo", value: 2 })).rejects.toThrow(message);
    expect(lost).toBe(true);
  });

  it("rejects a request that cannot be sent, and stays usable", async () => {
    const thread = start();
    await expect(thread.request({ kind: "echo", value: () => 1 })).rejects.toThrow(/could not be cloned/);
    await expect(thread.request({ kind: "echo", value: 5 })).resolves.toBe(5);
  });

  it("rejects what is pending when it is closed", async () => {
    const thread = start();
    const answer = expect(thread.request({ kind: "echo", value: 1 })).rejects.toThrow("was closed");
    await thread.close();
    await answer;
  });
});
