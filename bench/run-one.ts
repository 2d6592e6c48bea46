/** Runs one benchmark in this process and prints its line: `tsx bench/run-one.ts <name> <folder> [--quick]`. */
import { BENCHMARKS } from "./benchmarks.js";
import { machineFacts } from "./machine.js";

const [name, folder, quick] = process.argv.slice(2);
const benchmark = BENCHMARKS.find((known) => known.name === name);
if (benchmark === undefined || folder === undefined) throw new Error("usage: run-one.ts <name> <folder> [--quick]");

const machine = machineFacts();
const { values, settings } = await benchmark.run({
  folder,
  quick: quick === "--quick",
  progress: (text) => console.error(`${benchmark.name}: ${text}`),
});
console.log(
  JSON.stringify({ name: benchmark.name, values, settings: { ...settings, quick: quick === "--quick" }, machine }),
);
