/**
 * Copies an Earshot's SQLite database while it is in use: one consistent state, checked.
 *
 *   node docker/backup.mjs <new file> [database file]
 *
 * The database is earshot.db of EARSHOT_DATA_DIRECTORY when none is named. For PostgreSQL use pg_dump.
 */
import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { createClient } from "@libsql/client";

const [target, source = path.join(process.env["EARSHOT_DATA_DIRECTORY"] ?? ".earshot", "earshot.db")] =
  process.argv.slice(2);

async function backUp() {
  if (target === undefined)
    throw new Error("Name the file to write: node docker/backup.mjs <new file> [database file]");
  if (existsSync(target)) throw new Error(`${target} is there already. Name another file.`);
  if (!existsSync(source)) throw new Error(`There is no database ${source}. Name its file after the new one's.`);
  const live = createClient({ url: `file:${path.resolve(source)}` });
  await live.execute({ sql: "VACUUM INTO ?", args: [path.resolve(target)] });
  live.close();
  const copy = createClient({ url: `file:${path.resolve(target)}` });
  const { rows } = await copy.execute("PRAGMA integrity_check");
  copy.close();
  if (rows[0]?.["integrity_check"] !== "ok") throw new Error(`The copy is damaged: ${JSON.stringify(rows[0])}`);
  console.log(`${target}: ${statSync(target).size} bytes, checked`);
}

await backUp().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
