/**
 * Compiles src/ into dist/. With --if-stale, only when something that goes into it has changed.
 *
 * Everything else that runs (models, migrations, the web page) is read from where it lies in the package.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { fingerprint } from "./setup.mjs";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..");
const stamp = path.join(root, "dist", ".fingerprint");

function sources() {
  const files = readdirSync(path.join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  const settings = ["tsconfig.json", "tsconfig.build.json", "package-lock.json"].map((name) => path.join(root, name));
  return [...files.sort(), ...settings];
}

/** Removes what was compiled from sources that are gone. */
function removeLeftovers() {
  for (const entry of readdirSync(path.join(root, "dist"), { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    const source = path.join(root, "src", path.relative(path.join(root, "dist"), file));
    if (
      entry.isFile() &&
      /\.(js|js\.map|d\.ts)$/.test(file) &&
      !existsSync(source.replace(/\.(js|js\.map|d\.ts)$/, ".ts"))
    )
      rmSync(file);
  }
}

/**
 * Compiles src/ into dist/: all of it when `force` is true, otherwise only what has changed, if anything has. Ends the
 * process when it fails.
 */
export function build(force) {
  const wanted = fingerprint(sources());
  if (!force && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error("build: compiling");
  if (force) rmSync(path.join(root, "dist"), { recursive: true, force: true });
  rmSync(stamp, { force: true });
  const compiler = path.join(root, "node_modules", "typescript", "bin", "tsc");
  const { status } = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) process.exit(1);
  removeLeftovers();
  writeFileSync(stamp, wanted);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build(!process.argv.includes("--if-stale"));
