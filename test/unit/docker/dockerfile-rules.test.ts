import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkDockerfile } from "../../../scripts/docker/dockerfile-rules.js";

const dockerfile = readFileSync(new URL("../../../docker/Dockerfile", import.meta.url), "utf8");
const cuda = readFileSync(new URL("../../../docker/Dockerfile.cuda", import.meta.url), "utf8");

/** The image's Dockerfile with one thing changed; the change has to be there to be made. */
function changed(from: string, to: string): string[] {
  expect(dockerfile).toContain(from);
  return checkDockerfile(dockerfile.replace(from, to)).map(({ message }) => message);
}

describe("the rules for Dockerfiles", () => {
  it("are kept by the images", () => {
    expect(checkDockerfile(dockerfile)).toEqual([]);
    expect(checkDockerfile(cuda)).toEqual([]);
  });

  it.each([
    ["a base image of any release", "node:24.21.0-trixie-slim", "node:24", "node:24 is not an exact release"],
    ["the latest base image", "node:24.21.0-trixie-slim", "node:latest", "is not an exact release"],
    ["root at the end", "USER 10001:10001", "USER 0", "who is not root"],
    ["a user by name", "USER 10001:10001", "USER earshot", "who is not root"],
    ["recommended packages", " --no-install-recommends", "", "--no-install-recommends"],
    ["questions while installing", "install -y", "install", "install with -y"],
    ["package lists in a layer", "/var/lib/apt/lists/* ", "", "remove /var/lib/apt/lists"],
    ["packages from an old list", "apt-get update", "true", "run apt-get update in the same step"],
    ["ADD", "COPY . .", "ADD . .", "use COPY"],
    ["a shell as first process", 'CMD ["serve"]', "CMD serve", "use the JSON form"],
    ["a relative folder", "WORKDIR /app", "WORKDIR app", "absolute"],
    ["a secret", "ENV NODE_ENV=production", "ENV QDRANT_API_KEY=x", "QDRANT_API_KEY looks like a secret"],
    ["a missing stop signal", "STOPSIGNAL SIGTERM\n", "", "the image has no STOPSIGNAL"],
    ["a switched-off health check", 'CMD ["node", "/app/docker/health.mjs"]', "NONE", "there has to be a health check"],
    ["an unknown stage", "--from=build", "--from=builder", "there is no earlier stage builder"],
    ["packages beside the lock file", "npm ci", "npm install", "use npm ci"],
    [
      "a pipe that hides failures",
      "node scripts/build.mjs",
      "node scripts/build.mjs | tee log",
      "a pipe hides failures",
    ],
    ["a misspelt instruction", "EXPOSE 4000", "EXPOSED 4000", "Unknown instruction"],
  ])("refuse %s", (_, from, to, message) => {
    expect(changed(from, to)).toContainEqual(expect.stringContaining(message));
  });

  it("accept an image that is named by its digest", () => {
    expect(changed("node:24.21.0-trixie-slim", `node:24@sha256:${"a".repeat(64)}`)).toEqual([]);
  });

  it("name the line", () => {
    const line = dockerfile.split("\n").indexOf("USER 10001:10001") + 1;
    expect(checkDockerfile(dockerfile.replace("USER 10001:10001", "USER root"))).toEqual([
      { line, message: expect.stringContaining("not root") as string },
    ]);
  });
});
