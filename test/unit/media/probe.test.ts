import { describe, expect, it } from "vitest";
import { chooseAudioStream, probe } from "../../../src/media/index.js";
import { sample } from "../../fixtures/media-samples.js";
import { allTools } from "../../fixtures/tools.js";

const options = { probeTimeoutSeconds: 30 };

describe.each(await allTools())("probing with %s", (_, tools) => {
  it("tells container, duration and streams", async () => {
    const media = await probe(tools, await sample("tone.mp4"), options);
    expect(media.container).toContain("mp4");
    expect(media.durationSeconds).toBeCloseTo(6, 1);
    expect(media.videoStreams).toHaveLength(1);
    expect(media.audioStreams).toMatchObject([{ codec: "aac", channels: 2, sampleRate: 44_100, startSeconds: 0 }]);
  });

  it("reads a transport stream whose name is not plain ASCII", async () => {
    const media = await probe(tools, await sample("tone.ts"), options);
    expect(media.audioStreams).toMatchObject([{ codec: "ac3", channels: 6 }]);
  });

  it("does not know the duration of a file that was written to a pipe", async () => {
    const media = await probe(tools, await sample("no-duration.webm"), options);
    expect(media.durationSeconds).toBeNull();
  });

  it("tells how late the sound starts", async () => {
    for (const name of ["late.mkv", "late.mp4", "late.ts"] as const) {
      const media = await probe(tools, await sample(name), options);
      expect(media.audioStreams[0]?.startSeconds).toBeCloseTo(2.5, 1);
    }
  });

  it("finds the flagged track among several, and the first when asked to", async () => {
    const media = await probe(tools, await sample("two-tracks.mkv"), options);
    expect(media.audioStreams.map(({ language, isDefault }) => [language, isDefault])).toEqual([
      ["eng", false],
      ["deu", true],
    ]);
    expect(chooseAudioStream(media, "default")?.language).toBe("deu");
    expect(chooseAudioStream(media, "first")?.language).toBe("eng");
  });

  it("finds no track in a film without sound", async () => {
    expect(chooseAudioStream(await probe(tools, await sample("no-audio.mp4"), options), "default")).toBeNull();
  });

  it.each([
    ["text.mp4", "MEDIA_UNREADABLE"],
    ["random.mkv", "MEDIA_UNREADABLE"],
    ["empty.mp4", "MEDIA_UNREADABLE"],
    ["truncated-no-index.mp4", "MEDIA_TRUNCATED"],
  ] as const)("refuses %s as %s", async (name, code) => {
    await expect(probe(tools, await sample(name), options)).rejects.toMatchObject({ code, retryable: false });
  });

  it.each(["playlist.mp4", "concat.mp4", "image.mp4"] as const)(
    "does not open %s, which is no container",
    async (name) => {
      const refusal = await probe(tools, await sample(name), options).catch((error: unknown) => error);
      expect(refusal).toMatchObject({
        code: expect.stringMatching(/^MEDIA_(FORMAT_UNSUPPORTED|UNREADABLE)$/) as string,
      });
    },
  );

  it("gives up when ffprobe takes too long", async () => {
    const file = await sample("tone.mp4");
    await expect(probe(tools, file, { probeTimeoutSeconds: 0.001 })).rejects.toMatchObject({
      code: "MEDIA_PROBE_TIMEOUT",
      retryable: true,
    });
  });

  it("says nothing of the server's folders in its messages", async () => {
    const file = await sample("text.mp4");
    const refusal = (await probe(tools, file, options).catch((error: unknown) => error)) as Error;
    expect(refusal.message).not.toContain("/");
  });
});
