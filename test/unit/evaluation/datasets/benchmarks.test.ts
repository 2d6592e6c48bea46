import { describe, expect, it } from "vitest";
import type { BenchmarkName } from "../../../../src/catalog/index.js";
import { describeDataset, openDataset } from "../../../../src/evaluation/datasets/index.js";
import { folderOf, said } from "../../../fixtures/dataset-files.js";

/** The captions of all clips, by id. */
async function captions(benchmark: BenchmarkName, folder: string, split?: string): Promise<Record<string, unknown>> {
  const { clips } = await openDataset({ benchmark, captions: folder, ...(split === undefined ? {} : { split }) });
  return Object.fromEntries(clips.map((clip) => [clip.id, clip.captions]));
}

const splitsOf = async (benchmark: BenchmarkName, folder: string) =>
  (await describeDataset({ benchmark, captions: folder })).splits.map(({ name, clips }) => `${name} ${clips}`);

describe("AudioCaps", () => {
  const HEADER = "audiocap_id,youtube_id,start_time,caption\n";
  const TEST = `${HEADER}11,abcdefghijk,30,"A hum, and a ""click"""\n12,abcdefghijk,30,A hum\n13,_-cdefghijk,0,Rain falls\n`;

  it("has a clip for each start in a video, with its captions in order and the names its media may have", async () => {
    const folder = await folderOf({ "test.csv": TEST, "train.csv": `${HEADER}1,abcdefghijk,40,Birds\n` });
    const { clips, title, protocol, features, notices } = await openDataset({
      benchmark: "AUDIOCAPS",
      captions: folder,
    });
    expect(title).toBe("audiocaps");
    expect(clips).toEqual([
      {
        id: "abcdefghijk_30000",
        captions: ['A hum, and a "click"', "A hum"],
        row: -1,
        media: [
          ...["abcdefghijk_30000", "abcdefghijk_30", "11", "12"].map((name) => ({
            name,
            exact: false,
            startSeconds: null,
            endSeconds: null,
          })),
          { name: "abcdefghijk", exact: false, startSeconds: 30, endSeconds: 40 },
        ],
      },
      expect.objectContaining({ id: "_-cdefghijk_0", captions: ["Rain falls"] }),
    ]);
    expect(protocol).toEqual({
      textTokens: 20,
      maxTokens: { vggish: 29, vggsound: 29 },
      fuseCaptions: false,
      captionsPerClip: 5,
    });
    expect(features).toBeNull();
    expect(notices).toEqual([
      {
        code: "POOL_DIFFERS_FROM_PAPER",
        message: said(/^The split lists 2 clips; the paper's figures are over 816\./),
      },
    ]);
    expect(await splitsOf("AUDIOCAPS", folder)).toEqual(["train 1", "test 2"]);
    // Which layout it is, the files tell.
    expect((await openDataset({ benchmark: "CUSTOM", captions: folder })).clips).toEqual(clips);
    expect((await openDataset({ benchmark: "AUDIOCAPS", captions: `${folder}/test.csv` })).clips).toEqual(clips);
  });

  it("asks with one caption in validation", async () => {
    const folder = await folderOf({ "val.csv": TEST });
    expect(
      (await openDataset({ benchmark: "AUDIOCAPS", captions: folder, split: "val" })).protocol.captionsPerClip,
    ).toBe(1);
  });

  it("lets the published lists decide, keeps a listed clip without captions, and tells of both", async () => {
    const folder = await folderOf({
      "test.csv": TEST,
      "final_filtered_test_list.txt": "nocaptions1_5000\n_-cdefghijk_0\n",
      "train_list_25.txt": "_-cdefghijk_0\n",
    });
    const { clips, notices } = await openDataset({ benchmark: "AUDIOCAPS", captions: folder });
    expect(clips.map(({ id, captions: texts }) => [id, texts.length])).toEqual([
      ["nocaptions1_5000", 0],
      ["_-cdefghijk_0", 1],
    ]);
    expect(clips[0]!.media.at(-1)).toEqual({ name: "nocaptions1", exact: false, startSeconds: 5, endSeconds: 15 });
    expect(notices).toEqual([
      {
        code: "LISTED_WITHOUT_CAPTION",
        message: "Clips in final_filtered_test_list.txt without a caption: 1 of 2 (nocaptions1_5000).",
      },
      {
        code: "CLIPS_NOT_LISTED",
        message:
          "Clips of this split with captions that are left out, as they are not in final_filtered_test_list.txt: 1.",
      },
      { code: "POOL_DIFFERS_FROM_PAPER", message: said(/lists 2 clips/) },
    ]);
    expect(await splitsOf("AUDIOCAPS", folder)).toEqual(["test 2", "train_25 1"]);
  });

  it("reads files with a byte order mark, Windows line ends and empty lines", async () => {
    const plain = await folderOf({ "test.csv": TEST });
    const odd = await folderOf({ "test.csv": `\uFEFF${TEST.replaceAll("\n", "\r\n")}\r\n\r\n` });
    expect(await captions("AUDIOCAPS", odd)).toEqual(await captions("AUDIOCAPS", plain));
  });

  it.each([
    [`${HEADER}1,abcdefghijk,soon,Birds\n`, 'test.csv, line 2, start_time: expected seconds, found "soon".'],
    [`${HEADER}1,abcdefghijk,-1,Birds\n`, 'test.csv, line 2, start_time: expected seconds, found "-1".'],
    [`${HEADER}1,a,0,Birds\n2,,0,Birds\n`, "test.csv, line 3: the caption has no youtube_id."],
    [`${HEADER}1,a,0,Birds\n2,a\n`, "test.csv, line 3: expected 4 cells, as the header has; there are 2."],
    [`${HEADER}1,a,0,"Birds\nsing"\n\n2,,0,Rain\n`, "test.csv, line 5: the caption has no youtube_id."],
    [`${HEADER}1,a,0,"Birds\n2,b,0,Rain\n`, "test.csv, line 3: no CSV: a quotation mark is never closed."],
    [
      "audiocap_id,youtube,start_time\n",
      'test.csv, line 1: expected the columns audiocap_id, youtube_id, start_time, caption; youtube_id, caption is not among "audiocap_id,youtube,start_time".',
    ],
    [Buffer.from(`${HEADER}1,a,0,caf\xe9\n`, "latin1"), "test.csv, line 2: not UTF-8. Save the file in UTF-8."],
  ])("refuses a malformed table (%#)", async (content, message) => {
    const folder = await folderOf({ "test.csv": content });
    await expect(openDataset({ benchmark: "AUDIOCAPS", captions: folder })).rejects.toMatchObject({
      code: "DATASET_INVALID",
      message,
    });
  });

  it("refuses a clip that is in two splits, a list whose ids all are foreign, and one with an id twice", async () => {
    const twice = await folderOf({ "test.csv": TEST, "train.csv": `${HEADER}1,abcdefghijk,30,A hum\n` });
    await expect(captions("AUDIOCAPS", twice)).rejects.toMatchObject({
      code: "DATASET_INVALID",
      message: 'test.csv, line 2: the clip "abcdefghijk_30000" is in another split, too.',
    });
    const foreign = await folderOf({ "test.csv": TEST, "train_list.txt": "x_1\n" });
    await expect(captions("AUDIOCAPS", foreign)).rejects.toMatchObject({
      code: "DATASET_INVALID",
      message: "train_list.txt: none of its ids has a caption: x_1.",
    });
    const repeated = await folderOf({ "test.csv": TEST, "train_list.txt": "_-cdefghijk_0\n_-cdefghijk_0\n" });
    await expect(captions("AUDIOCAPS", repeated)).rejects.toMatchObject({
      code: "DATASET_INVALID",
      message: 'train_list.txt, line 2: the clip "_-cdefghijk_0" is there already; an id stands once.',
    });
  });

  it("has no split whose file has a header only", async () => {
    const folder = await folderOf({ "test.csv": HEADER });
    await expect(captions("AUDIOCAPS", folder)).rejects.toMatchObject({ code: "DATASET_EMPTY" });
  });
});

describe("Clotho", () => {
  const HEADER = "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\n";
  const row = (name: string) => `${name},one,two,three,four,five\n`;

  it("has its parts as splits, ids with single spaces, and as many captions as are written", async () => {
    const folder = await folderOf({
      "clotho_captions_development.csv": HEADER + row("dev.wav"),
      "clotho_captions_validation.csv": HEADER + row("val.wav"),
      "clotho_captions_evaluation.csv": `${HEADER}${row("Été  à la mer.take2.wav")}silent.wav,,,,,\nshort.wav,a hum,,,,\n`,
    });
    const { clips, protocol } = await openDataset({ benchmark: "CLOTHO", captions: folder });
    expect(clips).toEqual([
      {
        id: "Été à la mer.take2",
        captions: ["one", "two", "three", "four", "five"],
        media: [{ name: "Été  à la mer.take2", exact: false, startSeconds: null, endSeconds: null }],
        row: -1,
      },
      expect.objectContaining({ id: "silent", captions: [] }),
      expect.objectContaining({ id: "short", captions: ["a hum"] }),
    ]);
    expect(protocol).toEqual({
      textTokens: 21,
      maxTokens: { vggish: 31, vggsound: 95 },
      fuseCaptions: false,
      captionsPerClip: 5,
    });
    expect(await splitsOf("CLOTHO", folder)).toEqual(["train 1", "val 1", "test 3"]);
  });

  it("1.0 has no validation part: without the published lists neither it nor the rest is made up", async () => {
    const files = {
      "clotho_captions_development.csv": HEADER + row("a.wav") + row("b.wav"),
      "clotho_captions_evaluation.csv": HEADER + row("c.wav"),
    };
    const folder = await folderOf(files);
    expect(await splitsOf("CLOTHO", folder)).toEqual(["test 1"]);
    for (const split of ["train", "val"]) {
      await expect(captions("CLOTHO", folder, split)).rejects.toMatchObject({
        code: "DATASET_SPLIT_NOT_FOUND",
        message:
          `The data set "clotho" has no split "${split}"; it has test. Clotho 1.0 has no validation part: ` +
          `put ${split}_list.txt of the published archive into the folder, or clotho_captions_validation.csv of a later version.`,
      });
    }
    const listed = await folderOf({ ...files, "train_list.txt": "b\n", "val_list.txt": "a\n" });
    expect(await splitsOf("CLOTHO", listed)).toEqual(["test 1", "train 1", "val 1"]);
  });

  it("refuses a file that is there twice, and captions without a file", async () => {
    const twice = await folderOf({ "clotho_captions_evaluation.csv": HEADER + row("a.wav") + row("a.wav") });
    await expect(captions("CLOTHO", twice)).rejects.toMatchObject({
      message: 'clotho_captions_evaluation.csv, line 3: the clip "a" is there already; an id stands once.',
    });
    const nameless = await folderOf({ "clotho_captions_evaluation.csv": HEADER + row("") });
    await expect(captions("CLOTHO", nameless)).rejects.toMatchObject({
      message: "clotho_captions_evaluation.csv, line 2: the captions have no file_name.",
    });
  });
});

describe("ActivityNet Captions", () => {
  const VAL_1 = {
    v_aaaaaaaaaaa: {
      duration: 20,
      timestamps: [
        [0, 5.5],
        [12, 6],
        [15, 25],
      ],
      sentences: ["A man sings.", " He bows.", " The crowd claps."],
    },
    v_bbbbbbbbbbb: { duration: 8.5, timestamps: [[0, 8]], sentences: ["Rain."] },
  };
  const folder = (further: Record<string, unknown> = {}) =>
    folderOf(
      Object.fromEntries(
        Object.entries({ "val_1.json": VAL_1, ...further }).map(([name, content]) => [
          name,
          typeof content === "string" ? content : JSON.stringify(content),
        ]),
      ),
    );

  it("has all sentences of a video, fused to one query, and val_1 as validation and test", async () => {
    const { clips, protocol, title } = await openDataset({
      benchmark: "ACTIVITYNET_CAPTIONS",
      captions: await folder(),
    });
    expect(title).toBe("activity-net");
    expect(clips.map(({ id, captions: texts, media }) => [id, texts, media.map(({ name }) => name)])).toEqual([
      ["v_aaaaaaaaaaa", ["A man sings.", "He bows.", "The crowd claps."], ["v_aaaaaaaaaaa", "aaaaaaaaaaa"]],
      ["v_bbbbbbbbbbb", ["Rain."], ["v_bbbbbbbbbbb", "bbbbbbbbbbb"]],
    ]);
    expect(protocol).toEqual({ textTokens: 20, maxTokens: { vggish: 29 }, fuseCaptions: true, captionsPerClip: 1 });
    const train = { v_ccccccccccc: { duration: 3, timestamps: [], sentences: [] } };
    const all = await folder({ "train.json": train, "val_2.json": { v_bbbbbbbbbbb: VAL_1.v_bbbbbbbbbbb } });
    expect(await splitsOf("ACTIVITYNET_CAPTIONS", all)).toEqual(["train 1", "val 2", "test 2", "val_2 1"]);
  });

  it("has the times of the sentences: those written end first are turned round, those past the end are cut", async () => {
    const dataset = await openDataset({ benchmark: "ACTIVITYNET_CAPTIONS", captions: await folder() });
    expect(dataset.moments.map(({ clip, text, truths }) => [clip, text, truths])).toEqual([
      [0, "A man sings.", [{ startSeconds: 0, endSeconds: 5.5 }]],
      [0, "He bows.", [{ startSeconds: 6, endSeconds: 12 }]],
      [0, "The crowd claps.", [{ startSeconds: 15, endSeconds: 20 }]],
      [1, "Rain.", [{ startSeconds: 0, endSeconds: 8 }]],
    ]);
    expect(dataset.notices.map(({ code }) => code)).toEqual(["POOL_DIFFERS_FROM_PAPER", "MOMENTS_TURNED"]);
  });

  it("takes the published list of val_1 for validation and test", async () => {
    const listed = await folder({ "val_1_list.txt": "v_bbbbbbbbbbb\n" });
    expect(await splitsOf("ACTIVITYNET_CAPTIONS", listed)).toEqual(["val 1", "test 1"]);
  });

  it.each([
    [
      '{"v_a": {"duration": 3, "timestamps": [[0, 1]], "sentences": []}}',
      /^val_1.json: v_a: expected as many timestamps/,
    ],
    ['{"v_a": {"duration": 3, "timestamps": [[0]], "sentences": ["x"]}}', /^val_1.json: v_a.timestamps.0/],
    ['{"v_a": {"duration": 3, "timestamps": [[0, 1]]}}', /^val_1.json: v_a.sentences: /],
    ["[]", /^val_1.json: .*expected record/],
    ["{", /^val_1.json: no JSON/],
  ])("refuses a malformed file (%#)", async (content, message) => {
    await expect(captions("ACTIVITYNET_CAPTIONS", await folder({ "val_1.json": content }))).rejects.toMatchObject({
      code: "DATASET_INVALID",
      message: said(message),
    });
  });

  it("refuses a video in training and validation", async () => {
    const both = await folder({ "train.json": VAL_1 });
    await expect(captions("ACTIVITYNET_CAPTIONS", both)).rejects.toMatchObject({
      message: 'val_1.json: the video "v_aaaaaaaaaaa" is in another split, too.',
    });
  });
});

describe("QuerYD", () => {
  const VIDEO = "video-aaaaaaaaaaa";
  const SEGMENT = "aaaaaaaaaaa-14129634549391";
  const FILES = {
    "raw_captions_combined_filtered-v1.json": JSON.stringify({ [VIDEO]: ["of version one"] }),
    "raw_captions_combined_filtered-v2.json": JSON.stringify({ [VIDEO]: [["a", "dog", "runs"], "it  barks"] }),
    "times_captions_combined_filtered-v2.json": JSON.stringify({
      [VIDEO]: [
        [0, 4],
        [5, 5],
      ],
    }),
    "split_raw_captions_filtered.json": JSON.stringify({ [SEGMENT]: ["a dog runs"] }),
    "split_times_captions_filtered.json": JSON.stringify({ [SEGMENT]: [[4.5, 9]] }),
  };

  it("has whole videos with all their descriptions, of the newest version, fused to one query", async () => {
    const folder = await folderOf({ ...FILES, "test_list.txt": `${VIDEO}\n` });
    const { clips, protocol, moments, notices } = await openDataset({ benchmark: "QUERYD", captions: folder });
    expect(clips).toEqual([
      {
        id: VIDEO,
        captions: ["a dog runs", "it barks"],
        media: [VIDEO, "aaaaaaaaaaa"].map((name) => ({ name, exact: false, startSeconds: null, endSeconds: null })),
        row: -1,
      },
    ]);
    expect(protocol).toEqual({ textTokens: 70, maxTokens: { vggish: 500 }, fuseCaptions: true, captionsPerClip: 1 });
    expect(moments).toEqual([{ clip: 0, text: "a dog runs", truths: [{ startSeconds: 0, endSeconds: 4 }] }]);
    expect(notices).toEqual([
      { code: "MOMENTS_LEFT_OUT", message: "Moments left out, as they have no length within their clip: 1." },
    ]);
  });

  it("has segments, the paper's QuerYD, as parts of whole videos too", async () => {
    const folder = await folderOf({ ...FILES, "test_list.txt": `${SEGMENT}\n` });
    const { clips, protocol, moments, notices } = await openDataset({ benchmark: "QUERYD_SEGMENTS", captions: folder });
    expect(clips[0]!.media).toEqual([
      { name: SEGMENT, exact: false, startSeconds: null, endSeconds: null },
      { name: "aaaaaaaaaaa", exact: false, startSeconds: 4.5, endSeconds: 9 },
    ]);
    expect([protocol.fuseCaptions, protocol.captionsPerClip, moments]).toEqual([false, 1, []]);
    expect(notices.map(({ code }) => code)).toEqual(["POOL_DIFFERS_FROM_PAPER"]);
  });

  it("needs its lists, and as many times as captions", async () => {
    await expect(captions("QUERYD", await folderOf(FILES))).rejects.toMatchObject({
      code: "DATASET_INVALID",
      message:
        "Beside raw_captions_combined_filtered-v2.json the lists train_list.txt, val_list.txt, test_list.txt are missing.",
    });
    const folder = await folderOf({
      ...FILES,
      "times_captions_combined_filtered-v2.json": JSON.stringify({ [VIDEO]: [[0, 4]] }),
    });
    await expect(captions("QUERYD", folder)).rejects.toMatchObject({
      message: `times_captions_combined_filtered-v2.json: expected 2 times of "${VIDEO}", one a caption; there are 1.`,
    });
  });

  it("is not read from pickles: the message says how to convert them", async () => {
    const folder = await folderOf({ "raw_captions_combined_filtered.pkl": "", "test_list.txt": "" });
    await expect(captions("QUERYD", folder)).rejects.toMatchObject({
      code: "DATASET_NOT_FOUND",
      message: said(
        /Earshot does not open files such as "raw_captions_combined_filtered.pkl"\. Convert the published archive, or the folder it unpacks to, with "earshot-training dataset convert ARCHIVE --name queryd --output FOLDER"/,
      ),
    });
  });
});

describe("SoundDescs", () => {
  it("has the descriptions of each recording, fused to one query", async () => {
    const folder = await folderOf({
      "sounddescs_descriptions.json": JSON.stringify({
        "07033137": "Rain,  heavy.",
        nhu05091190: [["a", "gull"], "calls"],
        x: "",
      }),
      "test_list.txt": "nhu05091190\n07033137\n",
      "val_list.txt": "07033137\n",
    });
    expect(await captions("SOUNDDESCS", folder)).toEqual({
      nhu05091190: ["a gull", "calls"],
      "07033137": ["Rain, heavy."],
    });
    const { protocol } = await openDataset({ benchmark: "SOUNDDESCS", captions: folder });
    expect(protocol).toEqual({
      textTokens: 46,
      maxTokens: { vggish: 400, vggsound: 400 },
      fuseCaptions: true,
      captionsPerClip: 1,
    });
  });

  it("is not read from pickles", async () => {
    const folder = await folderOf({ "sounddescs_descriptions.pkl": "", "test_list.txt": "" });
    await expect(captions("SOUNDDESCS", folder)).rejects.toMatchObject({ message: said(/--name sounddescs --output/) });
  });
});

describe("a folder", () => {
  it("of another benchmark is refused with what it holds", async () => {
    const folder = await folderOf({ "test.csv": "audiocap_id,youtube_id,start_time,caption\n1,a,0,a hum\n" });
    await expect(captions("CLOTHO", folder)).rejects.toMatchObject({
      code: "DATASET_NOT_FOUND",
      message: said(
        /holds the data set "audiocaps", not CLOTHO\. Run it as AUDIOCAPS, or name the folder of CLOTHO\.$/,
      ),
    });
  });

  it("without any known file is refused with the files there could be", async () => {
    const folder = await folderOf({ "notes.txt": "" });
    await expect(captions("CLOTHO", folder)).rejects.toMatchObject({
      code: "DATASET_NOT_FOUND",
      message: said(/Expected a folder with dataset\.json, or with clotho_captions_\*\.csv\.$/),
    });
    await expect(captions("CUSTOM", folder)).rejects.toMatchObject({
      message: said(/train\.csv.*clips\.jsonl; scenes\.json/),
    });
    await expect(captions("CUSTOM", `${folder}/notes.txt`)).rejects.toMatchObject({
      code: "DATASET_NOT_FOUND",
      message: said(/^"notes\.txt" is no file of captions that is known\./),
    });
  });

  it("that is not there is refused without its path", async () => {
    await expect(captions("CUSTOM", "/nowhere/at/all")).rejects.toMatchObject({
      code: "DATASET_NOT_FOUND",
      message: 'There is no readable data set folder "all".',
      detail: "/nowhere/at/all",
    });
  });

  it.each(["AudioCaps-experts-audio-only.tar.gz", "raw-captions.pkl"])(
    "with %s alone is to be converted",
    async (name) => {
      const folder = await folderOf({ [name]: "" });
      for (const place of [folder, `${folder}/${name}`]) {
        await expect(captions("AUDIOCAPS", place)).rejects.toMatchObject({
          code: "DATASET_NOT_FOUND",
          message: said(/"earshot-training dataset convert ARCHIVE --name audiocaps --output FOLDER"/),
        });
      }
    },
  );
});
