import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { describeDataset, openDataset } from "../../../../src/evaluation/datasets/index.js";
import { folderOf, said } from "../../../fixtures/dataset-files.js";

const repository = fileURLToPath(new URL("../../../../", import.meta.url));
const sounds = path.join(process.env["EARSHOT_SHARED"] ?? path.join(repository, "../shared"), "data/sounds");
const noSounds = existsSync(sounds) ? "" : " (SKIPPED: they are not in ../shared)";

const open = (captions: string, split = "test") => openDataset({ benchmark: "CUSTOM", captions, split });
const lines = (...values: unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");

/** Queries with their clips' ids: what a data set of moments comes to. */
async function moments(captions: string, split = "test"): Promise<unknown[]> {
  const dataset = await open(captions, split);
  return dataset.moments.map(({ clip, text, truths }) => [
    dataset.clips[clip]!.id,
    text,
    ...truths.map(({ startSeconds, endSeconds }) => [startSeconds, endSeconds]),
  ]);
}

describe("one's own clips", () => {
  it("are a file of lines beside the media: all of it is the split test where no line names one", async () => {
    const folder = await folderOf({
      "clips.jsonl": lines(
        { id: "door", captions: ["a door slams", "  ", "someone leaves"], media: "takes/door 1.wav" },
        { id: "bell", captions: [], licence: "CC0" },
        { id: "kettle", captions: ["water boils"], media: "kitchen.mp4", startSeconds: 4, endSeconds: 9.5 },
      ),
    });
    const dataset = await open(folder);
    expect(dataset.clips).toEqual([
      {
        id: "door",
        captions: ["a door slams", "someone leaves"],
        media: [{ name: "takes/door 1.wav", exact: true, startSeconds: null, endSeconds: null }],
        row: -1,
      },
      { id: "bell", captions: [], media: [], row: -1 },
      {
        id: "kettle",
        captions: ["water boils"],
        media: [{ name: "kitchen.mp4", exact: true, startSeconds: 4, endSeconds: 9.5 }],
        row: -1,
      },
    ]);
    expect(dataset.protocol).toEqual({ textTokens: null, maxTokens: {}, fuseCaptions: false, captionsPerClip: 2 });
    expect([dataset.title, dataset.moments, dataset.relevance, dataset.notices]).toEqual([
      folder.split("/").at(-1),
      [],
      [],
      [],
    ]);
  });

  it("may name their splits, all of them or none", async () => {
    const split = (id: string, name?: string) => ({
      id,
      captions: ["x"],
      ...(name === undefined ? {} : { split: name }),
    });
    const folder = await folderOf({ "clips.jsonl": lines(split("a", "dev"), split("b", "test"), split("c", "dev")) });
    expect((await describeDataset({ benchmark: "CUSTOM", captions: folder })).splits).toEqual([
      { name: "dev", clips: 2 },
      { name: "test", clips: 1 },
    ]);
    expect((await open(folder, "dev")).clips.map(({ id }) => id)).toEqual(["a", "c"]);
    const mixed = await folderOf({ "clips.jsonl": lines(split("a", "dev"), split("b")) });
    await expect(open(mixed)).rejects.toMatchObject({
      code: "DATASET_INVALID",
      message: 'clips.jsonl: the clip "b" names no split, and others do.',
    });
  });

  it("may have times of their captions, on the clock of the file; a caption again has a further time", async () => {
    const folder = await folderOf({
      "films.jsonl": lines({
        id: "film",
        captions: ["a bark", "rain", "a bark"],
        media: "film.mkv",
        startSeconds: 10,
        endSeconds: 30,
        moments: [
          [12, 13],
          [5, 40],
          [20, 21.5],
        ],
      }),
    });
    const file = `${folder}/films.jsonl`;
    expect(await moments(file)).toEqual([
      ["film", "a bark", [2, 3], [10, 11.5]],
      ["film", "rain", [0, 20]],
    ]);
    const dataset = await open(file);
    expect([dataset.title, dataset.clips[0]!.captions]).toEqual(["films", ["a bark", "rain"]]);
  });

  it("are refused with a caption that has no end", async () => {
    const folder = await folderOf({ "clips.jsonl": lines({ id: "film", captions: ["rain ".repeat(2001)] }) });
    await expect(openDataset({ benchmark: "CUSTOM", captions: folder })).rejects.toMatchObject({
      code: "DATASET_INVALID",
      message: said(/A caption of the clip "film" in ".+" has more than 10000 characters/),
    });
  });

  it("are refused where there are none, or none has a caption", async () => {
    await expect(open(await folderOf({ "clips.jsonl": "" }))).rejects.toMatchObject({ code: "DATASET_EMPTY" });
    const silent = await folderOf({ "clips.jsonl": lines({ id: "a", captions: [" "] }) });
    await expect(open(silent)).rejects.toMatchObject({ code: "DATASET_EMPTY" });
  });
});

describe("labelled sounds", () => {
  const FILES = {
    "manifest.csv": [
      "id,file,captions,labels,split",
      "s1,clips/s1.ogg,,dog,test",
      "s2,clips/s2.ogg,,rain;dog,test",
      "s3,clips/s3.ogg,,dog;rain;dog,test",
      "s4,clips/s4.ogg,,rain,test",
      "s5,clips/s5.ogg,,cow,test",
      "s6,clips/s6.ogg,,cow,test",
      "s7,clips/s7.ogg,,drone,test",
      "s8,clips/s8.ogg,,drone,test",
      "s9,clips/s9.ogg,,drone,test",
      "t1,clips/t1.ogg,,cow,train",
    ].join("\n"),
    "captions.csv": [
      "label,category,captions",
      "rain,weather,rain falls | it pours | wet weather",
      'dog,animals,"a dog barks | woof, woof | a dog"',
      "cow,animals,a cow moos | moo | cattle",
    ].join("\n"),
  };

  it("have queries of the kinds with three clips and captions, asked in each way of the model card", async () => {
    const dataset = await open(await folderOf(FILES));
    expect(dataset.clips[1]).toEqual({
      id: "s2",
      captions: [],
      media: [{ name: "clips/s2.ogg", exact: true, startSeconds: null, endSeconds: null }],
      row: -1,
    });
    const dog = { name: "dog", relevant: [0, 1, 2] };
    const rain = { name: "rain", relevant: [1, 2, 3] };
    expect(dataset.relevance).toEqual([
      {
        name: "three captions, scores averaged",
        queries: [
          { ...dog, texts: ["a dog barks", "woof, woof", "a dog"] },
          { ...rain, texts: ["rain falls", "it pours", "wet weather"] },
        ],
      },
      {
        name: "caption 1",
        queries: [
          { ...dog, texts: ["a dog barks"] },
          { ...rain, texts: ["rain falls"] },
        ],
      },
      {
        name: "caption 2",
        queries: [
          { ...dog, texts: ["woof, woof"] },
          { ...rain, texts: ["it pours"] },
        ],
      },
      {
        name: "caption 3",
        queries: [
          { ...dog, texts: ["a dog"] },
          { ...rain, texts: ["wet weather"] },
        ],
      },
    ]);
  });

  it("have paraphrases of some kinds where such a file is in the folder", async () => {
    const folder = await folderOf({ ...FILES, "paraphrases.csv": "kind,paraphrase\nrain,a downpour\ncow,a heifer\n" });
    expect((await open(folder)).relevance.at(-1)).toEqual({
      name: "held-out paraphrases",
      queries: [{ name: "rain", texts: ["a downpour"], relevant: [1, 2, 3] }],
    });
  });

  it("with uneven captions say that all are averaged, and leave out whom a number lacks", async () => {
    const folder = await folderOf({ ...FILES, "captions.csv": "label,captions\ndog,a dog | woof\nrain,rain\ncow,\n" });
    expect((await open(folder)).relevance.map(({ name, queries }) => [name, queries.length])).toEqual([
      ["all captions, scores averaged", 2],
      ["caption 1", 2],
      ["caption 2", 1],
    ]);
  });

  it.skipIf(noSounds)(`have the clips and queries of the starter pack's model card${noSounds}`, async () => {
    const files = {
      "manifest.csv": path.join(sounds, "manifest.csv"),
      "captions.csv": path.join(sounds, "captions.csv"),
    };
    const paraphrases = path.join(repository, "training/earshot_training/starter/paraphrases.csv");
    const texts = Object.entries({ ...files, "paraphrases.csv": paraphrases }).map(
      async ([name, file]): Promise<[string, Buffer]> => [name, await readFile(file)],
    );
    const dataset = await open(await folderOf(Object.fromEntries(await Promise.all(texts))));
    expect(dataset.clips).toHaveLength(600);
    expect(dataset.relevance.map(({ name, queries }) => [name, queries.length])).toEqual([
      ["three captions, scores averaged", 77],
      ["caption 1", 77],
      ["caption 2", 77],
      ["caption 3", 77],
      ["held-out paraphrases", 77],
    ]);
  });

  it("without such a kind have nothing to be measured by", async () => {
    await expect(open(await folderOf(FILES), "train")).rejects.toMatchObject({ code: "DATASET_EMPTY" });
  });

  it.each([
    [
      "manifest.csv",
      "id,file,labels,split\na,a.ogg,dog,test\na,b.ogg,dog,test\n",
      'manifest.csv, line 3: the clip "a" is there already; an id stands once.',
    ],
    ["manifest.csv", "id,file,labels,split\n,a.ogg,dog,test\n", "manifest.csv, line 2: the clip has no id."],
    ["manifest.csv", "id,file,labels,split\na,,dog,test\n", 'manifest.csv, line 2: the clip "a" has no file.'],
    ["manifest.csv", "id,file,labels,split\na,a.ogg,dog,\n", 'manifest.csv, line 2: the clip "a" has no split.'],
    [
      "manifest.csv",
      "id,labels\na,dog\n",
      said(/^manifest.csv, line 1: expected the columns id, file, labels, split; file, split is not/),
    ],
    [
      "captions.csv",
      "label,captions\ndog,a dog\ndog,woof\n",
      'captions.csv, line 3: "dog" is there already; a kind stands once.',
    ],
    ["captions.csv", "label,captions\n,a dog\n", "captions.csv, line 2: the captions have no label."],
    ["paraphrases.csv", "kind\ndog\n", said(/^paraphrases.csv, line 1: expected the columns kind, paraphrase/)],
  ])("refuse a malformed %s (%#)", async (name, content, message) => {
    const folder = await folderOf({ ...FILES, [name]: content });
    await expect(open(folder)).rejects.toMatchObject({ code: "DATASET_INVALID", message });
  });
});

describe("data sets of moments", () => {
  it("come as scenes.json", async () => {
    const query = (text: string, start_s: number, end_s: number) => ({ text, start_s, end_s });
    const scene = {
      file: "farm.mp4",
      duration_s: 70,
      events: [],
      queries: [query("a cow", 5, 7.5), query("a dog", 60, 80), query("a cow", 9, 10)],
    };
    const folder = await folderOf({
      "scenes.json": JSON.stringify([
        scene,
        { ...scene, file: "b/yard.webm", split: "val" },
        { ...scene, file: "quiet.mkv", queries: [] },
      ]),
      "farm.mp4": "",
    });
    const dataset = await open(folder);
    expect(dataset.clips).toEqual([
      {
        id: "farm",
        captions: ["a cow", "a dog"],
        media: [{ name: "farm.mp4", exact: true, startSeconds: null, endSeconds: null }],
        row: -1,
      },
      expect.objectContaining({ id: "quiet", captions: [] }),
    ]);
    expect(await moments(folder)).toEqual([
      ["farm", "a cow", [5, 7.5], [9, 10]],
      ["farm", "a dog", [60, 70]],
    ]);
    expect(await moments(folder, "val")).toHaveLength(2);
    expect(await moments(`${folder}/scenes.json`)).toHaveLength(2);
  });

  it("come as the manifest of a demo", async () => {
    const manifest = {
      videos: [
        { file: "farm.mp4", title: "Farm", events: [] },
        { file: "gate.mp4", title: "Gate", events: [] },
      ],
      queries: [{ text: "hens", video: "farm.mp4", startSeconds: 2, endSeconds: 8.1 }],
    };
    const folder = await folderOf({ "manifest.json": JSON.stringify(manifest) });
    expect(await moments(folder)).toEqual([["farm", "hens", [2, 8.1]]]);
    expect((await open(folder)).clips.map(({ id }) => id)).toEqual(["farm", "gate"]);
    const stray = await folderOf({
      "manifest.json": JSON.stringify({ ...manifest, queries: [{ ...manifest.queries[0], video: "x.mp4" }] }),
    });
    await expect(open(stray)).rejects.toMatchObject({
      code: "DATASET_INVALID",
      message: 'manifest.json: the query "hens" names "x.mp4", no video.',
    });
  });

  /** One made-up recording, as CASTELLA writes it and as the Lighthouse toolkit does. */
  const CASTELLA = [
    {
      yid: "--0w1YA1Hm4",
      global_caption: "A street",
      duration: 96,
      num_moments: 2,
      moments: [
        {
          local_caption: "A horn blares",
          timestamps: [
            [27, 28],
            [95, 97],
            [96, 97],
          ],
        },
        {
          local_caption: "A door slams shut",
          timestamps: [
            [3, 3],
            [50, 52],
          ],
        },
      ],
    },
  ];
  const LIGHTHOUSE = lines(
    { qid: "--0w1YA1Hm4_1", query: "A horn blares", duration: 96, vid: "--0w1YA1Hm4", relevant_windows: [[27, 28]] },
    {
      qid: "--0w1YA1Hm4_2",
      query: "A door slams shut",
      duration: 96,
      vid: "--0w1YA1Hm4",
      relevant_windows: [
        [3, 3],
        [50, 52],
      ],
    },
    {
      qid: 3,
      query: "A horn blares",
      duration: 96,
      vid: "--0w1YA1Hm4",
      relevant_windows: [
        [95, 97],
        [96, 97],
        [27, 28],
      ],
    },
  );

  it("come as CASTELLA's files and as the lines of the Lighthouse toolkit, which say the same", async () => {
    const own = await folderOf({
      "test.json": JSON.stringify(CASTELLA),
      "val.json": JSON.stringify([{ ...CASTELLA[0], yid: "b" }]),
    });
    const lighthouse = await folderOf({ "castella_test_release.jsonl": LIGHTHOUSE });
    for (const place of [own, `${own}/test.json`, lighthouse, `${lighthouse}/castella_test_release.jsonl`]) {
      expect(await moments(place)).toEqual([
        ["--0w1YA1Hm4", "A horn blares", [27, 28], [95, 96]],
        ["--0w1YA1Hm4", "A door slams shut", [50, 52]],
      ]);
      const dataset = await open(place);
      expect(dataset.title).toBe("castella");
      expect(dataset.clips).toEqual([
        { id: "--0w1YA1Hm4", captions: ["A horn blares", "A door slams shut"], media: [], row: -1 },
      ]);
      expect(dataset.notices).toEqual([
        { code: "MOMENTS_LEFT_OUT", message: "Moments left out, as they have no length within their clip: 2." },
      ]);
    }
    const versions = [await open(own), await open(lighthouse)].map(({ version }) => version);
    expect(versions[0]).toBe(versions[1]);
    expect(await moments(own, "val")).toHaveLength(2);
  });

  it("keep ids with dots, which are not suffixes, and the splits of their files' names", async () => {
    const line = (vid: string) =>
      lines({ qid: "0", query: "a splash", duration: 60, vid, relevant_windows: [[2.5, 27.5]] });
    const folder = await folderOf({
      "clotho_moment_test_release.jsonl": line("Wildlife_0.0_60.0"),
      "clotho_moment_val_release.jsonl": line("Wildlife_1.0_61.0"),
    });
    expect(await moments(folder)).toEqual([["Wildlife_0.0_60.0", "a splash", [2.5, 27.5]]]);
    expect(await moments(folder, "val")).toEqual([["Wildlife_1.0_61.0", "a splash", [2.5, 27.5]]]);
    expect((await open(folder)).title).toBe("clotho_moment");
    await expect(open(`${folder}/clotho_moment_val_release.jsonl`)).rejects.toMatchObject({
      code: "DATASET_SPLIT_NOT_FOUND",
      message: 'The data set "clotho_moment" has no split "test"; it has val.',
    });
  });

  it.each([
    [
      "scenes.json",
      '[{"file": "a.mp4", "queries": [{"text": " ", "start_s": 0, "end_s": 1}]}]',
      /^scenes.json: 0.queries.0.text: expected words/,
    ],
    [
      "scenes.json",
      '[{"file": "a.mp4", "queries": [{"text": "x", "start_s": "0", "end_s": 1}]}]',
      /^scenes.json: 0.queries.0.start_s/,
    ],
    [
      "scenes.json",
      '[{"file": "a.mp4", "queries": []}, {"file": "b/a.webm", "queries": []}]',
      /^scenes.json, scene 2: the clip "a" is there already/,
    ],
    [
      "x_test_release.jsonl",
      '{"query": "x", "vid": "a", "relevant_windows": [[0, 1]]}\n{"query": "x"}\n',
      /^x_test_release.jsonl, line 2: vid/,
    ],
    [
      "x_test_release.jsonl",
      '{"query": "x", "vid": "a", "relevant_windows": [[0]]}\n',
      /^x_test_release.jsonl, line 1: relevant_windows.0/,
    ],
    [
      "test.json",
      '[{"yid": "a", "moments": []}, {"yid": "a", "moments": []}]',
      /^test.json, entry 2: the clip "a" is there already/,
    ],
    ["test.json", '[{"yid": "a", "moments": []}, {"yid": "b"}]', /^test.json: 1.moments/],
  ])("are refused where %s is malformed (%#)", async (name, content, message) => {
    await expect(open(await folderOf({ [name]: content }))).rejects.toMatchObject({
      code: "DATASET_INVALID",
      message: said(message),
    });
  });
});
