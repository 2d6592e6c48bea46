import { spawnSync } from "node:child_process";
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildRootfs, type Rootfs } from "./docker/build-rootfs.js";
import { Container, idsOf, type Ended } from "./docker/container.js";

/**
 * Builds an image and tries it where there is no container engine: runs the steps of the Dockerfile in a copy of a root file
 * system, then starts the result as a container would run it (the image's user, a root file system that cannot be written, no
 * capabilities, no network) and uses it. Needs root, Linux, and the network for the build. Prints one JSON line with sizes.
 *
 *   debootstrap --variant=minbase trixie /tmp/base      # then Node and npm into /tmp/base/usr/local, as in the node image
 *   npx tsx scripts/rehearse-image.ts --image node:24.21.0-trixie-slim=/tmp/base --folder /tmp/rehearsal
 */
const { values } = parseArgs({
  options: {
    dockerfile: { type: "string", default: "docker/Dockerfile" },
    /** Root file system that takes an image's place: `name=folder`. */
    image: { type: "string", multiple: true, default: [] },
    folder: { type: "string" },
    /** Build only. */
    "no-start": { type: "boolean", default: false },
    /** Start what is in the folder already. */
    "no-build": { type: "boolean", default: false },
  },
});
if (values.folder === undefined || process.getuid?.() !== 0) {
  console.error("Run it as root, with --folder and an --image for each image that the Dockerfile begins with.");
  process.exit(1);
}
const context = fileURLToPath(new URL("..", import.meta.url));
const folder = path.resolve(values.folder);
const images = new Map(values.image.map((pair) => pair.split("=") as [string, string]));
const say = (text: string): void => {
  console.error(text);
};

const SEARCH = `{ searchVideosByAudio(query: "a dog barks", first: 1) { edges { node { title } moments { startSeconds } } } }`;

function check(what: string, holds: boolean, output = ""): void {
  say(`${holds ? "ok  " : "FAIL"}  ${what}`);
  if (holds) return;
  console.error(output);
  process.exitCode = 1;
}

function megabytes(place: string): number {
  const { stdout } = spawnSync("du", ["-s", "-B1", place], { encoding: "utf8" });
  return Math.round(Number(stdout.split("\t")[0]) / 1e6);
}

/** Asks the server inside for JSON. */
function ask(container: Container, address: string, body?: object): unknown {
  const program = `const r = await fetch(process.argv[1], process.argv[2] ? { method: "POST",
    headers: { "content-type": "application/json" }, body: process.argv[2] } : {});
    console.log(await r.text());`;
  const json = body === undefined ? [] : [JSON.stringify(body)];
  const { output } = container.exec([
    "node",
    "--input-type=module",
    "-e",
    program,
    `http://127.0.0.1:4000${address}`,
    ...json,
  ]);
  return JSON.parse(output);
}

async function until(condition: () => boolean, seconds: number): Promise<boolean> {
  const end = Date.now() + seconds * 1000;
  while (!condition()) {
    if (Date.now() > end) return false;
    await wait(200);
  }
  return true;
}

/** Waits until what is in the container answers its health check on a path. */
function answers(container: Container, { healthCheck }: Rootfs, ...path: string[]): Promise<boolean> {
  return until(() => container.running && container.exec([...healthCheck, ...path]).status === 0, 180);
}

