import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { TEST_PACK } from "../../fixtures/earshot.js";
import { CLI } from "../../fixtures/programs.js";
import { startProgram } from "../../fixtures/worker-processes.js";

it.each(["SIGTERM", "SIGINT"] as const)("earshot serve answers, and ends well on %s", async (signal) => {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-serve-")));
  const server = startProgram([CLI, "serve", "--port", "0", "--data-dir", folder, "--model-pack", TEST_PACK], {});
  try {
    const url = (await server.said("GraphQL:")).trim().replace(/\/graphql$/, "");
    expect(url, server.log()).toMatch(/^http:\/\/localhost:\d+$/);
    expect((await fetch(`${url.replace("localhost", "127.0.0.1")}/ready`)).status).toBe(200);
    server.child.kill(signal);
    expect(await server.ended).toBe(0);
    expect(server.log()).not.toMatch(/"level":(50|60)/);
  } finally {
    server.child.kill("SIGKILL");
    await rm(folder, { recursive: true });
  }
});
