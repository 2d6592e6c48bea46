import { appendFile, cp, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand, type Ran } from "../../fixtures/command-line.js";
import { TEST_PACK, TEST_PACK_WORD } from "../../fixtures/earshot.js";
import { writeWav } from "../../fixtures/media-files.js";
import { inTurn, noise, SAMPLE_RATE, tone } from "../../fixtures/sounds.js";

describe("the command line", () => {
  let folder: string;

  /** Runs a command as a person would, with this test's data and model pack. */
  const earshot = (command: string, args: string[], pack = TEST_PACK): Promise<Ran> =>
    runCommand([command, ...args, "--data-dir", path.join(folder, "data"), "--model-pack", pack]);

  beforeAll(async () => {
    folder = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-cli-")));
    const quiet = (seconds: number, seed: number): Float32Array => noise(seconds * SAMPLE_RATE, seed, 0.01);
    const alarm = inTurn(quiet(5.76, 1), tone(2000, 1.92 * SAMPLE_RATE), quiet(3.84, 2));
    await writeWav(path.join(folder, "sounds", "alarm.wav"), alarm);
    await writeWav(path.join(folder, "sounds", "deep", "rumble.wav"), tone(250, 6 * SAMPLE_RATE));
    await writeFile(path.join(folder, "broken.mp4"), "this is no film");
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("says how to fill an empty library", async () => {
    const { code, complaints } = await earshot("search", [TEST_PACK_WORD]);
    expect(code).toBe(0);
    expect(complaints.join(" ")).toContain("earshot ingest");
  });

  it("ingests a folder to the bottom, one line a file and a summary", async () => {
    const { code, out } = await earshot("ingest", [path.join(folder, "sounds")]);
    expect(code).toBe(0);
    expect(out).toEqual([
      "[1/2] ✓ sounds/alarm.wav  0:11.5, 5 segments",
      "[2/2] ✓ sounds/deep/rumble.wav  0:06.0, 3 segments",
      expect.stringMatching(/^2 ingested, 0 failed; 17\.5 s of sound in [\d.]+ s \([\d.]+ times real time\)$/),
    ]);
  });

  it("shows videos and moments in a table", async () => {
    const { code, out } = await earshot("search", ["an", TEST_PACK_WORD, "--first", "1"]);
    expect(code).toBe(0);
    expect(out[0]).toMatch(/^video +moment +score +relevance$/);
    expect(out[2]).toMatch(/^alarm +0:05\.8-0:07\.7 +0\.\d{3} +\d+ %$/);
    expect(out).toHaveLength(3);
  });

  it("prints the same as JSON, and nothing else on stdout", async () => {
    const { out } = await earshot("search", [TEST_PACK_WORD, "--first", "1", "--json"]);
    const answer = JSON.parse(out.join("\n"));
    expect(answer).toMatchObject({
      videos: [{ externalId: "sounds/alarm.wav", title: "alarm", moments: [{ startSeconds: 5.76, endSeconds: 7.68 }] }],
      notices: [],
      hasNextPage: true,
    });
  });

  it("replaces videos when it is run again, and never doubles them", async () => {
    await earshot("ingest", [path.join(folder, "sounds")]);
    const { out } = await earshot("search", [TEST_PACK_WORD, "--json"]);
    expect(JSON.parse(out.join("\n")).videos).toHaveLength(2);
  });

  it("goes on after a file that fails, says why, and exits with 1", async () => {
    const paths = [
      path.join(folder, "broken.mp4"),
      path.join(folder, "missing.mp4"),
      path.join(folder, "sounds", "alarm.wav"),
    ];
    const { code, out, complaints } = await earshot("ingest", paths);
    expect(code).toBe(1);
    expect(complaints).toEqual([
      expect.stringContaining("missing.mp4  There is no such file or folder."),
      expect.stringMatching(/broken\.mp4 .*\(MEDIA_UNREADABLE\)$/),
    ]);
    expect(out.at(-1)).toMatch(/^1 ingested, 2 failed/);
  });

  it("never lets a file take the place of another one with the same name", async () => {
    const other = await writeWav(path.join(folder, "elsewhere", "sounds", "alarm.wav"), tone(125, 2 * SAMPLE_RATE));
    const refused = await earshot("ingest", [path.dirname(other)]);
    expect(refused.code).toBe(1);
    expect(refused.complaints.join(" ")).toContain("--id-prefix");
    const taken = await earshot("ingest", [path.dirname(other), "--id-prefix", "elsewhere/"]);
    expect(taken.code).toBe(0);
    expect(taken.out[0]).toContain("elsewhere/sounds/alarm.wav");
  });

  it("refuses a query it cannot take with the error of the API", async () => {
    await expect(earshot("search", ["?!"])).rejects.toMatchObject({ code: "QUERY_EMPTY" });
    await expect(earshot("search", ["x", "--first", "0"])).rejects.toMatchObject({ code: "FIRST_OUT_OF_RANGE" });
    await expect(earshot("search", ["x", "--first", "many"])).rejects.toMatchObject({
      code: "commander.invalidArgument",
    });
  });

  it("finds nothing wrong with a healthy installation", async () => {
    const { code, out } = await earshot("doctor", ["--media-root", path.join(folder, "sounds")]);
    const lines = out.join("\n");
    expect(lines).not.toContain("✗");
    expect(lines).toMatch(/✓ Node +\d+\./);
    expect(lines).toMatch(/[✓!] ffmpeg +\S+ \((system|bundled|configured)\)/);
    expect(lines).toMatch(/✓ model pack +tiny@1\.0\.0, 6 files/);
    expect(lines).toMatch(/✓ models +ONNX Runtime [\d.]+ on cpu/);
    expect(lines).toMatch(/✓ database .*segments in index tiny@1\.0\.0.*jobs completed/);
    expect(lines).toContain(`✓ media roots  ${path.join(folder, "sounds")}`);
    expect(code).toBe(0);
  });

  it("names what is wrong with a broken one, and exits with 1", async () => {
    const pack = path.join(folder, "altered-pack");
    await cp(TEST_PACK, pack, { recursive: true });
    await appendFile(path.join(pack, "vggish.onnx"), "x");
    const { code, out } = await earshot("doctor", ["--media-root", path.join(folder, "no-such-folder")], pack);
    const lines = out.join("\n");
    expect(lines).toMatch(/✗ model pack +The file "vggish\.onnx"/);
    expect(lines).toMatch(/✗ media roots .*no-such-folder/);
    expect(code).toBe(1);
  });

  it("does not start with an altered pack, and names the file", async () => {
    await expect(earshot("search", ["x"], path.join(folder, "altered-pack"))).rejects.toMatchObject({
      code: "PACK_FILE_ALTERED",
      message: expect.stringContaining("vggish.onnx"),
    });
  });
});
