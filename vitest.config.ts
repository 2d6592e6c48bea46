import path from "node:path";
import { defineConfig } from "vitest/config";
import { whyNoPostgres } from "./test/fixtures/postgres-cluster.js";

const built = path.join(import.meta.dirname, "dist");

const resolve = {
  alias: [
    // Tests run what is shipped: src/ as it was compiled by the global set-up. That also spares every test file, process
    // and thread the compiling.
    { find: /^(?:\.\.\/)+src\/(.*)$/, replacement: `${built}/$1` },
    // Vite would take graphql's ES modules and type-graphql, loaded by Node, its CommonJS ones: two different libraries.
    { find: /^graphql$/, replacement: "graphql/index.js" },
  ],
};

/** A run of tests with one kind of database. */
function project(name: "sqlite" | "postgresql", include: string[], exclude: string[] = []) {
  return {
    resolve,
    test: {
      name,
      include,
      exclude,
      provide: { database: name },
      // Processes, not threads: native parts (ONNX Runtime, libsql) do not share one well. A process does many files one
      // after the other, for to load everything takes longer than most files do: what a file changes for all it puts back.
      pool: "forks" as const,
      isolate: false,
      // Long enough for a machine that is busy with other things: no test is about speed.
      testTimeout: 120_000,
      hookTimeout: 120_000,
      server: { deps: { external: [/\/dist\//] } },
    },
  };
}

const ofPostgresql = "test/**/postgresql/**/*.test.ts";

/** Tests that touch a database run with PostgreSQL once more. */
const withDatabase = [
  "test/integration/**/*.test.ts",
  "test/unit/catalog/**/*.test.ts",
  "test/unit/queue/**/*.test.ts",
  "test/unit/vectors/local.test.ts",
];

/** Those among them that are about something else, or about SQLite itself. */
const withoutDatabase = [
  "test/**/sqlite/**",
  "test/integration/cli/**",
  "test/integration/evaluation/{clips,clips-crash,golden,starter-benchmark}.test.ts",
  "test/integration/{golden-packs,imported-pack,starter-pack}.test.ts",
  "test/integration/ingest/{feature-cache,pictures,shared-videos}.test.ts",
];

const postgresql = project("postgresql", withDatabase, withoutDatabase);

export default defineConfig({
  resolve,
  test: {
    maxWorkers: 2,
    globalSetup: ["test/fixtures/global-setup.ts"],
    projects: [
      project("sqlite", ["test/**/*.test.ts"], [ofPostgresql]),
      // The global set-up says so where they cannot run.
      ...(whyNoPostgres() === null ? [postgresql] : []),
    ],
  },
});
