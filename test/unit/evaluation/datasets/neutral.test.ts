import { readFile, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { describeDataset, openDataset, type EvaluationDataset } from "../../../../src/evaluation/datasets/index.js";
import { changedCopy, folderOf, neutralDataset, said } from "../../../fixtures/dataset-files.js";

const NPY = neutralDataset("npy");
const open: EvaluationDataset[] = [];

async function opened(...request: Parameters<typeof openDataset>): Promise<EvaluationDataset> {
  const dataset = await openDataset(...request);
  open.push(dataset);
  return dataset;
}

const whole = (folder: string, split = "test") =>
  opened({ benchmark: "CUSTOM", captions: folder, features: folder, split });

async function description(folder: string): Promise<Record<string, never>> {
  return JSON.parse(await readFile(path.join(folder, "dataset.json"), "utf8")) as Record<string, never>;
}

/** A .npy file, by its header. */
function npy(header: string, bytes: Uint8Array = new Uint8Array()): Uint8Array {
  const text = Buffer.from(`${header}\n`, "latin1");
  const length = Buffer.alloc(2);
  length.writeUInt16LE(text.length);
  return Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), length, text, bytes]);
}

const floats = (shape: string) => `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`;

describe("the layout that training writes", () => {
  afterEach(async () => {
    for (const dataset of open.splice(0)) await dataset.close();
  });

  it("says what is in a folder without opening its arrays", async () => {
    const folder = await changedCopy(NPY, {});
    await rm(path.join(folder, "tones.npy"));
    expect(await describeDataset({ benchmark: "CUSTOM", captions: folder, features: folder })).toEqual({
      title: "made-up",
      splits: [
        { name: "train", clips: 1 },
        { name: "val", clips: 2 },
        { name: "test", clips: 4 },
      ],
    });
  });

  it.each(["npy", "safetensors"] as const)("gives clips, features and word vectors from .%s files", async (format) => {
    const dataset = await whole(neutralDataset(format));
    expect(dataset.title).toBe("made-up");
    expect(dataset.clips.map(({ id, row }) => [id, row])).toEqual([
      ["d", 3],
      ["a", 0],
      ["c", 2],
      ["e", 4],
    ]);
    expect(dataset.clips[1]).toEqual({
      id: "a",
      captions: ["a low hum", "something hums"],
      media: [{ name: "films/a.mp4", exact: true, startSeconds: 2, endSeconds: 8.5 }],
      row: 0,
    });
    expect(dataset.clips[0]!.media).toEqual([]);
    expect(dataset.protocol).toEqual({
      textTokens: 7,
      maxTokens: { tones: 4 },
      fuseCaptions: false,
      captionsPerClip: 2,
    });

    const { tones, pictures } = dataset.features!;
    expect([tones!.aggregation, tones!.dim, pictures!.aggregation, pictures!.dim]).toEqual([
      "sequence",
      3,
      "average",
      2,
    ]);
    expect(await tones!.read(0)).toEqual(Float32Array.from([0, 1, 2, 10, 11, 12, 20, 21, 22]));
    expect(await tones!.read(1)).toBeNull();
    expect(await tones!.read(4)).toEqual(Float32Array.from([400, 401, 402, 410, 411, 412]));
    expect(await pictures!.read(4)).toEqual(Float32Array.from([4.5, 4.25]));
    expect(await pictures!.read(3)).toBeNull();
    expect(await tones!.read(-1)).toBeNull();

    expect(dataset.words!.dim).toBe(4);
    expect(await dataset.words!.read(0, 1)).toEqual(
      Float32Array.from([1010, 1010, 1010, 1010, 1011, 1011, 1011, 1011]),
    );
    expect(await dataset.words!.read(3, 0)).toEqual(
      Float32Array.from([1050, 1050, 1050, 1050, 1051, 1051, 1051, 1051]),
    );
    await expect(dataset.words!.read(3, 1)).rejects.toThrow(RangeError);
  });

  it("asks with fewer captions in validation", async () => {
    expect((await whole(NPY, "val")).protocol.captionsPerClip).toBe(1);
  });

  it("takes moments on the clip's own clock, and says which were written end first", async () => {
    const dataset = await whole(NPY);
    expect(dataset.moments).toEqual([
      { clip: 2, text: "two notes", truths: [{ startSeconds: 0, endSeconds: 1.5 }] },
      { clip: 2, text: "one note, then another", truths: [{ startSeconds: 1, endSeconds: 2 }] },
    ]);
    expect(dataset.notices).toEqual([
      { code: "MOMENTS_TURNED", message: "Moments that are written end first, and were turned round: 1." },
    ]);
  });

  it("gives captions alone where no features are wanted", async () => {
    const dataset = await opened({ benchmark: "CUSTOM", captions: NPY });
    expect([dataset.split, dataset.features, dataset.words]).toEqual(["test", null, null]);
    expect(dataset.clips.every(({ row }) => row === -1)).toBe(true);
  });

  it("joins captions from elsewhere with features by the clips' ids, without the word vectors of other captions", async () => {
    const captions = await folderOf({
      "clips.jsonl": '{"id": "c", "captions": ["an octave"]}\n{"id": "x", "captions": ["nothing"]}\n',
    });
    const dataset = await opened({ benchmark: "CUSTOM", captions, features: NPY });
    expect(dataset.clips.map(({ id, row }) => [id, row])).toEqual([
      ["c", 2],
      ["x", -1],
    ]);
    expect(dataset.words).toBeNull();
    expect(dataset.protocol).toEqual({
      textTokens: null,
      maxTokens: { tones: 4 },
      fuseCaptions: false,
      captionsPerClip: 1,
    });
    expect(await dataset.features!["tones"]!.read(2)).toEqual(Float32Array.from([200, 201, 202]));
  });

  it("refuses another benchmark's folder", async () => {
    await expect(openDataset({ benchmark: "CLOTHO", captions: NPY })).rejects.toMatchObject({
      code: "DATASET_NOT_FOUND",
      message: '"npy" holds the data set "made-up", not CLOTHO. Run it as CUSTOM, or name the folder of CLOTHO.',
    });
    const clotho = await changedCopy(NPY, {
      "dataset.json": JSON.stringify({ ...(await description(NPY)), name: "clotho" }),
    });
    const captions = await folderOf({ "test.csv": "audiocap_id,youtube_id,start_time,caption\n1,a,0,a hum\n" });
    await expect(openDataset({ benchmark: "AUDIOCAPS", captions, features: clotho })).rejects.toMatchObject({
      code: "DATASET_NOT_FOUND",
      message: said(/^The features in ".*" are of "clotho", and the captions of "audiocaps"\.$/),
    });
  });

  it("takes the folder of a benchmark by its name, with that benchmark's names of media", async () => {
    const folder = await changedCopy(NPY, {
      "dataset.json": JSON.stringify({ ...(await description(NPY)), name: "activity-net" }),
    });
    const dataset = await opened({ benchmark: "ACTIVITYNET_CAPTIONS", captions: folder, features: folder });
    expect(dataset.clips[0]!.media.map(({ name }) => name)).toEqual(["d", "d"]);
    expect(dataset.notices.map(({ code }) => code)).toContain("POOL_DIFFERS_FROM_PAPER");
  });

  it("names the splits there are when another one is wanted", async () => {
    await expect(whole(NPY, "dev")).rejects.toMatchObject({
      code: "DATASET_SPLIT_NOT_FOUND",
      field: "split",
      message: 'The data set "made-up" has no split "dev"; it has train, val, test.',
    });
    await expect(describeDataset({ benchmark: "CUSTOM", captions: NPY, split: "dev" })).rejects.toMatchObject({
      code: "DATASET_SPLIT_NOT_FOUND",
    });
  });

  it("refuses a split without clips, and one without captions", async () => {
    const empty = await changedCopy(NPY, { "test.txt": "\n\n" });
    await expect(whole(empty)).rejects.toMatchObject({ code: "DATASET_EMPTY", message: said(/lists no clips/) });
    const silent = await changedCopy(NPY, { "test.txt": "e\n" });
    await expect(whole(silent)).rejects.toMatchObject({ code: "DATASET_EMPTY", message: said(/has a caption/) });
  });

  it("refuses NaN where it is read, with the clip", async () => {
    const tones = await readFile(path.join(NPY, "tones.npy"));
    tones.writeFloatLE(NaN, tones.length - 4); // the last number of clip e, which is in the split "test" alone
    const folder = await changedCopy(NPY, { "tones.npy": tones });
    expect((await whole(folder, "val")).clips).toHaveLength(2);
    await expect(whole(folder)).rejects.toMatchObject({
      code: "DATASET_INVALID",
      message: 'tones.npy holds NaN or infinity in the features "tones" of clip number 5.',
    });
  });

  it.each([
    [
      "tones.npy",
      npy(floats("(2, 3)"), new Uint8Array(23)),
      /^tones.npy is cut short: expected \d+ bytes, there are \d+\.$/,
    ],
    ["tones.npy", npy(floats("(2, 3)")).subarray(0, 30), /^tones.npy is cut short\.$/],
    [
      "tones.npy",
      npy(floats("(2, 4)"), new Uint8Array(32)),
      /^tones.npy is <f4 of shape 2 x 4; expected vectors of 3 numbers/,
    ],
    ["tones.npy", npy(floats("(6,)"), new Uint8Array(24)), /^tones.npy is <f4 of shape 6; expected vectors of 3/],
    ["tones.npy", npy(floats("(1, 3)").replace("<f4", ">f4"), new Uint8Array(12)), /numbers of type >f4/],
    ["tones.npy", npy(floats("(1, 3)").replace("<f4", "|O"), new Uint8Array(12)), /numbers of type \|O/],
    ["tones.npy", npy(floats("(1, 3)").replace("False", "True"), new Uint8Array(12)), /stored column by column/],
    ["tones.npy", Buffer.from("this is no array, but a text"), /^tones.npy is no .npy file of plain numbers/],
    [
      "tones.npy",
      npy(floats("(1, 3)"), new Uint8Array(12)),
      /^tones.offsets.npy has wrong offsets; expected them to rise from 0 to 1/,
    ],
    [
      "tones.offsets.npy",
      npy(floats("(6,)"), new Uint8Array(24)),
      /^tones.offsets.npy is <f4 of shape 6; expected 6 int64 offsets/,
    ],
    [
      "pictures.npy",
      npy(floats("(3, 2)"), new Uint8Array(24)),
      /^pictures.npy has 3 vectors; expected 5, one a clip\.$/,
    ],
    [
      "pictures.available.npy",
      npy(floats("(5,)"), new Uint8Array(20)),
      /^pictures.available.npy is <f4 of shape 5; expected 5 truth/,
    ],
    ["words.offsets.npy", npy(floats("(6,)"), new Uint8Array(24)), /^words.offsets.npy is .*expected 7 int64 offsets/],
    ["dataset.json", '{"formatVersion": 2}', /^dataset.json: formatVersion: /],
    ["dataset.json", "{", /^dataset.json: no JSON/],
    [
      "clips.jsonl",
      '{"id": "a", "captions": []}\n{"id": "a", "captions": []}\n',
      /^clips.jsonl, line 2: the clip "a" is there already/,
    ],
    ["clips.jsonl", '{"id": "a", "captions": []}\n{"id": "b"\n', /^clips.jsonl, line 2: no JSON/],
    ["clips.jsonl", '{"id": "a", "captions": []}\n\n{"id": "b"}\n', /^clips.jsonl, line 3: captions: /],
    ["clips.jsonl", '{"id": "a", "captions": [1]}\n', /^clips.jsonl, line 1: captions.0: /],
    ["clips.jsonl", '{"captions": ["a hum"]}\n', /^clips.jsonl, line 1: id: /],
    [
      "clips.jsonl",
      '{"id": "a", "captions": ["x"], "moments": []}\n',
      /^clips.jsonl, line 1: moments: expected as many/,
    ],
    [
      "clips.jsonl",
      '{"id": "a", "captions": [], "startSeconds": 3, "endSeconds": 3}\n',
      /endSeconds: expected an end after/,
    ],
    ["test.txt", "a\nnobody\n", /^test.txt: 1 of 2 ids are no clips of the data set: nobody\.$/],
    ["test.txt", "a\nc\na\n", /^test.txt, line 3: the clip "a" is there already/],
    ["test.txt", Buffer.from("a\n\xff\n", "latin1"), /^test.txt, line 2: not UTF-8/],
  ])("refuses a damaged %s (%#)", async (name, content, message) => {
    const folder = await changedCopy(NPY, { [name]: content });
    await expect(whole(folder)).rejects.toMatchObject({ code: "DATASET_INVALID", message: said(message) });
  });

  it("refuses a .safetensors file that is cut short, or lacks the array", async () => {
    const folder = neutralDataset("safetensors");
    const tones = await readFile(path.join(folder, "tones.safetensors"));
    const cut = await changedCopy(folder, { "tones.safetensors": tones.subarray(0, -8) });
    await expect(whole(cut)).rejects.toMatchObject({
      code: "DATASET_INVALID",
      message: said(/^tones.safetensors is cut short/),
    });
    const other = await changedCopy(folder, {
      "tones.safetensors": Buffer.from(tones.toString("latin1").replace('"features"', '"featurez"'), "latin1"),
    });
    await expect(whole(other)).rejects.toMatchObject({
      code: "DATASET_INVALID",
      message: said(/^tones.safetensors is no .safetensors file with "features"/),
    });
  });

  it("refuses names and links that lead out of the folder, and says no more of what is there", async () => {
    const outside = await folderOf({ "secret.npy": "" });
    const { experts, ...rest } = await description(NPY);
    for (const features of [path.join(outside, "secret.npy"), path.join(outside, "nothing.npy"), "../secret.npy"]) {
      const folder = await changedCopy(NPY, {
        "dataset.json": JSON.stringify({
          ...rest,
          experts: { tones: { ...(experts as unknown as { tones: object }).tones, features } },
        }),
      });
      await expect(whole(folder)).rejects.toMatchObject({
        code: "DATASET_INVALID",
        message: `"${path.basename(features)}" lies outside the data set folder "${path.basename(folder)}".`,
      });
    }
    const linked = await changedCopy(NPY, {});
    await rm(path.join(linked, "tones.npy"));
    await symlink(path.join(outside, "secret.npy"), path.join(linked, "tones.npy"));
    await expect(whole(linked)).rejects.toMatchObject({ code: "DATASET_INVALID", message: said(/lies outside/) });
  });

  it("says which file is missing", async () => {
    const folder = await changedCopy(NPY, {});
    await rm(path.join(folder, "val.txt"));
    await expect(whole(folder)).rejects.toMatchObject({
      code: "DATASET_INVALID",
      message: said(/lacks its file "val.txt"/),
    });
  });

  it("refuses features from a folder that has none", async () => {
    const bare = await folderOf({ "clips.jsonl": '{"id": "a", "captions": ["a hum"]}' });
    await expect(opened({ benchmark: "CUSTOM", captions: bare, features: bare })).rejects.toMatchObject({
      code: "DATASET_NOT_FOUND",
      message: said(/has no dataset.json\. Features are made with "earshot-training extract"/),
    });
    const captionsOnly = await changedCopy(NPY, {
      "dataset.json": JSON.stringify({ ...(await description(NPY)), experts: {} }),
    });
    await expect(whole(captionsOnly)).rejects.toMatchObject({
      code: "DATASET_INVALID",
      message: said(/names no experts/),
    });
  });

  it("stops between two clips when it is told to", async () => {
    await expect(
      openDataset({ benchmark: "CUSTOM", captions: NPY, features: NPY }, AbortSignal.abort(new Error("enough"))),
    ).rejects.toThrow("enough");
  });
});

