/** Loaded into a process with --import: tells its parent on file descriptor 3, in bytes, the most memory it has held. */
import { readFileSync, writeSync } from "node:fs";

process.once("exit", () => {
  writeSync(3, `${peakBytes()}`);
});

function peakBytes() {
  // What Linux tells of a child process by resourceUsage() is at least what its parent held when it was started.
  if (process.platform !== "linux") return 1024 * process.resourceUsage().maxRSS;
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
}
