import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EvaluateFlags } from "../../../src/cli/evaluate-flags.js";
import { evaluateCommand } from "../../../src/cli/evaluate.js";
import { toGlobalId } from "../../../src/graphql/ids.js";
import { recordingTerminal, runCommand, type Ran } from "../../fixtures/command-line.js";
import { openTestEarshot, TEST_PACK } from "../../fixtures/earshot.js";
import { writeWav } from "../../fixtures/media-files.js";
import { sample } from "../../fixtures/media-samples.js";
import { SAMPLE_RATE, tone } from "../../fixtures/sounds.js";

const HOSTILE = `a kettle "whistle" <script>alert(1)</script>`;

/** What the test pack hears of each clip is known; the caption of "odd" is that of another clip. */
const CLIPS = [
  { id: "rumble", captions: ["an engine rumble"], hertz: 250 },
  { id: "alarm", captions: ["the alarm"], hertz: 2000 },
  { id: "kettle", captions: [HOSTILE], hertz: 4000 },
  { id: "odd", captions: ["a thunder rumble"], hertz: 1000 },
  { id: "gone", captions: ["the drum"], hertz: null },
];

describe("earshot evaluate", () => {
  let folder: string;
  let media: string;
  let captions: string;

  const evaluate = (...args: string[]): Promise<Ran> =>
    runCommand(["evaluate", ...args, "--data-dir", path.join(folder, "data"), "--model-pack", TEST_PACK]);
  const idIn = ({ out }: Ran): string => /^Evaluation (\S+)$/.exec(out.at(-1)!)![1]!;

  /** Evaluations for tests that look at some. */
  let first: Ran;
  let second: Ran;

  beforeAll(async () => {
    folder = await realpath(await mkdtemp(path.join(tmpdir(), "earshot-evaluate-")));
    media = path.join(folder, "media");
    captions = path.join(folder, "captions");
    await mkdir(captions);
    for (const { id, hertz } of CLIPS) {
      if (hertz !== null) await writeWav(path.join(media, `${id}.wav`), tone(hertz, 3 * SAMPLE_RATE));
    }
    const lines = CLIPS.map(({ id, captions }) => JSON.stringify({ id, captions }));
    await writeFile(path.join(captions, "clips.jsonl"), lines.join("\n"));
    first = await evaluate("--media", media, "--captions", captions);
    second = await evaluate(
      ...["--media", media, "--captions", captions, "--experts", "vggsound"],
      ...["--against", "paper:table2", "--against", idIn(first), "--against", "paper:table1"],
    );
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("prints the paper's table of both directions, the pool beside it and the missing counted", () => {
    expect(first.code).toBe(0);
    expect(first.out.slice(0, 2)).toEqual([
      "captions, test: tiny@1.0.0",
      "4 of 5 clips ranked; 1 missing (1 not found)",
    ]);
    const header = "pool +R@1 +R@5 +R@10 +R@50 +MdR +MnR +Geom$";
    const rows = first.out.filter((line) => line.startsWith("this run"));
    expect(first.out).toContainEqual(expect.stringMatching(new RegExp(`^Text to audio \\(t2a\\) +${header}`)));
    expect(first.out).toContainEqual(expect.stringMatching(new RegExp(`^Audio to text \\(a2t\\) +${header}`)));
    expect(rows[0]).toMatch(/^this run +4 clips +75\.0 +100\.0 +100\.0 +100\.0 +1\.0 /);
    expect(rows[1]).toMatch(/^this run +4 captions +75\.0 /);
    expect(first.out).toContainEqual(expect.stringMatching(/^ +95 % +\d+\.\d–100\.0 +/));
  });

  it("says on stderr what it is about, and what is worth knowing", () => {
    expect(first.complaints).toContain("encoding clips ...");
    expect(first.complaints.join("\n")).toMatch(/missing|not found/i);
  });

  it("measures what the flags ask for", async () => {
    const ran = await evaluate(
      ...["--media", media, "--captions", captions, "--pack", TEST_PACK, "--experts", "vggish", "--directions", "t2a"],
      ...["--clip-scoring", "whole-clip", "--seed", "3", "--series", "mine", "--notes", "a try", "--json"],
    );
    expect(ran.code).toBe(0);
    const { evaluation } = JSON.parse(ran.out.join("\n"));
    expect(evaluation).toMatchObject({
      state: "COMPLETED",
      packId: "tiny@1.0.0",
      order: {
        ...{ dataset: "CUSTOM", split: "test", source: "media", experts: ["vggish"], directions: ["T2A"] },
        ...{ clipScoring: "WHOLE_CLIP", seed: 3, series: "mine", notes: "a try" },
      },
      result: { clips: 5, pool: 4, missing: { notFound: 1 }, experts: ["vggish"], retrieval: [{ direction: "T2A" }] },
    });
    expect(ran.out.join("\n")).not.toContain(folder);
  });

  it("shows an earlier evaluation again, by the id that it printed or that of the API", async () => {
    const id = idIn(first);
    for (const given of [id, toGlobalId("Evaluation", id)]) {
      const ran = await evaluate("--run", given);
      expect(ran.out).toEqual(first.out);
      expect(ran.code).toBe(0);
    }
  });

  it("sets the paper's table and another run beside it, with paired differences and warnings", () => {
    const id = idIn(first);
    expect(second.code).toBe(0);
    const lines = second.out.join("\n");
    expect(lines).toMatch(/^Run 2 +4 clips +75\.0/m);
    expect(lines).toContain(`  tiny@1.0.0, ${id.slice(0, 8)}`);
    expect(lines).toMatch(
      /^paper, Table 2: VGGish \+ VGGSound \(CE-Audio\) +816 clips +22\.9 ± 0\.0 +– +70\.2 ± 0\.0/m,
    );
    expect(lines).toMatch(/^paper, Table 1: CLOTHO +1,045 clips +4\.3 ± 0\.4/m);
    expect(lines).toMatch(/^this run less Run 2, t2a +4 +0\.0/m);
    expect(second.complaints.join("\n")).toContain("No run has the data set, experts and model of a row of this table");
  });

  it("gives the whole comparison as JSON", async () => {
    const [id, other] = [idIn(first), idIn(second)];
    const ran = await evaluate("--run", id, "--against", other, "--against", "paper:table3", "--json");
    const { evaluation, comparisons } = JSON.parse(ran.out.join("\n"));
    expect(evaluation.id).toBe(id);
    expect(comparisons).toHaveLength(1);
    const [{ runs, paper, series }] = comparisons;
    expect(runs).toMatchObject([
      {
        evaluation: { id: other },
        differences: [
          { direction: "T2A", queries: 4, figures: { recallAt1: { value: 0, low: 0, high: 0 } } },
          { direction: "A2T", queries: 4 },
        ],
      },
    ]);
    expect(paper).toMatchObject({
      table: "TABLE_3",
      rows: [{ label: "AudioCaps, MoEE, z0", pool: 816 }, {}, {}, {}, {}, {}],
    });
    expect(series).toEqual([]);
    expect(ran.out.join("\n")).not.toContain(folder);
  });

  it("writes a report with the sounds of the clips in it, and takes what captions say as text", async () => {
    const file = path.join(folder, "report.html");
    const ran = await evaluate("--run", idIn(first), "--against", "paper:table2", "--html", file);
    expect(ran.code).toBe(0);
    expect(ran.complaints).toContainEqual(expect.stringMatching(/^Report: .*report\.html \(\d\.\d MB\)$/));
    const html = await readFile(file, "utf8");
    // Files without pictures: a wave each, and a sound, which is there once.
    expect(html.match(/src="data:audio\/mp4;base64,/g)).toHaveLength(4);
    expect(html.match(/src="data:image\/png;base64,/g)!.length).toBeGreaterThanOrEqual(4);
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(html).toContain("CE-Audio");
    expect(html).not.toContain(folder);
    expect(await readdir(folder)).toEqual(expect.not.arrayContaining([expect.stringMatching(/\.tmp$/)]));
  });

  it("shows frames of films", async () => {
    const films = path.join(folder, "films");
    await mkdir(films);
    await writeFile(path.join(films, "red.mp4"), await readFile(await sample("colours.mp4")));
    await writeFile(path.join(films, "tone.mkv"), await readFile(await sample("tone.mkv")));
    const lines = [
      { id: "red", captions: ["rumble"] },
      { id: "tone", captions: ["thunder"] },
      { id: "part", captions: ["engine"], media: "tone.mkv", startSeconds: 1, endSeconds: 4 },
    ];
    await writeFile(path.join(films, "films.jsonl"), lines.map((line) => JSON.stringify(line)).join("\n"));
    await writeFile(path.join(films, "test.txt"), lines.map(({ id }) => id).join("\n"));
    // A name that would colour the terminal.
    const description = { formatVersion: 1, name: "\u001b[31mfilms", clips: "films.jsonl", experts: {} };
    await writeFile(path.join(films, "dataset.json"), JSON.stringify({ ...description, splits: { test: "test.txt" } }));
    const file = path.join(folder, "films.html");
    const { code, out } = await evaluate("--media", films, "--html", file);
    expect([code, out[0]]).toEqual([0, " [31mfilms, test: tiny@1.0.0"]);
    const html = await readFile(file, "utf8");
    expect(html.match(/src="data:image\/jpeg;base64,/g)!.length).toBeGreaterThanOrEqual(3);
    expect(html.match(/src="data:audio\/mp4;base64,/g)).toHaveLength(3);
  });

  it("evaluates the videos that were ingested, with a bar for those who look at a terminal", async () => {
    const screen = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY: true });
    const common = ["--data-dir", path.join(folder, "library"), "--model-pack", TEST_PACK];
    const run = (...args: string[]): Promise<Ran> =>
      runCommand([...args, ...common], {}, { interactive: true, progress: screen });
    const ingested = await run("ingest", media);
    const file = path.join(folder, "index.html");
    const ran = await run("evaluate", "--index", "--captions", captions, "--directions", "t2a", "--html", file);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain("4 of 5 clips ranked; 1 missing (1 not found)");
    expect(ran.out).toContainEqual(expect.stringMatching(/^this run +4 clips +75\.0 /));
    expect((await readFile(file, "utf8")).match(/src="data:audio\/mp4;base64,/g)).toHaveLength(4);
    expect(screen.read()).toMatch(/░{24} {3}0 %/);
    expect([ingested, ran].flatMap(({ out, complaints }) => [...out, ...complaints]).join("\n")).not.toMatch(
      /[█░]|encoding clips/,
    );
  });

  it("fails with the reason on stderr, and exits with 1", async () => {
    const broken = path.join(folder, "broken");
    await mkdir(broken);
    await writeFile(path.join(broken, "rumble.wav"), "this is no sound");
    const ran = await evaluate("--media", broken, "--captions", captions, "--json");
    expect(ran.code).toBe(1);
    expect(ran.complaints.at(-1)).toMatch(/^The evaluation failed: .*\(DATASET_EMPTY\)$/);
    expect(JSON.parse(ran.out.join("\n")).evaluation).toMatchObject({ state: "FAILED", result: null });
    const id = JSON.parse(ran.out.join("\n")).evaluation.id as string;
    const again = await evaluate("--run", id);
    expect([again.code, again.out]).toEqual([1, []]);
    await expect(evaluate("--run", idIn(first), "--against", id)).rejects.toMatchObject({
      code: "EVALUATIONS_NOT_COMPARABLE",
    });
  });

  it("cancels the evaluation when it is interrupted", async () => {
    const test = await openTestEarshot({ evaluation: { roots: [folder] } });
    const { earshot } = test;
    const { console, ran } = recordingTerminal();
    const flags: EvaluateFlags = { dataset: "CUSTOM", media, captions, against: [] };
    const interrupt = new AbortController();
    earshot.evaluation.events.once("evaluation", () => {
      interrupt.abort();
    });
    const code = await evaluateCommand(earshot, flags, console, interrupt.signal);
    expect(code).toBe(130);
    expect(ran.complaints.at(-1)).toBe("The evaluation was cancelled.");
    expect(await earshot.catalog.evaluations.count("default", { state: "CANCELLED" })).toBe(1);
    await test.end();
  });

  it.each<[string, string[], string]>([
    ["no source", [], "INVALID_EVALUATION_INPUT"],
    ["two sources", ["--media", "a", "--features", "b"], "commander.conflictingOption"],
    ["the index beside media", ["--media", "a", "--index"], "commander.conflictingOption"],
    ["a folder that is not there", ["--media", "/no/such/folder"], "DATASET_NOT_FOUND"],
    ["a data set nobody knows", ["--dataset", "mnist", "--media", "a"], "commander.invalidArgument"],
    ["a direction nobody knows", ["--directions", "t2v", "--media", "a"], "commander.invalidArgument"],
    ["a table that the paper does not have", ["--against", "paper:table5", "--index"], "commander.invalidArgument"],
    ["what is no id", ["--run", "the last one"], "commander.invalidArgument"],
    ["an earlier run with an order", ["--run", crypto.randomUUID(), "--media", "a"], "commander.conflictingOption"],
    ["an earlier run that is not there", ["--run", crypto.randomUUID()], "EVALUATION_NOT_FOUND"],
    ["another run that is not there", ["--against", crypto.randomUUID(), "--index"], "EVALUATION_NOT_FOUND"],
    ["a report without a folder", ["--html", "/no/such/folder/report.html", "--index"], "REPORT_NOT_WRITABLE"],
    ["a report over a folder", ["--html", tmpdir(), "--index"], "REPORT_NOT_WRITABLE"],
  ])("refuses %s", async (_, args, code) => {
    await expect(evaluate(...args)).rejects.toMatchObject({ code });
  });

  it("refuses an expert and a split that are not there, before it works", async () => {
    const given = ["--media", media, "--captions", captions];
    await expect(evaluate(...given, "--experts", "vggish,speech")).rejects.toMatchObject({ code: "EXPERT_UNKNOWN" });
    await expect(evaluate(...given, "--split", "val")).rejects.toMatchObject({ code: "DATASET_SPLIT_NOT_FOUND" });
  });
});
