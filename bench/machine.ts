import { availableParallelism, cpus, loadavg, platform, release, totalmem } from "node:os";
import { rounded } from "./statistics.js";

/** What the figures depend on, and is not ours. */
export function machineFacts() {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryMB: Math.round(totalmem() / 1e6),
    system: `${platform()} ${release()}`,
    node: process.versions.node,
    // Above about 0.2 at the beginning, something else was running and the figures are too bad.
    loadBefore: rounded(loadavg()[0]!, 3),
  };
}
