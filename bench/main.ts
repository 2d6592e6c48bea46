/** `npm run bench -- [names] [--quick]`: runs benchmarks, each in a process of its own, and prints a JSON line for each. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { BENCHMARKS } from "./benchmarks.js";
import { runScript } from "./processes.js";

const args = process.argv.slice(2);
const quick = args.includes("--quick");
const names = args.filter((arg) => arg !== "--quick");
const known = BENCHMARKS.map(({ name }) => name);
const unknown = names.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark "${unknown.join('", "')}". There are: ${known.join(", ")}.`);
  process.exit(1);
}

const folder = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-bench-")));
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(1);
  });
}
try {
  for (const name of names.length > 0 ? names : known) {
    await runScript(new URL("run-one.ts", import.meta.url), [name, folder, ...(quick ? ["--quick"] : [])]);
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
