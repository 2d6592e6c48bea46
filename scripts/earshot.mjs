/** Runs the command line of this clone, after setting up and building what is needed. */
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "./build.mjs";

build(false);
const main = path.join(path.dirname(fileURLToPath(import.meta.url)), "..", "dist", "cli", "main.js");
process.argv[1] = main;
await import(pathToFileURL(main).href);
