import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { earshotSdl } from "../src/graphql/schema.js";

/**
 * Writes schema/schema.graphql from the code.
 *
 *   npx tsx scripts/emit-schema.ts           writes the file
 *   npx tsx scripts/emit-schema.ts --check   exits 1 when the file is not what the code gives
 */
const file = fileURLToPath(new URL("../schema/schema.graphql", import.meta.url));
const sdl = await earshotSdl();

if (!process.argv.includes("--check")) {
  await writeFile(file, sdl);
  console.log("schema/schema.graphql is written.");
} else if ((await readFile(file, "utf8").catch(() => "")) === sdl) {
  console.log("schema/schema.graphql is what the code gives.");
} else {
  console.error(
    "schema/schema.graphql differs from the code: run `npx tsx scripts/emit-schema.ts` and commit the result.",
  );
  process.exitCode = 1;
}
