import path from "node:path";
import { defineConfig } from "vitest/config";
import { whyNoPostgres } from "./test/fixtures/postgres-cluster.js";
import { SHORT_LIVED } from "./test/fixtures/programs.js";

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
function project(name: string, database: "sqlite" | "postgresql", include: string[], exclude: string[] = []) {
  return {
    resolve,
    test: {
      name,
      // The global set-up says so where they cannot run.
      include: database === "postgresql" && whyNoPostgres() !== null ? [] : include,
      exclude,
      provide: { database },
      // Processes, not threads: native parts (ONNX Runtime, libsql) do not share one well. A process does many files one
      // after the other, for to load everything takes longer than most files do: what a file changes for all it puts back.
      pool: "forks" as const,
      isolate: false,
      execArgv: SHORT_LIVED,
      // Long enough for a machine that is busy with other things: no test is about speed.
      testTimeout: 120_000,
      hookTimeout: 120_000,
      server: { deps: { external: [/\/dist\//] } },
    },
  };
}

/** Tests of PostgreSQL itself. */
const ofPostgresql = "test/**/postgresql/**/*.test.ts";

/** Tests of what stands on a database run with PostgreSQL once more. */
const onDatabase = ["test/unit/{catalog,queue}/**/*.test.ts", "test/unit/vectors/local.test.ts"];

/** Tests of the whole product that are about something else, or about SQLite itself. */
const withoutDatabase = [
  "test/**/sqlite/**",
  "test/integration/cli/**",
  "test/integration/evaluation/{clips,clips-crash,golden,starter-benchmark}.test.ts",
  "test/integration/{golden-packs,imported-pack,starter-pack}.test.ts",
  "test/integration/ingest/{feature-cache,pictures,shared-videos}.test.ts",
];

export default defineConfig({
  resolve,
  test: {
    maxWorkers: 2,
    globalSetup: ["test/fixtures/global-setup.ts"],
    projects: [
      project("sqlite", "sqlite", ["test/**/*.test.ts"], [ofPostgresql]),
      project("postgresql", "postgresql", [ofPostgresql, ...onDatabase], ["test/**/sqlite/**"]),
      // The whole product on PostgreSQL; `npm test` leaves it to `npm run test:postgresql`, for it takes as long again.
      project(
        "whole-on-postgresql",
        "postgresql",
        ["test/integration/**/*.test.ts"],
        [ofPostgresql, ...withoutDatabase],
      ),
    ],
  },
});
