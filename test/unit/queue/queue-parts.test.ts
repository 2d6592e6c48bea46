import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { retryDelayMs } from "../../../src/queue/retry.js";
import { createWorkerIdentity } from "../../../src/queue/worker-identity.js";

describe("the wait before another attempt", () => {
  const delays = { retryDelaySeconds: 5, maxRetryDelaySeconds: 60 };

  it("doubles with each attempt, up to the longest", () => {
    expect([1, 2, 3, 4, 5, 50].map((attempts) => retryDelayMs(attempts, delays, 0) / 1000)).toEqual([
      5, 10, 20, 40, 60, 60,
    ]);
  });

  it("is up to a half shorter by chance", () => {
    expect(retryDelayMs(1, delays, 1)).toBe(2500);
    expect(retryDelayMs(1, delays)).toBeGreaterThanOrEqual(2500);
    expect(retryDelayMs(1, delays)).toBeLessThanOrEqual(5000);
  });
});

describe("a worker", () => {
  const worker = createWorkerIdentity();
  const [host, namespace, pid, started, random] = worker.id.split("/");

  it("is told apart from others of its process, and is not gone", () => {
    const other = createWorkerIdentity();
    expect(other.id).not.toBe(worker.id);
    expect(worker.isGone(other.id)).toBe(false);
  });

  it("is gone when its process is", () => {
    const { pid: dead } = spawnSync(process.execPath, ["-e", ""]);
    expect(worker.isGone([host, namespace, dead, started, random].join("/"))).toBe(true);
    expect(worker.isGone([host, namespace, process.ppid, started, random].join("/"))).toBe(false);
  });

  it("of an earlier process with the same number is gone", () => {
    expect(worker.isGone([host, namespace, pid, Number(started) - 1, random].join("/"))).toBe(true);
  });

  it("on another machine or in another container may live", () => {
    expect(worker.isGone(["elsewhere", namespace, "1", "1", random].join("/"))).toBe(false);
    expect(worker.isGone([host, "999", "1", "1", random].join("/"))).toBe(false);
  });

  it.runIf(existsSync("/proc/sys/kernel/random/boot_id"))("on a machine that is a copy of this one may live", () => {
    const { pid: dead } = spawnSync(process.execPath, ["-e", ""]);
    const [processes, boot] = namespace!.split(".");
    expect(boot).toMatch(/^[\da-f-]{36}$/);
    const copy = `${processes}.00000000-0000-4000-8000-000000000000`;
    expect(worker.isGone([host, copy, dead, started, random].join("/"))).toBe(false);
  });
});
