import path from "node:path";
import { defineConfig } from "vitest/config";

const built = path.join(import.meta.dirname, "dist");

export default defineConfig({
  resolve: {
    alias: [
      // Tests run what is shipped: src/ as it was compiled by the global set-up. That also spares every test file, process
      // and thread the compiling.
      { find: /^(?:\.\.\/)+src\/(.*)$/, replacement: `${built}/$1` },
      // Vite would take graphql's ES modules and type-graphql, loaded by Node, its CommonJS ones: two different libraries.
      { find: /^graphql$/, replacement: "graphql/index.js" },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    // Each file gets a process of its own: native parts (ONNX Runtime, libsql) do not share one well.
    pool: "forks",
    maxWorkers: 2,
    // Long enough for a machine that is busy with other things: no test is about speed.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    globalSetup: ["test/fixtures/global-setup.ts"],
    server: { deps: { external: [/\/dist\//] } },
  },
});
