import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Client, Config, InStatement } from "@libsql/client";
import { PrismaLibSql } from "@prisma/adapter-libsql";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";

/**
 * Compares prisma/schema.prisma with the migrations beside it, by Prisma's own schema engine
 * (its WebAssembly build: nothing is downloaded).
 *
 *   npx tsx scripts/schema-diff.ts           prints the SQL of the next migration, if one is needed
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

function readMigrations() {
  const baseDir = path.join(root, "prisma", "migrations");
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

const schemaPath = path.join(root, "prisma", "schema.prisma");
const schema = { path: schemaPath, content: readFileSync(schemaPath, "utf8") };
const { SchemaEngine } = await loadSchemaEngine();
const adapter = bindMigrationAwareSqlAdapterFactory(new ScriptingAdapter({ url: ":memory:" }));
const engine = await SchemaEngine.new({ datamodels: [[schema.path, schema.content]] }, () => undefined, adapter);
const difference = await engine.diff({
  from: { tag: "migrations", ...readMigrations() },
  to: { tag: "schemaDatamodel", files: [schema], configDir: root },
  script: true,
  exitCode: true,
  filters: { externalTables: [], externalEnums: [] },
  shadowDatabaseUrl: null,
});

if (difference.exitCode === 0) {
  console.log("The migrations lead to prisma/schema.prisma exactly.");
} else {
  console.log(difference.stdout);
  if (process.argv.includes("--check")) {
    console.error("prisma/schema.prisma and prisma/migrations differ: put the SQL above into a new migration.");
    process.exitCode = 1;
  }
}
