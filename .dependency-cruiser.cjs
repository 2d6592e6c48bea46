/**
 * The import rule: arrows only go down.
 *
 *   cli -> server -> (earshot.ts: the composition root) -> graphql -> ingest, search, evaluation -> queue, indexes
 *     -> encoding, vectors, catalog, media -> models -> config -> telemetry -> timing -> errors
 *
 * Rooms on one level do not know each other; only vectors may use the catalog, where the local index keeps its rows.
 */

/** Rooms from the top down; a room may import those below its own line. */
const levels = [
  ["cli"],
  ["server"],
  ["graphql"],
  ["ingest", "search", "evaluation"],
  ["queue", "indexes"],
  ["encoding", "vectors", "catalog", "media"],
  ["models"],
  ["config"],
  ["telemetry"],
  ["timing"],
];

const room = (names) => `^src/(${names.join("|")})/`;

const layering = levels.flatMap((names, level) =>
  names.map((name) => {
    const above = levels.slice(0, level).flat();
    const beside = names.filter((other) => other !== name && !(name === "vectors" && other === "catalog"));
    // cli and server stand above the composition root; nothing else may use it.
    const root = ["cli", "server"].includes(name) ? [] : ["^src/(earshot|index)\\.ts$"];
    const forbidden = [...above, ...beside];
    return {
      name: `${name}-imports-only-downwards`,
      severity: "error",
      from: { path: room([name]) },
      to: { path: [...(forbidden.length > 0 ? [room(forbidden)] : []), ...root] },
    };
  }),
);

module.exports = {
  forbidden: [
    ...layering.filter(({ to }) => to.path.length > 0),
    {
      name: "errors-import-nothing",
      severity: "error",
      from: { path: "^src/errors\\.ts$" },
      to: { path: "^src/" },
    },
    {
      name: "the-root-does-not-know-its-users",
      severity: "error",
      from: { path: "^src/earshot\\.ts$" },
      to: { path: "^src/((cli|server)/|index\\.ts$)" },
    },
    {
      name: "no-circles",
      severity: "error",
      from: { pathNot: "/generated(-postgresql)?/" },
      to: { circular: true, pathNot: "/generated(-postgresql)?/" },
    },
    {
      name: "no-development-packages-in-the-product",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
    { name: "everything-is-found", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    // Imports of types are arrows, too.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};
