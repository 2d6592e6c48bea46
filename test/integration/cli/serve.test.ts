import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";
import { TEST_PACK } from "../../fixtures/earshot.js";
import { CLI, SHORT_LIVED } from "../../fixtures/programs.js";

it.each(["SIGTERM", "SIGINT"] as const)("earshot serve answers, and ends well on %s", async (signal) => {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-serve-")));
  const args = [...SHORT_LIVED, CLI, "serve", "--port", "0", "--data-dir", folder, "--model-pack", TEST_PACK];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  try {
    let url = "";
    for await (const line of createInterface({ input: child.stdout })) {
      url = /^GraphQL: +(\S+)\/graphql$/.exec(line)?.[1] ?? "";
      if (url !== "") break;
    }
    expect(url, log).toMatch(/^http:\/\/localhost:\d+$/);
    expect((await fetch(`${url.replace("localhost", "127.0.0.1")}/ready`)).status).toBe(200);
    child.kill(signal);
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(log).not.toMatch(/"level":(50|60)/);
  } finally {
    child.kill("SIGKILL");
    await rm(folder, { recursive: true });
  }
});
