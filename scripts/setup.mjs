/**
 * Makes a clone ready: installs dependencies, generates the Prisma clients. Needs Node and npm only, and does nothing
 * that is already done, so every other script begins with it.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { postgresqlTwin } from "./postgresql-twin.mjs";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");
const at = (...parts) => path.join(root, ...parts);

/** SHA-256 over the contents of files; a file that is missing counts as empty. */
export function fingerprint(files) {
  const hash = createHash("sha256");
  for (const file of files)
    hash
      .update(file)
      .update("\0")
      .update(existsSync(file) ? readFileSync(file) : "");
  return hash.digest("hex");
}

function run(what, command, args, env = {}) {
  console.error(`setup: ${what}`);
  // Output goes to stderr: the stdout of the script that called us belongs to its own answers.
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", 2, 2],
  });
  if (status === 0) return;
  console.error(`setup: "${what}" failed${error ? `: ${error.message}` : ""}.`);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Earshot needs Node 20.19 or later; this is ${process.versions.node}.`);
  process.exit(1);
}

function installDependencies() {
  const lock = at("package-lock.json");
  const stamp = at("node_modules", ".earshot-lock");
  const wanted = fingerprint([lock]);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  const installed = at("node_modules", ".package-lock.json");
  // Installed by hand with npm, after the lock file last changed.
  const upToDate = existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs;
  if (!upToDate) {
    const args = ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
    const npm = process.env.npm_execpath;
    if (npm?.endsWith(".js")) run("installing dependencies", process.execPath, [npm, ...args]);
    else run("installing dependencies", process.platform === "win32" ? "npm.cmd" : "npm", args);
  }
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

function generateClient(schema, output) {
  const stamp = at("src", "catalog", output, ".fingerprint");
  const wanted = fingerprint([at(schema), at("node_modules", "prisma", "package.json")]);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  run(
    `generating the database client from ${schema}`,
    process.execPath,
    [at("node_modules", "prisma", "build", "index.js"), "generate", "--schema", at(schema)],
    {
      // Prisma would download an engine which generating does not need; any program that exists keeps it from that.
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: "1",
      CHECKPOINT_DISABLE: "1",
    },
  );
  writeFileSync(stamp, wanted);
}

function generateClients() {
  const twin = at("prisma", "postgresql", "schema.prisma");
  const wanted = postgresqlTwin(readFileSync(at("prisma", "schema.prisma"), "utf8"));
  if (!existsSync(twin) || readFileSync(twin, "utf8") !== wanted) {
    mkdirSync(path.dirname(twin), { recursive: true });
    writeFileSync(twin, wanted);
  }
  generateClient("prisma/schema.prisma", "generated");
  generateClient("prisma/postgresql/schema.prisma", "generated-postgresql");
}

checkNode();
installDependencies();
generateClients();
