/** The doctor's checks of programs, models and folders. */
import { access, constants, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { createLogger, type ResolvedOptions } from "../config/index.js";
import { EarshotError } from "../errors.js";
import { findFfmpeg } from "../media/index.js";
import { createInferencePool, loadModelPack } from "../models/index.js";

/** What a check found. */
export interface Finding {
  /** `warn`: Earshot works, but a person should know. */
  status: "ok" | "warn" | "fail";
  /** What was looked at. */
  subject: string;
  /** What was found. */
  text: string;
  /** What to do about it. */
  advice?: string;
}

/** Oldest Node that is supported, as [major, minor]. */
const OLDEST_NODE = [20, 19] as const;

/** What the checks themselves log is said by their findings. */
const silent = createLogger("silent");

/** Turns an expected failure of a check into a finding. */
export async function finding(subject: string, check: () => Promise<Omit<Finding, "subject">>): Promise<Finding> {
  try {
    return { subject, ...(await check()) };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const detail = error instanceof EarshotError ? error.detail : undefined;
    return { subject, status: "fail", text, ...(detail === undefined ? {} : { advice: detail }) };
  }
}

/** Whether this Node is one that Earshot supports. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const good = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  return good
    ? { subject: "Node", status: "ok", text: version }
    : {
        subject: "Node",
        status: "fail",
        text: `${version} is too old`,
        advice: `Install Node ${OLDEST_NODE.join(".")} or later.`,
      };
}

/** Which ffmpeg is used, and whether it should be. */
export function checkFfmpeg(options: ResolvedOptions): Promise<Finding> {
  return finding("ffmpeg", async () => {
    const { ffmpeg, version, origin } = await findFfmpeg(options, silent);
    const text = `${version} (${origin}), ${ffmpeg}`;
    if (origin !== "bundled") return { status: "ok", text };
    return {
      status: "warn",
      text: `${text}, a build of 2018`,
      advice: "Its decoders have known security holes. Install ffmpeg 5 or later before you take media from strangers.",
    };
  });
}

/** Whether the model pack is whole: every file's size and SHA-256. */
export function checkPack(options: ResolvedOptions): Promise<Finding> {
  return finding("model pack", async () => {
    const { id, manifest, directory } = await loadModelPack(options.modelPack);
    const files = Object.values(manifest.files);
    const megabytes = files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6;
    return {
      status: "ok",
      text: `${id}, ${files.length} files, ${megabytes.toFixed(1)} MB, all hashes right, ${directory}`,
    };
  });
}

/** Whether the models open, and on which execution providers. */
export function checkModels(options: ResolvedOptions): Promise<Finding> {
  return finding("models", async () => {
    const pool = await createInferencePool(await loadModelPack(options.modelPack), options.inference, silent);
    try {
      await pool.warmUp();
      const { threads } = options.inference;
      const where = `${pool.devices.join(", ")}, ${counted(pool.parallelism, "session")}, ${counted(threads, "thread")}`;
      const text = `ONNX Runtime ${onnxRuntimeVersion()} on ${where}`;
      if (pool.shortfall === undefined) return { status: "ok", text };
      return { status: "warn", text, advice: `${pool.shortfall}. See docs/gpu.md.` };
    } finally {
      await pool.close();
    }
  });
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function onnxRuntimeVersion(): string {
  return (createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string }).version;
}

/** Whether every media root is a folder that can be read. */
export function checkMediaRoots({ mediaRoots }: ResolvedOptions): Promise<Finding> {
  return finding("media roots", async () => {
    if (mediaRoots.length === 0) {
      return {
        status: "warn",
        text: "none: ingestVideo accepts no path",
        advice: "Name folders with EARSHOT_MEDIA_ROOTS or --media-root. (earshot ingest needs none.)",
      };
    }
    for (const root of mediaRoots) {
      const readable = await access(root, constants.R_OK | constants.X_OK).then(
        async () => (await stat(root)).isDirectory(),
        () => false,
      );
      if (!readable)
        return {
          status: "fail",
          text: `${root} is no folder that can be read`,
          advice: "Create it, or correct EARSHOT_MEDIA_ROOTS.",
        };
    }
    return { status: "ok", text: mediaRoots.join(", ") };
  });
}
