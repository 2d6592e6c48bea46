import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";

const CHECK = fileURLToPath(new URL("../../../docker/health.mjs", import.meta.url));

/** A server that answers every request with a status; gives its port. */
async function answering(status: number): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return String((server.address() as AddressInfo).port);
}

/** A port on which nothing listens. */
const NOBODY = "1";

async function check(env: Record<string, string>): Promise<number> {
  const child = spawn(process.execPath, [CHECK], { env, stdio: "ignore" });
  return (await once(child, "exit"))[0] as number;
}

describe("the health check of the image", () => {
  it("finds a server on its port and a worker on the port of its health, though both ports are set", async () => {
    const port = await answering(200);
    expect(await check({ EARSHOT_PORT: port, EARSHOT_HEALTH_PORT: NOBODY })).toBe(0);
    expect(await check({ EARSHOT_PORT: NOBODY, EARSHOT_HEALTH_PORT: port })).toBe(0);
    expect(await check({ EARSHOT_HEALTH_PORT: port })).toBe(0);
  });

  it("fails when nobody answers, or what answers is not well", async () => {
    expect(await check({ EARSHOT_PORT: NOBODY, EARSHOT_HEALTH_PORT: NOBODY })).toBe(1);
    expect(await check({ EARSHOT_PORT: NOBODY, EARSHOT_HEALTH_PORT: await answering(503) })).toBe(1);
  });
});
