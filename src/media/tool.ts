import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import type { Readable } from "node:stream";
import { childEnvironment } from "../config/index.js";
import { FfmpegUnavailableError } from "../errors.js";
import { makeTemporaryFolder } from "./temporary.js";

/** How a program ended. */
export interface ToolExit {
  /** Exit code; null when a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A running ffmpeg or ffprobe. */
export interface RunningTool {
  stdout: Readable;
  /** The last words on stderr. */
  stderr(): string;
  /** Ends the program at once. */
  kill: () => void;
  /** Resolves when the program is gone, its output is read, and its temporary folder is removed. */
  ended: Promise<ToolExit>;
  /** Ends the program if it still runs, throws away what was not read, and waits for `ended`. */
  dispose(): Promise<void>;
}

/** Characters of stderr that are kept by default: enough for the cause, too few to fill memory. */
const STDERR_CHARACTERS = 8192;

/**
 * Starts a program with a list of arguments (no shell), no input, a bare environment, and a temporary folder of its
 * own as working directory.
 *
 * @param temporaryDirectory where its folder is made; the system's when left out
 * @param stderrCharacters the most that is kept of stderr, its end
 * @throws FfmpegUnavailableError when it cannot be started
 */
export async function startTool(
  program: string,
  args: readonly string[],
  temporaryDirectory: string = tmpdir(),
  stderrCharacters = STDERR_CHARACTERS,
): Promise<RunningTool> {
  const cwd = await makeTemporaryFolder(temporaryDirectory);
  const child = spawn(program, args, {
    cwd,
    // The bundled ffprobe is linked statically and crashes when it loads the system's character tables.
    env: { ...childEnvironment(), TMPDIR: cwd, TEMP: cwd, TMP: cwd, GCONV_PATH: cwd },
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-stderrCharacters);
  });
  const closed = new Promise<ToolExit>((resolve, reject) => {
    child.once("error", reject).once("close", (code, signal) => {
      resolve({ code, signal });
    });
  });
  const ended = closed.finally(() => rm(cwd, { recursive: true, force: true }));
  // Whoever awaits `ended` sees the failure; nobody else has to.
  ended.catch(() => undefined);
  try {
    await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  } catch (error) {
    await ended.catch(() => undefined);
    throw new FfmpegUnavailableError("ffmpeg or ffprobe cannot be started. Check its path and its rights.", {
      detail: `${program}: ${String(error)}`,
      cause: error,
    });
  }
  const kill = () => void child.kill("SIGKILL");
  const dispose = async () => {
    kill();
    // A pipe with unread data would never end.
    child.stdout.destroy();
    await ended;
  };
  return { stdout: child.stdout, stderr: () => stderr.trim(), kill, ended, dispose };
}

/** What a program that was run to its end gives. */
export interface ToolResult<Output> extends ToolExit {
  stdout: Output;
  stderr: string;
  /** True when the program was ended for its time or its output. */
  overLimit: boolean;
}

/** Limits of a program that is run to its end. */
export interface ToolLimits {
  timeoutSeconds: number;
  maxOutputBytes: number;
  temporaryDirectory?: string;
  stderrCharacters?: number;
  signal?: AbortSignal;
}

/**
 * Runs a program to its end and keeps what it writes as text.
 *
 * @throws FfmpegUnavailableError when it cannot be started, and the signal's reason when aborted
 */
export async function runTool(
  program: string,
  args: readonly string[],
  limits: ToolLimits,
): Promise<ToolResult<string>> {
  const result = await runBinaryTool(program, args, limits);
  return { ...result, stdout: result.stdout.toString("utf8") };
}

/** The same for a program that writes bytes. */
export async function runBinaryTool(
  program: string,
  args: readonly string[],
  limits: ToolLimits,
): Promise<ToolResult<Buffer>> {
  limits.signal?.throwIfAborted();
  const tool = await startTool(program, args, limits.temporaryDirectory, limits.stderrCharacters);
  let overLimit = false;
  const stop = () => {
    overLimit = true;
    tool.kill();
  };
  const timer = setTimeout(stop, limits.timeoutSeconds * 1000);
  limits.signal?.addEventListener("abort", tool.kill);
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of tool.stdout as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > limits.maxOutputBytes) stop();
      else chunks.push(chunk);
    }
    const exit = await tool.ended;
    limits.signal?.throwIfAborted();
    return { ...exit, stdout: Buffer.concat(chunks), stderr: tool.stderr(), overLimit };
  } finally {
    clearTimeout(timer);
    limits.signal?.removeEventListener("abort", tool.kill);
    await tool.dispose();
  }
}
