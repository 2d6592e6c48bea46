import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * Runs a TypeScript file of this folder in a process of its own, with the same stdout and stderr.
 *
 * @throws Error when it does not end with exit code 0
 */
export function runScript(script: URL, args: readonly string[]): Promise<void> {
  // execArgv is what loads TypeScript.
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(script), ...args], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const stop = () => child.kill();
  process.once("exit", stop);
  return new Promise((resolve, reject) => {
    child.once("error", reject).once("close", (code, signal) => {
      process.off("exit", stop);
      if (code === 0) resolve();
      else reject(new Error(`${fileURLToPath(script)} ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}
