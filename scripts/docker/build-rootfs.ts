import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { contextFiles } from "./build-context.js";
import { readStages, type Stage, type Step } from "./dockerfile.js";

/** Where a step finds the host's certificates. */
const CERTIFICATES = "/run/host-certificates.crt";

/** What a build needs. */
export interface BuildInput {
  dockerfile: string;
  /** Folder of the build context. */
  context: string;
  /** Root file systems to begin with, by the name of the image whose place they take. */
  images: ReadonlyMap<string, string>;
  /** Empty folder for the stages. */
  folder: string;
  /** Told about each step. */
  progress: (text: string) => void;
}

/** An image: its files and how to start it. */
export interface Rootfs {
  /** Its root folder. */
  root: string;
  environment: Record<string, string>;
  workingDirectory: string;
  /** `uid:gid` */
  user: string;
  entrypoint: string[];
  command: string[];
  healthCheck: string[];
  volumes: string[];
}

/**
 * Runs the steps of a Dockerfile in folders, each stage in a copy of its image's root file system, with chroot. Needs root and
 * Linux. It knows the instructions that Earshot's Dockerfiles use, and refuses others.
 *
 * @returns the last stage
 */
export function buildRootfs(input: BuildInput): Rootfs {
  const built = new Map<string, Rootfs>();
  let last: Rootfs | undefined;
  for (const stage of readStages(readFileSync(input.dockerfile, "utf8"))) {
    last = buildStage(stage, input, built, `${built.size}`);
    built.set(stage.name ?? `${built.size}`, last);
  }
  if (last === undefined) throw new Error(`${input.dockerfile} has no stage.`);
  return last;
}

function buildStage(stage: Stage, input: BuildInput, built: Map<string, Rootfs>, number: string): Rootfs {
  const root = path.join(input.folder, stage.name ?? number);
  const before = built.get(stage.from);
  const from = before?.root ?? input.images.get(stage.from);
  if (from === undefined) throw new Error(`No root file system was named for the image ${stage.from}.`);
  input.progress(`FROM ${stage.from}`);
  mkdirSync(root, { recursive: true });
  copy(`${from}/.`, root);
  const image: Rootfs = {
    root,
    environment: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...before?.environment },
    workingDirectory: before?.workingDirectory ?? "/",
    user: before?.user ?? "0:0",
    entrypoint: before?.entrypoint ?? [],
    command: before?.command ?? [],
    healthCheck: before?.healthCheck ?? [],
    volumes: [...(before?.volumes ?? [])],
  };
  for (const step of stage.steps) {
    input.progress(`${step.keyword} ${step.text}`);
    runStep(step, image, input, built);
  }
  return image;
}

function runStep(step: Step, image: Rootfs, input: BuildInput, built: Map<string, Rootfs>): void {
  switch (step.keyword) {
    case "ARG":
      // It holds for the rest of the stage; nothing here has an argument that only some steps may see.
      for (const { name, value } of step.properties) image.environment[name] ??= value ?? "";
      return;
    case "ENV":
      for (const { name, value } of step.properties) image.environment[name] = value ?? "";
      return;
    case "WORKDIR":
      image.workingDirectory = path.posix.resolve(image.workingDirectory, step.words[0] ?? "/");
      mkdirSync(path.join(image.root, image.workingDirectory), { recursive: true });
      return;
    case "USER":
      image.user = step.words[0] ?? "";
      return;
    case "COPY":
      copyStep(step, image, input, built);
      return;
    case "RUN":
      runInRoot(step.text, image);
      return;
    case "ENTRYPOINT":
      image.entrypoint = step.words;
      return;
    case "CMD":
      image.command = step.words;
      return;
    case "HEALTHCHECK":
      image.healthCheck = step.words;
      return;
    case "VOLUME":
      image.volumes.push(...step.words);
      return;
    case "LABEL":
    case "EXPOSE":
    case "STOPSIGNAL":
      return;
    default:
      throw new Error(`Line ${step.line}: ${step.keyword} is not known to the rehearsal.`);
  }
}

function copyStep(step: Step, image: Rootfs, input: BuildInput, built: Map<string, Rootfs>): void {
  const sources = step.words.slice(0, -1);
  const target = path.posix.resolve(image.workingDirectory, step.words.at(-1) ?? "");
  const intoFolder = /\/$|^\.$/.test(step.words.at(-1) ?? "") || sources.length > 1;
  const from = step.flags["from"];
  for (const source of sources) {
    if (from !== undefined) {
      const other = built.get(from)?.root ?? input.images.get(from);
      if (other === undefined) throw new Error(`Line ${step.line}: no root file system was named for ${from}.`);
      const place = intoFolder ? path.posix.join(target, path.posix.basename(source)) : target;
      mkdirSync(path.dirname(path.join(image.root, place)), { recursive: true });
      copy(path.join(other, source), path.join(image.root, place));
      continue;
    }
    const files = contextFiles(input.context).filter(
      (file) => source === "." || file === source || file.startsWith(`${source}/`),
    );
    if (files.length === 0) throw new Error(`Line ${step.line}: the build context has no ${source}.`);
    for (const file of files) {
      // A folder's contents are copied, a file by its name.
      const inside = file === source ? path.posix.basename(file) : path.posix.relative(source, file);
      const place = path.join(image.root, file === source && !intoFolder ? target : path.posix.join(target, inside));
      mkdirSync(path.dirname(place), { recursive: true });
      cpSync(path.join(input.context, file), place, { preserveTimestamps: true });
    }
  }
}

/** Runs a shell line in the image's root, with /proc and /dev, as the image's user. */
function runInRoot(line: string, image: Rootfs): void {
  const { root, environment, workingDirectory } = image;
  const takeBack = lendNetwork(root);
  const setUp = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" /bin/sh -c "$1"';
  const { status } = spawnSync(
    "unshare",
    ["--mount", "--pid", "--fork", "sh", "-c", setUp, root, `cd ${workingDirectory} && ${line}`],
    { env: { HOME: "/root", NODE_EXTRA_CA_CERTS: CERTIFICATES, ...environment }, stdio: ["ignore", 2, 2] },
  );
  takeBack();
  if (status !== 0) throw new Error(`A step failed with status ${String(status)}: ${line}`);
}

/** The host's name servers and certificates, as an engine lends the former; taken away again after the step. */
function lendNetwork(root: string): () => void {
  const lent = [
    ["/etc/resolv.conf", "/etc/resolv.conf"],
    ["/etc/ssl/certs/ca-certificates.crt", CERTIFICATES],
  ]
    .map(([from, to]) => [from!, path.join(root, to!)] as const)
    .filter(([from, to]) => existsSync(from) && !existsSync(to));
  for (const [from, to] of lent) writeFileSync(to, readFileSync(from));
  return () => {
    for (const [, to] of lent) rmSync(to, { force: true });
  };
}

/** Copies files and folders with their owners and rights. */
function copy(from: string, to: string): void {
  const { status } = spawnSync("cp", ["-a", "--reflink=auto", from, to], { stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error(`${from} cannot be copied.`);
}
