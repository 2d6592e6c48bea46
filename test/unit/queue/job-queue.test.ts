import { AsyncLocalStorage } from "node:async_hooks";
import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from "vitest";
import type { IngestJobRecord, IngestStage } from "../../../src/catalog/index.js";
import type { Logger } from "../../../src/config/index.js";
import {
  CatalogBusyError,
  JobCrashedError,
  JobInternalError,
  MediaDecodeTimeoutError,
  PackNotFoundError,
  VectorIndexUnavailableError,
} from "../../../src/errors.js";
import { createWorkerIdentity, JobQueue, type QueueOptions, type QueueParts } from "../../../src/queue/index.js";
import { addJob, addVideo, openTestCatalog, type TestCatalog } from "../../fixtures/catalog.js";
import { recordedLog, type RecordedLog } from "../../fixtures/recorded-log.js";

type Queue = JobQueue<IngestJobRecord, IngestStage>;
type Work = QueueParts<IngestJobRecord, IngestStage>["work"];

let test: TestCatalog;
let queues: Queue[];
let log: RecordedLog;
/** Each change of a job: its state, or what it was doing. */
let updates: string[];
beforeEach(async () => {
  test = await openTestCatalog();
  queues = [];
  updates = [];
  log = recordedLog();
});
afterEach(async () => {
  for (const queue of queues) await queue.stop();
  await test.end();
});

/** Waits for a value, however busy the machine is. */
const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 60_000 });

const quick: QueueOptions = {
  concurrency: 1,
  leaseSeconds: 60,
  pollSeconds: 0.02,
  retryDelaySeconds: 0.01,
  maxRetryDelaySeconds: 0.01,
};

/** Does what the commit of an ingest does to the job's row. */
const complete: Work = async ({ id }, workerId) => {
  await test.catalog.transaction((tx) => test.catalog.jobs.complete(tx, id, workerId));
};

/** Work that goes on until it is ended. */
const hold: Work = (_job, _worker, _report, signal) =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => {
      reject(signal.reason as Error);
    });
  });

function startQueue(
  work: Work,
  options: Partial<QueueOptions> = {},
  parts: Partial<QueueParts<IngestJobRecord, IngestStage>> = {},
): Queue {
  const { jobs } = test.catalog;
  const logger = { ...log, child: () => log } as unknown as Logger;
  const queue: Queue = new JobQueue<IngestJobRecord, IngestStage>({
    name: "job",
    rows: jobs,
    options: { ...quick, ...options },
    logger,
    worker: createWorkerIdentity(),
    work,
    giveUp: ({ id }, workerId, failure) => test.catalog.transaction((tx) => jobs.fail(tx, id, workerId, failure)),
    crashed: () => new JobCrashedError("crashed"),
    unforeseen: (cause) => new JobInternalError("unforeseen", { cause }),
    onUpdate: (_, { state, stage }) => updates.push(state ?? stage ?? ""),
    ...parts,
  });
  queues.push(queue);
  queue.start();
  return queue;
}

async function addJobs(count: number): Promise<IngestJobRecord[]> {
  const jobs = [];
  for (let i = 0; i < count; i++) jobs.push(await addJob(test.catalog, await addVideo(test.catalog)));
  return jobs;
}

const find = async (job: IngestJobRecord | undefined) => (await test.catalog.jobs.find("a", job!.id))!;
const ended = (job: IngestJobRecord | undefined) => eventually(async () => (await find(job)).finishedAt).not.toBeNull();
const logged = (text: string) => log.lines.filter(({ message }) => message.startsWith(text));

