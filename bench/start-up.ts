/** How long `earshot serve` takes from the start of its process until `/ready` answers 200, and a first search its page. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { get } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { BenchContext, Benchmark, Value } from "./benchmark.js";
import { libraryOf } from "./library.js";
import { CLI } from "./product.js";
import { median, rounded } from "./statistics.js";

/** Milliseconds between two looks at `/ready`. */
const POLL = 3;
/** Milliseconds after which a server that is not ready counts as broken. */
const PATIENCE = 300_000;

/** Milliseconds from the start of the process. */
interface StartUp {
  ready: number;
  searched: number;
}

export const startUp: Benchmark = {
  name: "start-up",
  async run(context) {
    const rounds = context.quick ? 1 : 5;
    const segments = context.quick ? 1000 : 100_000;
    const library = await libraryOf(context, segments);
    // Once unmeasured: the files are then in the system's cache for all.
    await start(path.join(context.folder, "start-up-0"));
    const empty = await repeat(context, rounds, (round) => path.join(context.folder, `start-up-${round}`));
    const filled = await repeat(context, rounds, () => library);
    return {
      values: [...summarise("empty data directory", empty), ...summarise(`${segments} segments`, filled)],
      settings: { rounds },
    };
  },
};

async function repeat(
  { progress }: BenchContext,
  rounds: number,
  folder: (round: number) => string,
): Promise<StartUp[]> {
  const found: StartUp[] = [];
  for (let round = 1; round <= rounds; round++) {
    found.push(await start(folder(round)));
    progress(`start ${round} of ${rounds}: ${JSON.stringify(found.at(-1))}`);
  }
  return found;
}

function summarise(name: string, starts: readonly StartUp[]): Value[] {
  const value = (what: string, runs: number[]): Value => ({
    name: `${name}/${what}`,
    unit: "ms",
    value: rounded(median(runs)),
    runs: runs.map((run) => rounded(run)),
  });
  return [
    value(
      "ready",
      starts.map(({ ready }) => ready),
    ),
    value(
      "first search answered",
      starts.map(({ searched }) => searched),
    ),
  ];
}

async function start(dataDirectory: string): Promise<StartUp> {
  const port = await freePort();
  const began = performance.now();
  const args = [CLI, "serve", "--port", `${port}`, "--data-dir", dataDirectory, "--log-level", "error"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  try {
    for (;;) {
      if (await isReady(port)) break;
      if (child.exitCode !== null) throw new Error(`the server ended with exit code ${child.exitCode}`);
      if (performance.now() - began > PATIENCE) throw new Error("the server does not get ready");
      await delay(POLL);
    }
    const ready = performance.now() - began;
    await searchOnce(port);
    return { ready, searched: performance.now() - began };
  } finally {
    child.kill();
    await ended;
  }
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: "127.0.0.1", port, path: "/ready", agent: false }, (response) => {
      response.resume().once("close", () => {
        resolve(response.statusCode === 200);
      });
    }).once("error", () => {
      resolve(false);
    });
  });
}

async function searchOnce(port: number): Promise<void> {
  const query = '{ searchVideosByAudio(query: "a dog barking") { edges { score } } }';
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  const { errors } = (await response.json()) as { errors?: unknown };
  if (errors !== undefined) throw new Error(`the search failed: ${JSON.stringify(errors)}`);
}