/** Starts the image's server and lets it do what it is for. */
async function tryServer(image: Rootfs, data: string): Promise<Record<string, number>> {
  const media = path.join(context, "demo");
  const start = performance.now();
  const container = Container.start(image, [], { data, media });
  try {
    check("its health check succeeds", await answers(container, image), container.output);
    const secondsToHealthy = (performance.now() - start) / 1000;
    check("it is ready for requests", await answers(container, image, "/ready"), container.output);
    const secondsToReady = (performance.now() - start) / 1000;
    const write = container.exec([
      "sh",
      "-c",
      "echo x > /app/x; echo x > /x; echo x > /media/x; ls /app/x /x /media/x",
    ]);
    check(
      "only its volume and /tmp can be written",
      write.status !== 0 && !/^\/\S+$/m.test(write.output),
      write.output,
    );
    const user = container.exec(["sh", "-c", "id -u; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/1/status"]);
    check(
      "it is not root and has no capabilities",
      user.output.startsWith("10001\n") && user.output.match(/0000000000000000/g)?.length === 2,
      user.output,
    );
    const ingest = `mutation { ingestVideo(input: { source: { path: "/media/gate.mp4" }, externalId: "gate", title: "Gate" }) {
      job { id } userErrors { code message } } }`;
    const submitted = JSON.stringify(ask(container, "/graphql", { query: ingest }));
    const id = /"id":"([^"]+)"/.exec(submitted)?.[1];
    check("it accepts a video", id !== undefined, submitted);
    const state = `{ ingestJob(id: "${id}") { state errorCode } }`;
    let answer = "";
    const done = await until(() => {
      answer = JSON.stringify(ask(container, "/graphql", { query: state }));
      return /COMPLETED|FAILED/.test(answer);
    }, 300);
    check(
      "it ingests it with the distribution's ffmpeg",
      done && answer.includes("COMPLETED"),
      answer + container.output,
    );
    const found = JSON.stringify(ask(container, "/graphql", { query: SEARCH }));
    check("a search finds the moment", found.includes('"Gate"') && found.includes("startSeconds"), found);
    const backup = container.exec(["node", "/app/docker/backup.mjs", "/var/lib/earshot/backup.db"]);
    check("its database is copied while it runs", backup.status === 0, backup.output);
    const peakMemoryMB = Math.round(container.peakMemory() / 1e6);
    const asked = performance.now();
    const { status } = await container.terminate();
    const secondsToEnd = (performance.now() - asked) / 1000;
    check("SIGTERM ends it with status 0", status === 0, container.output);
    return { secondsToHealthy, secondsToReady, peakMemoryMB, secondsToEnd };
  } finally {
    container.kill();
  }
}

/** Starts the image with nothing but the copy of the database, and searches it. */
async function tryBackup(image: Rootfs, backup: string, data: string): Promise<void> {
  mkdirSync(data, { recursive: true });
  cpSync(backup, path.join(data, "earshot.db"));
  chownSync(path.join(data, "earshot.db"), ...idsOf(image));
  const container = Container.start(image, [], { data, media: path.join(context, "demo") });
  try {
    const ready = await answers(container, image, "/ready");
    const found = ready ? JSON.stringify(ask(container, "/graphql", { query: SEARCH })) : container.output;
    check("a search in the restored copy finds the moment", found.includes('"Gate"'), found);
  } finally {
    container.kill();
  }
}

async function runOnce(image: Rootfs, args: string[], data: string, entrypoint?: string[]): Promise<Ended> {
  const media = path.join(context, "demo");
  return Container.start(image, args, { data, media, ...(entrypoint === undefined ? {} : { entrypoint }) }).ended();
}

function build(): Rootfs {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const dockerfile = path.join(context, values.dockerfile);
  const built = buildRootfs({ dockerfile, context, images, folder, progress: say });
  writeFileSync(path.join(folder, "image.json"), JSON.stringify(built));
  return built;
}

const started = performance.now();
const image = values["no-build"]
  ? (JSON.parse(readFileSync(path.join(folder, "image.json"), "utf8")) as Rootfs)
  : build();
const buildSeconds = Math.round((performance.now() - started) / 1000);
const base = [...images.values()].map(megabytes);
const result: Record<string, unknown> = {
  dockerfile: values.dockerfile,
  buildSeconds,
  sizesMB: {
    bases: base,
    image: megabytes(image.root),
    app: megabytes(path.join(image.root, "app")),
    node_modules: megabytes(path.join(image.root, "app", "node_modules")),
  },
};
check("no development dependency is left", !existsSync(path.join(image.root, "app/node_modules/typescript")));
if (!values["no-start"]) {
  const data = path.join(folder, "data");
  for (const old of [data, path.join(folder, "restored")]) rmSync(old, { recursive: true, force: true });
  const doctor = await runOnce(image, ["doctor"], data);
  say(doctor.output);
  check("earshot doctor finds nothing wrong", doctor.status === 0, doctor.output);
  Object.assign(result, await tryServer(image, data));
  await tryBackup(image, path.join(data, "backup.db"), path.join(folder, "restored"));
}
console.log(JSON.stringify(result));