describe("a queue whose vector engine is away", () => {
  it("pauses, asks whether it is back, goes on by itself, and costs no job an attempt", async () => {
    let away = true;
    const unavailable = new VectorIndexUnavailableError("The engine does not answer.");
    const [first, second] = await addJobs(2);
    let checks = 0;
    const check = () => {
      checks += 1;
      return away ? Promise.reject(unavailable) : Promise.resolve();
    };
    const work: Work = (...job) => (away ? Promise.reject(unavailable) : complete(...job));
    const queue = startQueue(work, { concurrency: 2 }, { check });
    await eventually(() => queue.status().paused).toEqual({ code: unavailable.code, message: unavailable.message });
    await eventually(() => checks).toBeGreaterThan(0);
    await eventually(async () => (await find(first)).state).toBe("PENDING");
    away = false;
    await ended(first);
    await ended(second);
    for (const job of [first, second]) expect(await find(job)).toMatchObject({ state: "COMPLETED", attempts: 1 });
    expect(queue.status().paused).toBeNull();
    expect(logged("the queue pauses")).toHaveLength(1);
    expect(logged("the queue goes on")).toHaveLength(1);
  });

  it("goes on when it is back though there is nothing to do", async () => {
    const [job] = await addJobs(1);
    const work: Work = () => Promise.reject(new VectorIndexUnavailableError("away"));
    const queue = startQueue(work);
    await eventually(() => queue.status().paused).not.toBeNull();
    await test.catalog.transaction((tx) => test.catalog.jobs.cancel(tx, "a", job!.id));
    await eventually(() => queue.status().paused).toBeNull();
  });

  it("knows further outages by name, and takes all else for the job's fault", async () => {
    const [first, second] = await addJobs(2);
    const away: Work = () => Promise.reject(new PackNotFoundError("no pack"));
    const queue = startQueue(away, {}, { outages: [PackNotFoundError] });
    await eventually(() => queue.status().paused?.code).toBe("PACK_NOT_FOUND");
    await queue.stop();
    startQueue(away);
    for (const job of [first, second]) {
      await ended(job);
      expect(await find(job)).toMatchObject({ state: "FAILED", errorCode: "PACK_NOT_FOUND" });
    }
  });
});

describe("a job that meets what looks like an outage", () => {
  const busy = new CatalogBusyError("The database is locked by other work.");
  /** No pause is waited for: at each look at the clock, the longest of them is over. */
  let clock: MockInstance<() => number>;
  beforeEach(() => {
    let skipped = 0;
    const now = performance.now.bind(performance);
    clock = vi.spyOn(performance, "now").mockImplementation(() => now() + (skipped += 61_000));
  });
  afterEach(() => clock.mockRestore());

  it("each time, while everything is at hand, has failed in the end, and the others go on", async () => {
    const [harmful, harmless] = await addJobs(2);
    let tries = 0;
    const work: Work = (...call) => {
      if (call[0].id !== harmful!.id) return complete(...call);
      tries += 1;
      return Promise.reject(busy);
    };
    startQueue(work, {}, { check: () => Promise.resolve() });
    await ended(harmful);
    expect(await find(harmful)).toMatchObject({ state: "FAILED", errorCode: "CATALOG_BUSY", attempts: 3 });
    expect(tries).toBe(15);
    await ended(harmless);
    expect(await find(harmless)).toMatchObject({ state: "COMPLETED", attempts: 1 });
  });

  it("is not to blame when something is away, or when nobody can tell", async () => {
    for (const checked of [true, false]) {
      const [job] = await addJobs(1);
      // It passes before a job is tried, and is right about what the job then meets.
      const check = async () => {
        if ((await find(job)).state === "RUNNING") throw busy;
      };
      let tries = 0;
      const work: Work = (...call) => {
        tries += 1;
        return tries > 8 ? complete(...call) : Promise.reject(busy);
      };
      const queue = startQueue(work, {}, checked ? { check } : {});
      await ended(job);
      expect(await find(job)).toMatchObject({ state: "COMPLETED", attempts: 1 });
      await queue.stop();
    }
  });
});

describe("a queue whose database is away", () => {
  it("says so once, and goes on when it is back", async () => {
    const { jobs } = test.catalog;
    const locked = Object.assign(new Error("locked"), { code: "P1008" });
    let away = true;
    const claim: typeof jobs.claim = (...call) => (away ? Promise.reject(locked) : jobs.claim(...call));
    const rows = Object.assign(Object.create(jobs) as typeof jobs, { claim });
    const [job] = await addJobs(1);
    const queue = startQueue(complete, {}, { rows });
    await eventually(() => queue.status().paused?.code).toBe("CATALOG_BUSY");
    await eventually(() => logged("the queue still pauses").length).toBeGreaterThan(0);
    away = false;
    await ended(job);
    expect(queue.status().paused).toBeNull();
    expect(logged("the queue pauses")).toHaveLength(1);
    expect(logged("the queue goes on")).toHaveLength(1);
  });
});

