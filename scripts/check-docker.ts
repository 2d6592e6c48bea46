import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { environmentVariables } from "../src/config/environment.js";
import { checkCompose } from "./docker/compose-rules.js";
import { checkDockerfile } from "./docker/dockerfile-rules.js";

/**
 * Checks the files of docker/: grammar and rules of the Dockerfiles and the compose file, and `docker compose config` for
 * each profile where Docker Compose is installed. Exits 1 when something has to be mended.
 *
 *   npx tsx scripts/check-docker.ts [program]     the program is `docker compose`, or another docker-compose
 */
const folder = fileURLToPath(new URL("../docker", import.meta.url));
const read = (name: string): string => readFileSync(path.join(folder, name), "utf8");
const findings: string[] = [];

for (const name of readdirSync(folder).filter((file) => /^Dockerfile(\.|$)/.test(file))) {
  findings.push(...checkDockerfile(read(name)).map(({ line, message }) => `docker/${name}:${line}: ${message}`));
}
findings.push(
  ...checkCompose(read("compose.yaml"), {
    envExample: read(".env.example"),
    knownVariables: environmentVariables,
    exists: (place) => existsSync(path.join(folder, place)),
  }).map((message) => `docker/compose.yaml: ${message}`),
);

const given = process.argv[2];
const [program, ...before] = given === undefined ? ["docker", "compose"] : [given];
const compose = (...args: string[]): { status: number | null; stderr: string } =>
  spawnSync(program, [...before, ...args], { cwd: folder, encoding: "utf8" });
if (compose("version").status === 0) {
  for (const profile of ["default", "production", "gpu"]) {
    const { status, stderr } = compose("--env-file", ".env.example", "--profile", profile, "config", "--quiet");
    if (status !== 0) findings.push(`docker/compose.yaml, profile ${profile}: ${stderr.trim()}`);
  }
} else {
  console.error("docker: `docker compose` is not installed here; the grammar of compose.yaml was not checked.");
}

if (findings.length === 0) console.log("The files of docker/ keep the rules.");
else {
  console.error(findings.join("\n"));
  process.exitCode = 1;
}
