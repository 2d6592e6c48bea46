import { defineConfig } from "vitest/config";

export default defineConfig({
  // Vite would take graphql's ES modules and type-graphql, loaded by Node, its CommonJS ones: two different libraries.
  resolve: { alias: [{ find: /^graphql$/, replacement: "graphql/index.js" }] },
  test: {
    include: ["test/**/*.test.ts"],
    // Each file gets a process of its own: native parts (ONNX Runtime, libsql) do not share one well.
    pool: "forks",
    maxWorkers: 2,
    // Long enough for a machine that is busy with other things: no test is about speed.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    globalSetup: ["test/fixtures/global-setup.ts"],
  },
});
