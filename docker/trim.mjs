/**
 * Takes out of node_modules what an image never runs, and says how much that was. Run in the folder of package.json,
 * after `npm ci` or `npm prune`:
 *
 *   node docker/trim.mjs [--platform linux] [--arch x64]
 */
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    platform: { type: "string", default: process.platform },
    arch: { type: "string", default: process.arch },
  },
});

/** What packages ask for to check types with, and never load. */
const FOR_TYPES = ["typescript"];

/** Databases that Earshot has no adapter for. */
const OTHER_DATABASES = ["cockroachdb", "mysql", "sqlserver"];

const lock = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;

/** Where a package that the one at `from` names is found: as Node looks for it, from the inside out. */
function resolve(from, name) {
  for (let folder = from; ;) {
    const place = path.posix.join(folder, "node_modules", name);
    if (place in lock) return place;
    if (folder === "") return null;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf("node_modules/") - 1));
  }
}

/**
 * Packages that the product can reach. npm keeps optional peers of dependencies as well once a lock file has them for
 * development: the whole command line of Prisma, with a studio and databases of its own.
 */
function reachable() {
  const found = new Set();
  const open = Object.keys(lock[""].dependencies).map((name) => resolve("", name));
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (place === null || found.has(place)) continue;
    found.add(place);
    const {
      dependencies = {},
      optionalDependencies = {},
      peerDependencies = {},
      peerDependenciesMeta = {},
    } = lock[place];
    const peers = Object.keys(peerDependencies).filter(
      (name) => !peerDependenciesMeta[name]?.optional && !FOR_TYPES.includes(name),
    );
    for (const name of [...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...peers]) {
      open.push(resolve(place, name));
    }
  }
  return found;
}

function unreachable() {
  const wanted = reachable();
  return Object.keys(lock).filter((place) => place !== "" && !wanted.has(place));
}

/** ONNX Runtime comes with the libraries of all platforms. */
function otherPlatforms() {
  const bin = path.join("node_modules", "onnxruntime-node", "bin");
  return subfolders(bin).flatMap((api) =>
    subfolders(api).flatMap((platform) => {
      if (path.basename(platform) !== values.platform) return [platform];
      return subfolders(platform).filter((arch) => path.basename(arch) !== values.arch);
    }),
  );
}

/** The ffmpeg and ffprobe of 2018: an image brings a current one. */
function bundledPrograms() {
  return ["@ffmpeg-installer", "@ffprobe-installer"].flatMap((scope) => {
    const folder = path.join("node_modules", scope);
    return subfolders(folder).filter((place) => /-(x64|ia32|arm64|arm)$/.test(place));
  });
}

function otherQueryCompilers() {
  const runtime = path.join("node_modules", "@prisma", "client", "runtime");
  if (!existsSync(runtime)) return [];
  return readdirSync(runtime)
    .filter((file) => OTHER_DATABASES.some((database) => file.includes(`.${database}.`)))
    .map((file) => path.join(runtime, file));
}

function subfolders(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(folder, entry.name));
}

function bytesIn(place) {
  const found = lstatSync(place);
  if (!found.isDirectory()) return found.size;
  return readdirSync(place).reduce((sum, name) => sum + bytesIn(path.join(place, name)), 0);
}

/** Removes files and folders; returns their size. A folder inside one that is gone already counts as nothing. */
function remove(places) {
  let bytes = 0;
  for (const place of places) {
    if (!existsSync(place)) continue;
    bytes += bytesIn(place);
    rmSync(place, { recursive: true });
  }
  return bytes;
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;
const before = bytesIn("node_modules");
console.log(`packages for optional peers and types: ${megabytes(remove(unreachable()))}`);
console.log(`ONNX Runtime for other platforms: ${megabytes(remove(otherPlatforms()))}`);
console.log(`bundled ffmpeg and ffprobe: ${megabytes(remove(bundledPrograms()))}`);
console.log(`Prisma for other databases: ${megabytes(remove(otherQueryCompilers()))}`);
console.log(`node_modules: ${megabytes(before)} before, ${megabytes(bytesIn("node_modules"))} now`);