describe("a job whose fate cannot be written", () => {
  it("is left to its lease, and the others go on", async () => {
    const [hopeless, other] = await addJobs(2);
    const giveUp: QueueParts<IngestJobRecord, IngestStage>["giveUp"] = () =>
      Promise.reject(new Error("no such column"));
    const work: Work = (...call) =>
      call[0].id === hopeless!.id ? Promise.reject(new PackNotFoundError("no pack")) : complete(...call);
    startQueue(work, {}, { giveUp });
    await ended(other);
    expect(await find(hopeless)).toMatchObject({ state: "RUNNING" });
    expect(updates).not.toContain("FAILED");
    expect(logged("the fate cannot be written and is left to the lease")).toHaveLength(1);
  });
});

describe("a job whose row is slow to be written", () => {
  /** The rows of the catalog, of whose progress the first report is not answered until it is let go. */
  function slowRows() {
    const { jobs } = test.catalog;
    const written: unknown[] = [];
    let beats = 0;
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const rows = Object.assign(Object.create(jobs) as typeof jobs, {
      extendLease: (...call: Parameters<typeof jobs.extendLease>) => {
        beats += 1;
        return jobs.extendLease(...call);
      },
      reportProgress: async (...call: Parameters<typeof jobs.reportProgress>) => {
        written.push(call[2].progress);
        if (written.length === 1) await held;
        return jobs.reportProgress(...call);
      },
    });
    return { rows, written, letGo: () => letGo(), beats: () => beats };
  }

  it("keeps its lease meanwhile, and of its progress only the latest is written", async () => {
    const { rows, written, letGo, beats } = slowRows();
    const [job] = await addJobs(1);
    let finish: () => void = () => undefined;
    const work: Work = async (...call) => {
      // A stage that differs from the one before is reported at once.
      for (let report = 0; report < 10; report++) call[2](report % 2 === 0 ? "PROBING" : "ENCODING", report / 10);
      await new Promise<void>((resolve) => (finish = resolve));
      await complete(...call);
    };
    startQueue(work, { leaseSeconds: 3 }, { rows });
    await eventually(beats).toBeGreaterThan(1);
    letGo();
    await eventually(() => written.length).toBe(2);
    expect(written).toEqual([0, 0.9]);
    finish();
    await ended(job);
    expect(await find(job)).toMatchObject({ state: "COMPLETED", attempts: 1 });
  });

  it("ends all the same when the answer never comes", async () => {
    const { rows } = slowRows();
    const [job] = await addJobs(1);
    const work: Work = (...call) => {
      call[2]("PROBING", 0);
      return Promise.reject(new PackNotFoundError("no pack"));
    };
    startQueue(work, { leaseSeconds: 0.3 }, { rows });
    await ended(job);
    expect(await find(job)).toMatchObject({ state: "FAILED", attempts: 1 });
  });
});

describe("a job that was taken because someone else's request woke the queue", () => {
  it("carries nothing of that request", async () => {
    const request = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const work: Work = (...call) => {
      seen.push(request.getStore());
      return complete(...call);
    };
    const queue = startQueue(work, { pollSeconds: 3600 });
    const jobs = await addJobs(2);
    request.run("of someone else", () => queue.wake());
    for (const job of jobs) await ended(job);
    expect(seen).toEqual([undefined, undefined]);
  });
});

