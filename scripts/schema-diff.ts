import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Client, Config, InStatement } from "@libsql/client";
import { PrismaLibSql } from "@prisma/adapter-libsql";
import { PrismaPg } from "@prisma/adapter-pg";
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlMigrationAwareDriverAdapterFactory,
} from "@prisma/driver-adapter-utils";
import { NoPostgresError, startPostgresCluster } from "../test/fixtures/postgres-cluster.js";
import { postgresqlTwin } from "./postgresql-twin.mjs";

/**
 * Compares the data model with the migrations, for SQLite and for PostgreSQL, by Prisma's own schema engine
 * (its WebAssembly build: nothing is downloaded). PostgreSQL is compared in a server of its own, where one can be started.
 *
 *   npx tsx scripts/schema-diff.ts           prints the SQL of the next migrations, if some are needed
 *   npx tsx scripts/schema-diff.ts --check   exits 1 when the migrations do not lead to the schema
 */
const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");

/** Node has it; the type declarations of this TypeScript set-up leave it to the browser's. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(module: object, imports: object): Promise<{ exports: Record<string, unknown> }>;
};

interface SchemaEngine {
  diff(params: unknown): Promise<{ exitCode: number; stdout: string | null }>;
}
interface SchemaEngineModule {
  SchemaEngine: { new: (options: unknown, log: () => void, adapter: unknown) => Promise<SchemaEngine> };
  __wbg_set_wasm(exports: Record<string, unknown>): void;
}

/** The package's own entry imports a .wasm file, which Node cannot do; so it is put together here. */
async function loadSchemaEngine(): Promise<SchemaEngineModule> {
  const require = createRequire(import.meta.url);
  const entry = require.resolve("@prisma/schema-engine-wasm/schema_engine_bg");
  const engine = (await import(entry)) as SchemaEngineModule;
  const wasm = await WebAssembly.compile(readFileSync(path.join(path.dirname(entry), "schema_engine_bg.wasm")));
  const instance = await WebAssembly.instantiate(wasm, { "./schema_engine_bg.js": engine });
  engine.__wbg_set_wasm(instance.exports);
  (instance.exports["__wbindgen_start"] as () => void)();
  return engine;
}

/** The engine runs a whole migration as one statement, of which libsql would run the first only. */
class ScriptingAdapter extends PrismaLibSql {
  override createClient(config: Config): Client {
    const client = super.createClient(config);
    const execute = client.execute.bind(client);
    client.execute = async (statement: InStatement) => {
      const { sql, args } = typeof statement === "string" ? { sql: statement, args: [] } : statement;
      if (sql.startsWith("--") && Array.isArray(args) && args.length === 0) await client.executeMultiple(sql);
      return execute(sql.startsWith("--") ? "SELECT 1" : statement);
    };
    return client;
  }
}

/** The engine asks for columns of PostgreSQL's own type "char", which Prisma's adapter does not know. */
class CharAdapter extends PrismaPg {
  override async connectToShadowDb() {
    const adapter = await super.connectToShadowDb();
    const inside = adapter as unknown as { performIO(query: unknown): Promise<{ fields: { dataTypeID: number }[] }> };
    const perform = inside.performIO.bind(adapter);
    inside.performIO = async (query) => {
      const result = await perform(query);
      for (const field of result.fields) if (field.dataTypeID === CHAR) field.dataTypeID = CHARACTER;
      return result;
    };
    return adapter;
  }
}

/** Numbers of types, as PostgreSQL's catalogue has them. */
const CHAR = 18;
const CHARACTER = 1042;

function readMigrations(folder: string) {
  const baseDir = path.join(root, folder);
  const folders = readdirSync(baseDir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return {
    baseDir,
    lockfile: { path: "migration_lock.toml", content: readFileSync(path.join(baseDir, "migration_lock.toml"), "utf8") },
    shadowDbInitScript: "",
    migrationDirectories: folders
      .map((folder) => folder.name)
      .sort()
      .map((name) => ({
        path: name,
        migrationFile: {
          path: "migration.sql",
          content: { tag: "ok", value: readFileSync(path.join(baseDir, name, "migration.sql"), "utf8") },
        },
      })),
  };
}

/** The SQL that leads from the migrations in a folder to a schema; null when they agree. */
async function difference(
  schemaFile: string,
  folder: string,
  adapter: SqlMigrationAwareDriverAdapterFactory,
): Promise<string | null> {
  const schemaPath = path.join(root, schemaFile);
  const schema = { path: schemaPath, content: readFileSync(schemaPath, "utf8") };
  const bound = bindMigrationAwareSqlAdapterFactory(adapter);
  const engine = await SchemaEngine.new({ datamodels: [[schema.path, schema.content]] }, () => undefined, bound);
  const { exitCode, stdout } = await engine.diff({
    from: { tag: "migrations", ...readMigrations(folder) },
    to: { tag: "schemaDatamodel", files: [schema], configDir: root },
    script: true,
    exitCode: true,
    filters: { externalTables: [], externalEnums: [] },
    shadowDatabaseUrl: null,
  });
  return exitCode === 0 ? null : stdout;
}

/** Texts have to be ordered by their bytes, as in SQLite, whatever the database's language. Prisma's models cannot say so. */
const UNORDERED_TEXT = /\bTEXT\b(?! COLLATE "C")/g;

async function postgresqlDifference(): Promise<string | null> {
  const folder = "prisma/postgresql/migrations";
  for (const { path: name, migrationFile } of readMigrations(folder).migrationDirectories) {
    if (migrationFile.content.value.search(UNORDERED_TEXT) >= 0) {
      throw new Error(`${folder}/${name}: every column of type TEXT must be TEXT COLLATE "C".`);
    }
  }
  const cluster = await startPostgresCluster();
  try {
    const adapter = new CharAdapter(cluster.url());
    const sql = await difference("prisma/postgresql/schema.prisma", folder, adapter);
    return sql?.replace(UNORDERED_TEXT, 'TEXT COLLATE "C"') ?? null;
  } finally {
    await cluster.end();
  }
}

function report(what: string, sql: string | null): void {
  if (sql === null) {
    console.log(`${what}: the migrations lead to the schema exactly.`);
    return;
  }
  console.log(sql);
  if (!process.argv.includes("--check")) return;
  console.error(`${what}: schema and migrations differ. Put the SQL above into a new migration.`);
  process.exitCode = 1;
}

const { SchemaEngine } = await loadSchemaEngine();
const twin = readFileSync(path.join(root, "prisma/postgresql/schema.prisma"), "utf8");
if (twin !== postgresqlTwin(readFileSync(path.join(root, "prisma/schema.prisma"), "utf8"))) {
  throw new Error("prisma/postgresql/schema.prisma is not what prisma/schema.prisma gives: run `npm run setup`.");
}
report(
  "SQLite",
  await difference("prisma/schema.prisma", "prisma/migrations", new ScriptingAdapter({ url: ":memory:" })),
);
try {
  report("PostgreSQL", await postgresqlDifference());
} catch (error) {
  if (!(error instanceof NoPostgresError)) throw error;
  console.error(`\nPostgreSQL: migrations NOT CHECKED: ${error.message}.\n`);
}
