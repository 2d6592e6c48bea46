import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TEST_PACK } from "../../fixtures/earshot.js";
import { CLI, nodeArguments } from "../../fixtures/programs.js";
import { startProgram, type WorkerProcess } from "../../fixtures/worker-processes.js";

/** A database server that is never there. */
const NOWHERE = "postgresql://earshot@127.0.0.1:1/earshot";

/** The commands that go on until they are asked to end, each with a server that takes a free port. */
const COMMANDS = [
  ["serve", "--port"],
  ["worker", "--health-port"],
] as const;

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-start-")));
});
afterEach(() => rm(folder, { recursive: true }));

function start(command: readonly string[], env: Record<string, string> = {}): WorkerProcess {
  const own = { EARSHOT_DATA_DIRECTORY: folder, EARSHOT_MODEL_PACK: TEST_PACK };
  return startProgram([CLI, ...command], { ...own, ...env });
}

/** Waits for a text in the log of a process. */
const logs = (process: WorkerProcess, text: string) =>
  expect.poll(() => process.log(), { timeout: 60_000 }).toContain(text);

describe.each(COMMANDS)("earshot %s", (command, portFlag) => {
  it("ends when its start fails, though its server listens already", async () => {
    const process = start([command, portFlag, "0"], { FFMPEG_PATH: path.join(folder, "none") });
    expect(await process.ended).toBe(1);
    expect(process.log()).toContain("FFMPEG_NOT_FOUND");
  });

  it("waits for a database that is away, and can be asked to end meanwhile", async () => {
    const process = start([command, portFlag, "0"], { EARSHOT_DATABASE_URL: NOWHERE });
    await logs(process, "waiting: No PostgreSQL server answers");
    process.child.kill("SIGTERM");
    expect(await process.ended).toBe(0);
  });

  it("waits no longer than it is told to", async () => {
    const process = start([command, portFlag, "0", "--wait", "0"], { EARSHOT_DATABASE_URL: NOWHERE });
    expect(await process.ended).toBe(1);
    expect(process.log()).toContain("CATALOG_UNAVAILABLE");
  });
});

describe("a worker", () => {
  it("that waits for its database is alive and not ready", async () => {
    const worker = start(["worker", "--health-port", "0"], { EARSHOT_DATABASE_URL: NOWHERE });
    const health = (await worker.said("Health: ")).replace("localhost", "127.0.0.1");
    await logs(worker, "waiting: ");
    expect((await fetch(health)).status).toBe(200);
    expect((await fetch(health.replace("/health", "/ready"))).status).toBe(503);
    worker.child.kill("SIGTERM");
    expect(await worker.ended).toBe(0);
  });

  it("ends with 1 when something in it hangs while it is asked to end", async () => {
    const options = { dataDirectory: folder, modelPack: TEST_PACK, inference: { threads: 1 } };
    const worker = startProgram([...nodeArguments("./hanging-worker-process.ts"), JSON.stringify(options)], {});
    await worker.said("Working.");
    worker.child.kill("SIGTERM");
    expect(await worker.ended).toBe(1);
    expect(worker.log()).toContain("something does not end");
  });
});
