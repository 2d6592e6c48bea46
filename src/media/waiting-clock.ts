import { MediaDecodeTimeoutError } from "../errors.js";
import type { RunningTool } from "./tool.js";

/** How long a decoder may take. */
export interface WaitingLimits {
  /** Longest time that ffmpeg may let Earshot wait, all waits together. */
  decodeTimeoutSeconds: number;
  /** Longest single wait. */
  stallTimeoutSeconds: number;
}

/** Counts the time spent waiting for ffmpeg, and not the time ffmpeg waits for its reader. */
export class WaitingClock {
  private waitedMs = 0;

  constructor(private readonly limits: WaitingLimits) {}

  /**
   * Waits for a piece of the tool's output; kills the tool when that takes too long, or the signal is aborted.
   *
   * @throws MediaDecodeTimeoutError, and the signal's reason
   */
  async wait<T>(work: Promise<T>, tool: RunningTool, signal: AbortSignal | undefined): Promise<T> {
    const { decodeTimeoutSeconds, stallTimeoutSeconds } = this.limits;
    const leftMs = Math.min(decodeTimeoutSeconds * 1000 - this.waitedMs, stallTimeoutSeconds * 1000);
    const started = performance.now();
    const timeout = { passed: false };
    // Killing ends the pipe, and with it the wait.
    const timer = setTimeout(() => {
      timeout.passed = true;
      tool.kill();
    }, leftMs);
    signal?.addEventListener("abort", tool.kill);
    // It may have been aborted while the tool was being started.
    if (signal?.aborted) tool.kill();
    try {
      const result = await work;
      signal?.throwIfAborted();
      if (timeout.passed)
        throw new MediaDecodeTimeoutError("Decoding took longer than is allowed.", { detail: tool.stderr() });
      return result;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", tool.kill);
      this.waitedMs += performance.now() - started;
    }
  }
}