describe("a job without progress", () => {
  it("is ended and tried again, as often as allowed", async () => {
    const [job] = await addJobs(1);
    startQueue(hold, { stallSeconds: 0.2 });
    await ended(job);
    expect(await find(job)).toMatchObject({ state: "FAILED", errorCode: "JOB_STALLED", attempts: 3 });
  });

  it("is not one that reports any, even if it is always the same", async () => {
    const [job] = await addJobs(1);
    const work: Work = async (...call) => {
      for (let report = 0; report < 100; report++) {
        call[2]("ENCODING", null);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await complete(...call);
    };
    startQueue(work, { stallSeconds: 0.8 });
    await ended(job);
    expect(await find(job)).toMatchObject({ state: "COMPLETED", attempts: 1 });
  });
});

describe("a queue without room", () => {
  it("always works on one job, and takes others when there is room again", async () => {
    const jobs = await addJobs(3);
    let room = false;
    let most = 0;
    let now = 0;
    const work: Work = async (...call) => {
      most = Math.max(most, ++now);
      // With room, none ends before two have been at work together.
      if (room) await eventually(() => most).toBe(2);
      await complete(...call);
      now -= 1;
    };
    const queue = startQueue(work, { concurrency: 3 }, { hasRoom: () => room && now < 2 });
    await ended(jobs[0]);
    expect(most).toBe(1);
    for (const job of jobs) await ended(job);
    expect(most).toBe(1);
    await eventually(() => now).toBe(0);
    room = true;
    const further = await addJobs(2);
    queue.wake();
    for (const job of further) await ended(job);
    expect(most).toBe(2);
  });
});

describe("a queue that is asked to end", () => {
  it("takes no more jobs and lets those that run finish", async () => {
    const [first, second] = await addJobs(2);
    let finish: () => void = () => undefined;
    const work: Work = async (...call) => {
      await new Promise<void>((resolve) => (finish = resolve));
      await complete(...call);
    };
    const queue = startQueue(work);
    await eventually(() => queue.status().running).toBe(1);
    const stopped = queue.stop({ finishSeconds: 60 });
    finish();
    await stopped;
    expect(await find(first)).toMatchObject({ state: "COMPLETED", attempts: 1 });
    expect(await find(second)).toMatchObject({ state: "PENDING", attempts: 0 });
  });

  it("gives them back when the time is up", async () => {
    const [job] = await addJobs(1);
    const queue = startQueue(hold);
    await eventually(() => queue.status().running).toBe(1);
    await queue.stop({ finishSeconds: 0.05 });
    expect(await find(job)).toMatchObject({ state: "PENDING", attempts: 0, workerId: null });
  });

  it("gives them back at once when there is hurry", async () => {
    const [job] = await addJobs(1);
    const queue = startQueue(hold);
    await eventually(() => queue.status().running).toBe(1);
    const hurry = new AbortController();
    const stopped = queue.stop({ finishSeconds: 3600, hurry: hurry.signal });
    hurry.abort();
    await stopped;
    expect(await find(job)).toMatchObject({ state: "PENDING", attempts: 0, workerId: null });
  });
});

describe("a queue that is asked to end while its database does not answer", () => {
  it("ends when there is hurry, and gives back a job that it gets to know of afterwards", async () => {
    const { jobs } = test.catalog;
    let asked = 0;
    let answer: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    const rows = Object.assign(Object.create(jobs) as typeof jobs, {
      claim: async (...call: Parameters<typeof jobs.claim>) => {
        asked += 1;
        await held;
        return jobs.claim(...call);
      },
    });
    const [job] = await addJobs(1);
    let taken = 0;
    const work: Work = (...call) => {
      taken += 1;
      return complete(...call);
    };
    const queue = startQueue(work, {}, { rows });
    await eventually(() => asked).toBe(1);
    await queue.stop({ hurry: AbortSignal.abort() });
    answer();
    await queue.stop();
    expect(await find(job)).toMatchObject({ state: "PENDING", attempts: 0, workerId: null });
    expect(taken).toBe(0);
  });
});

describe("a job whose next attempt was set by a clock that was wrong", () => {
  it("is tried all the same", async () => {
    const [job] = await addJobs(1);
    let tries = 0;
    const work: Work = (...call) => {
      tries += 1;
      return tries === 1 ? Promise.reject(new MediaDecodeTimeoutError("slow")) : complete(...call);
    };
    // A year ahead when the first attempt fails, right again afterwards.
    const { jobs } = test.catalog;
    const year = 365 * 86_400_000;
    const now = () => Promise.resolve(new Date(Date.now() + (tries === 1 ? year : 0)));
    let claimed = 0;
    const rows = Object.assign(Object.create(jobs) as typeof jobs, {
      now: () => (claimed === 1 ? now() : jobs.now()),
      claim: async (...call: Parameters<typeof jobs.claim>) => {
        const [lease, , options] = call;
        const found = await jobs.claim(lease, await jobs.now(), options);
        if (found !== null) claimed += 1;
        return found;
      },
    });
    startQueue(work, { maxRetryDelaySeconds: 0.05 }, { rows });
    await ended(job);
    expect(await find(job)).toMatchObject({ state: "COMPLETED", attempts: 2 });
  });
});
