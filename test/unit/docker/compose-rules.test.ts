import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { environmentVariables } from "../../../src/config/environment.js";
import { checkCompose } from "../../../scripts/docker/compose-rules.js";

const read = (name: string): string => readFileSync(new URL(`../../../docker/${name}`, import.meta.url), "utf8");
const compose = read("compose.yaml");
const envExample = read(".env.example");

function check(text: string, env = envExample): string[] {
  return checkCompose(text, { envExample: env, knownVariables: environmentVariables, exists: () => true });
}

/** The compose file with one thing changed everywhere; the change has to be there to be made. */
function changed(from: string, to: string): string[] {
  expect(compose).toContain(from);
  return check(compose.replaceAll(from, to));
}

describe("the rules for the compose file", () => {
  it("are kept", () => {
    expect(check(compose)).toEqual([]);
  });

  it.each([
    [
      "an image of any release",
      "postgres:17.10-bookworm",
      "postgres:17",
      "postgres: its image is not an exact release",
    ],
    [
      "an option that does not exist",
      "EARSHOT_DATABASE_URL",
      "EARSHOT_DATABASE",
      "Earshot does not read EARSHOT_DATABASE",
    ],
    ["ports open to everybody", "${PUBLISH_ADDRESS:-127.0.0.1}:", "", "is open to everybody"],
    ["a root file system that can be written", "read_only: true", "read_only: false", "its root file system can be"],
    ["capabilities", "cap_drop: [ALL]", "cap_drop: [NET_RAW]", "qdrant: it keeps capabilities"],
    ["more privileges", 'security_opt: ["no-new-privileges:true"]', "security_opt: []", "may gain privileges"],
    ["a service without limits", "limits: { cpus", "ceilings: { cpus", "it has no limits of CPU and memory"],
    ["a start before the database", "service_healthy", "service_started", "api: it does not wait until postgres"],
    ["a volume that is not declared", "  postgres: {}\n", "", "postgres: volume postgres is not declared"],
    [
      "a service that another profile lacks",
      "profiles: [production, gpu]",
      "profiles: [production]",
      "worker-gpu: postgres",
    ],
    ["a service that is not there", "  qdrant:\n    <<: *safe", "  quadrant:\n    <<: *safe", "it waits for qdrant"],
    ["a health check that is missing", "    healthcheck:\n", "    x-health:\n", "postgres has no health check"],
  ])("refuse %s", (_, from, to, message) => {
    expect(changed(from, to)).toContainEqual(expect.stringContaining(message));
  });

  it("refuse a variable that the example of .env lacks, and one that nothing uses", () => {
    expect(check(compose, envExample.replace("\nWORKERS=", "\nWORKER_COUNT="))).toEqual([
      ".env.example does not name WORKERS",
      ".env.example names WORKER_COUNT, which nothing uses",
    ]);
  });

  it("refuse a Dockerfile that is not there", () => {
    const surroundings = { envExample, knownVariables: environmentVariables, exists: () => false };
    expect(checkCompose(compose, surroundings)).toContain("worker-gpu: there is no ../docker/Dockerfile.cuda");
  });
});
