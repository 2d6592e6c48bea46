import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ReindexRecord } from "../../../src/catalog/index.js";
import type { Logger } from "../../../src/config/index.js";
import { CatalogDisconnectedError } from "../../../src/errors.js";
import { reindexRounds } from "../../../src/ingest/reindex-rounds.js";
import type { Rounds } from "../../../src/timing/index.js";
import { recordedLog, type RecordedLog } from "../../fixtures/recorded-log.js";

const POLL_SECONDS = 2;

let log: RecordedLog;
let looks: number;
/** What a look finds. */
let find: () => Promise<ReindexRecord | null>;
let rounds: Rounds;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  log = recordedLog();
  looks = 0;
  const look = () => {
    looks += 1;
    return find();
  };
  rounds = reindexRounds(look, POLL_SECONDS, log as unknown as Logger);
});
afterEach(async () => {
  vi.useRealTimers();
  await rounds.stop();
});

/** Looks in a minute that begins with one. */
async function looksInAMinute(): Promise<number> {
  rounds.start();
  await vi.advanceTimersByTimeAsync(60_000);
  return looks;
}

const inState = (state: ReindexRecord["state"]) => () => Promise.resolve({ state } as ReindexRecord);

describe("the looks for a re-index", () => {
  it("come every few seconds while there is none, or one that goes on", async () => {
    find = () => Promise.resolve(null);
    expect(await looksInAMinute()).toBeGreaterThanOrEqual(30);
    find = inState("RUNNING");
    looks = 0;
    expect(await looksInAMinute()).toBeGreaterThanOrEqual(29);
  });

  it("are few when it has done what it can, but one comes at once when a job has ended", async () => {
    find = inState("READY");
    expect(await looksInAMinute()).toBeLessThanOrEqual(3);
    looks = 0;
    rounds.wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(looks).toBe(1);
  });

  it("become fewer while the database is away, and tell of it once", async () => {
    let away = true;
    find = () =>
      away ? Promise.reject(new CatalogDisconnectedError("The database does not answer.")) : Promise.resolve(null);
    expect(await looksInAMinute()).toBeLessThan(8);
    away = false;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(log.lines.map(({ level }) => level)).toEqual(["warn", "info"]);
  });
});