describe("the version of a split", () => {
  const version = async (folder: string, split = "test") => {
    const dataset = await whole(folder, split);
    await dataset.close();
    return dataset.version;
  };

  it("is the same wherever the folder lies, and however its arrays and lines are written", async () => {
    const lines = await readFile(path.join(NPY, "clips.jsonl"), "utf8");
    const moved = await changedCopy(NPY, {
      "clips.jsonl": `\uFEFF${lines.replaceAll("\n", "\r\n")}`,
      "test.txt": "d\r\na\r\nc\r\ne\r\n",
      "train.txt": "",
    });
    const expected = await version(NPY);
    expect(expected).toMatch(/^[0-9a-f]{64}$/);
    expect(await version(moved)).toBe(expected);
    expect(await version(neutralDataset("safetensors"))).toBe(expected);
  });

  it("is another for another split, order, caption, protocol, or a single number of the features", async () => {
    const tones = await readFile(path.join(NPY, "tones.npy"));
    tones.writeFloatLE(0.5, tones.length - 4);
    const words = await readFile(path.join(NPY, "words.npy"));
    words.writeFloatLE(0.5, words.length - 4);
    const lines = await readFile(path.join(NPY, "clips.jsonl"), "utf8");
    const text = await readFile(path.join(NPY, "dataset.json"), "utf8");
    const versions = [await version(NPY), await version(NPY, "val")];
    for (const change of [
      { "tones.npy": tones },
      { "words.npy": words },
      { "test.txt": "a\nd\nc\ne\n" },
      { "clips.jsonl": lines.replace("a low hum", "a high hum") },
      { "clips.jsonl": lines.replace("8.5", "8.25") },
      { "clips.jsonl": lines.replace("1.5", "1.25") },
      { "dataset.json": text.replace('"textTokens": 7', '"textTokens": 8') },
    ]) {
      versions.push(await version(await changedCopy(NPY, change)));
    }
    expect(new Set(versions).size).toBe(versions.length);
  });
});
