import { afterEach, describe, expect, it, vi } from "vitest";
import { resolveOptions } from "../../../src/config/index.js";
import { PackRuntimes } from "../../../src/encoding/index.js";
import { TINY_PACK } from "../../fixtures/tiny-pack.js";
import { silentLogger } from "../../fixtures/tools.js";

afterEach(() => {
  vi.useRealTimers();
});

describe("a model pack that is open", () => {
  it("is closed a while after everyone has released it, and that is told", async () => {
    const idle: string[] = [];
    const options = resolveOptions({ inference: { threads: 1 } });
    const runtimes = new PackRuntimes(options, silentLogger, undefined, undefined, (id) => idle.push(id));
    const first = await runtimes.borrow(TINY_PACK);
    const second = first.share();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    first.release();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(idle).toEqual([]);
    second.release();
    await vi.advanceTimersByTimeAsync(29_000);
    expect(idle).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(idle).toEqual(["tiny@1.0.0"]);
    vi.useRealTimers();
    await runtimes.close();
  });

  it("is looked for again by the next who asks when it could not be opened, and nothing is left of the failure", async () => {
    const idle: string[] = [];
    const unheard: unknown[] = [];
    const listen = (reason: unknown) => void unheard.push(reason);
    process.on("unhandledRejection", listen);
    try {
      const options = resolveOptions({ inference: { threads: 1 } });
      const runtimes = new PackRuntimes(options, silentLogger, undefined, undefined, (id) => idle.push(id));
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      for (let attempt = 0; attempt < 2; attempt++)
        await expect(runtimes.borrow("/no/such/pack")).rejects.toMatchObject({ code: "PACK_NOT_FOUND" });
      await vi.advanceTimersByTimeAsync(60_000);
      vi.useRealTimers();
      // Node tells of rejections that nobody took when all that was due is done.
      await new Promise((resolve) => setImmediate(resolve));
      expect([idle, unheard]).toEqual([[], []]);
      await runtimes.close();
    } finally {
      process.off("unhandledRejection", listen);
    }
  });
});
