import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { BenchmarkName } from "../../../../src/catalog/index.js";
import { describeDataset, openDataset, type EvaluationDataset } from "../../../../src/evaluation/datasets/index.js";
import { folderOf, neutralDataset } from "../../../fixtures/dataset-files.js";
import { readNpz } from "../../../fixtures/npz.js";

/** The readers beside those of `earshot-training`: what a model is trained on is what it is measured on. */

const repository = fileURLToPath(new URL("../../../../", import.meta.url));
const training = path.join(repository, "training");
const shared = path.join(process.env["EARSHOT_SHARED"] ?? path.join(repository, "../shared"), "data");
const audioCaps = path.join(shared, "captions/audiocaps");
const golden = path.join(shared, "golden/dataset");

const python = [path.join(training, ".venv/bin/python"), "python3"].find(
  (program) => run(program, "import earshot_training.datasets.published").status === 0,
);

function run(program: string, script: string, ...given: string[]) {
  return spawnSync(program, ["-c", script, ...given], {
    cwd: training,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...process.env, OMP_NUM_THREADS: "1" },
  });
}

const skipped = (title: string, missing: string | false) => (missing ? `${title} (SKIPPED: ${missing})` : title);
const noPython = python === undefined && "no Python has the package earshot_training";

/** Captions, splits and media as Python reads them; the numbers of features, too, where there are any. */
const READ = `
import json, sys
from pathlib import Path
from earshot_training.datasets import open_dataset
from earshot_training.datasets.raw import read_raw

def read(folder):
    found = read_raw(folder)
    clips = {clip.id: clip for clip in found.clips}
    told = {
        "title": found.name,
        "protocol": found.protocol.to_json(),
        "splits": {
            split: [[id, list(clips[id].captions), names(found, id), moments(clips[id])] for id in ids]
            for split, ids in found.splits.items()
        },
    }
    return told | features(open_dataset(folder)) if (folder / "dataset.json").exists() else told

def moments(clip):
    return [[text, *times] for text, times in zip(clip.captions, clip.moments)] if clip.moments else []

def names(found, id):
    return [[name.stem, name.exact, name.start_seconds, name.end_seconds] for name in found.media.get(id, [])]

def features(dataset):
    numbers = lambda array: None if array is None else array.astype(float).ravel().tolist()
    rows = range(len(dataset))
    captions = [range(len(clip.captions)) for clip in dataset.clips]
    return {
        "features": {name: [numbers(expert.get(row)) for row in rows] for name, expert in dataset.experts.items()},
        "words": [[numbers(dataset.words.get(row, n)) for n in captions[row]] for row in rows],
    }

print(json.dumps([read(Path(folder)) for folder in sys.argv[1:]]))
`;

type Clip = [id: string, captions: string[], media: unknown[], moments: [text: string, start: number, end: number][]];

interface Told {
  title: string;
  protocol: {
    textTokens: number;
    maxTokens: Record<string, number>;
    fuseCaptions: boolean;
    validationCaptions: number;
    testCaptions: number;
  };
  splits: Record<string, Clip[]>;
  features?: Record<string, (number[] | null)[]>;
  words?: number[][][];
}

function readByPython(folders: readonly string[]): Told[] {
  const { stdout, stderr, status } = run(python!, READ, ...folders);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Told[];
}

const ofDataset = ({ clips, moments }: EvaluationDataset): Clip[] =>
  clips.map(({ id, captions, media }, place) => [
    id,
    [...captions],
    media.map(({ name, exact, startSeconds, endSeconds }) => [name, exact, startSeconds, endSeconds]),
    moments
      .filter(({ clip }) => clip === place)
      .flatMap(({ text, truths }) =>
        truths.map((truth): [string, number, number] => [text, truth.startSeconds, truth.endSeconds]),
      ),
  ]);

/** Compares every split, without going through a matcher that would print fifty thousand clips. */
async function expectTheSame(benchmark: BenchmarkName, folder: string, told: Told): Promise<void> {
  const { title, splits } = await describeDataset({ benchmark, captions: folder });
  expect(title).toBe(told.title);
  expect(new Set(splits.map(({ name }) => name))).toEqual(new Set(Object.keys(told.splits)));
  for (const [split, clips] of Object.entries(told.splits)) {
    const dataset = await openDataset({ benchmark, captions: folder, split });
    const found = ofDataset(dataset);
    const differing = clips.findIndex((clip, place) => JSON.stringify(clip) !== JSON.stringify(found[place]));
    expect([split, found[differing]]).toEqual([split, clips[differing]]);
    expect(found).toHaveLength(clips.length);
    const { textTokens, maxTokens, fuseCaptions, validationCaptions, testCaptions } = told.protocol;
    const captionsPerClip = split.startsWith("val") ? validationCaptions : testCaptions;
    expect(dataset.protocol).toEqual({ textTokens, maxTokens, fuseCaptions, captionsPerClip });
  }
}

describe.skipIf(noPython)(skipped("captions and splits beside those that training reads", noPython), () => {
  it("are the same of made-up files of each benchmark", async () => {
    const audioCapsHeader = "audiocap_id,youtube_id,start_time,caption\n";
    const audioCapsFiles = {
      "train.csv": `${audioCapsHeader}1,abcdefghijk,30,"A ""dog"", and a cat"\n2,a-_defghijk,7,Rain on a tin"roof\n`,
      "test.csv": `${audioCapsHeader}3,zbcdefghijk,0, A hum \n4,zbcdefghijk,0,Humming\n5,zbcdefghijk,250,"Two\nlines"\n`,
    };
    const clothoRow = (name: string) => `${name},one,two,, four ,five\n`;
    const clothoHeader = "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\n";
    const timestamps = [
      [0, 12.5],
      [28, 13],
    ];
    const video = { duration: 30, sentences: [" One. ", "Two."], timestamps };
    const lists = (id: string) => ({
      "train_list.txt": `${id}\n`,
      "val_list.txt": `${id}\n`,
      "test_list.txt": `${id}\n`,
    });
    const described = "video-aaaaaaaaaaa";
    const cases: [BenchmarkName, Record<string, string>][] = [
      ["AUDIOCAPS", audioCapsFiles],
      [
        "AUDIOCAPS",
        { ...audioCapsFiles, "final_filtered_test_list.txt": "zbcdefghijk_250000\r\n\r\na-_defghijk_7000\r\n" },
      ],
      [
        "CLOTHO",
        {
          "clotho_captions_development.csv": `${clothoHeader}${clothoRow("Été à  la mer.wav")}${clothoRow("a.b.c.wav")}`,
          "clotho_captions_validation.csv": clothoHeader + clothoRow('"door, slowly.wav"'),
          "clotho_captions_evaluation.csv": clothoHeader + clothoRow("#1 “quoted”  sound.aiff.wav"),
        },
      ],
      [
        "ACTIVITYNET_CAPTIONS",
        { "train.json": JSON.stringify({ v_a: video }), "val_1.json": JSON.stringify({ v_b: video, v_c: video }) },
      ],
      [
        "QUERYD",
        {
          "raw_captions_combined_filtered-v1.json": JSON.stringify({ [described]: ["a  dog runs", ["it", "barks"]] }),
          "times_captions_combined_filtered.json": JSON.stringify({ [described]: [timestamps[0], [15, 16.5]] }),
          ...lists(described),
        },
      ],
      [
        "QUERYD_SEGMENTS",
        {
          "split_raw_captions_filtered.json": JSON.stringify({ "aaaaaaaaaaa-1": ["a dog runs"] }),
          ...lists("aaaaaaaaaaa-1"),
        },
      ],
    ];
    const folders: string[] = [];
    for (const [, files] of cases) folders.push(await folderOf(files));
    const told = readByPython(folders);
    for (const [place, [benchmark]] of cases.entries()) {
      await expectTheSame(benchmark, folders[place]!, told[place]!);
    }
  });

  it("and the features are the same of the neutral layout", async () => {
    const folders = [neutralDataset("npy"), neutralDataset("safetensors")];
    for (const [place, { splits, features, words }] of readByPython(folders).entries()) {
      const captions = folders[place]!;
      const dataset = await openDataset({ benchmark: "CUSTOM", captions, features: captions });
      expect(dataset.clips.map((clip) => [clip.id, clip.captions])).toEqual(
        splits["test"]!.map(([id, texts]) => [id, texts]),
      );
      for (const [name, rows] of Object.entries(features!)) {
        const found = await Promise.all(rows.map((_, row) => dataset.features![name]!.read(row)));
        expect(found.map((values) => values && [...values])).toEqual(rows);
      }
      for (const [row, vectors] of words!.entries()) {
        const found = await Promise.all(vectors.map((_, caption) => dataset.words!.read(row, caption)));
        expect(found.map((values) => [...values])).toEqual(vectors);
      }
      await dataset.close();
    }
  });

  const noCaptions = !existsSync(audioCaps) && "the captions of AudioCaps are not in ../shared";
  it.skipIf(noCaptions)(skipped("are the same of all of AudioCaps", noCaptions), async () => {
    const [told] = readByPython([audioCaps]);
    await expectTheSame("AUDIOCAPS", audioCaps, told!);
    expect(Object.entries(told!.splits).map(([name, clips]) => [name, clips.length])).toEqual([
      ["train", 49838],
      ["val", 495],
      ["test", 975],
    ]);
  });
});

/** `earshot-training dataset convert` without the other commands, for which PyTorch would be loaded. */
const CONVERT = `
import argparse, sys
from earshot_training.commands import dataset
parser = argparse.ArgumentParser()
dataset.add_command(parser.add_subparsers())
arguments = parser.parse_args()
sys.exit(arguments.run(arguments))
`;

const noGolden = noPython || (!existsSync(golden) && "the golden archive is not in ../shared");

describe.skipIf(noGolden)(skipped("a published archive, converted", noGolden), () => {
  it("gives what the reference's own loader gives", async () => {
    const folder = path.join(await folderOf({}), "audiocaps");
    const archive = path.join(golden, "AudioCaps-experts-audio-only.tar.gz");
    const given = ["dataset", "convert", archive, "--name", "audiocaps", "--output", folder];
    const { status, stderr } = run(python!, CONVERT, ...given);
    expect(status, stderr).toBe(0);
    const expected = readNpz(path.join(golden, "expected.npz"));
    const { ids } = JSON.parse(readFileSync(path.join(golden, "expected.json"), "utf8")) as {
      ids: Record<string, string[]>;
    };
    for (const split of ["val", "test"]) {
      const dataset = await openDataset({ benchmark: "AUDIOCAPS", captions: folder, features: folder, split });
      expect(dataset.clips.map(({ id }) => id)).toEqual(ids[split]);
      const masks = dataset.clips.flatMap(({ captions }) =>
        Array.from({ length: dataset.protocol.captionsPerClip }, (_, n) => (n < captions.length ? 1 : 0)),
      );
      expect(masks).toEqual(expected[`${split}__query_masks`]);
      for (const [name, reference] of Object.entries(REFERENCE_NAMES)) {
        const expert = dataset.features![name]!;
        const rows = await Promise.all(dataset.clips.map(({ row }) => expert.read(row)));
        expect(rows.map((row) => (row === null ? 0 : 1))).toEqual(expected[`${split}__ind__${reference}`]);
        const length = expert.dim * (expert.aggregation === "sequence" ? dataset.protocol.maxTokens[name]! : 1);
        expectNumbers(
          rows.flatMap((row) => padded(row, length)),
          expected[`${split}__feat__${reference}`]!,
        );
      }
      const texts: number[] = [];
      for (const { row, captions } of dataset.clips) {
        for (let n = 0; n < dataset.protocol.captionsPerClip; n++) {
          const words = n < captions.length ? await dataset.words!.read(row, n) : new Float32Array();
          texts.push(...padded(words, dataset.words!.dim * dataset.protocol.textTokens!));
        }
      }
      expectNumbers(texts, expected[`${split}__text`]!);
      await dataset.close();
    }
  });
});

/** What the reference calls the experts. */
const REFERENCE_NAMES = {
  vggish: "audio",
  vggsound: "vggsound",
  inst: "imagenet.resnext101_32x48d.0",
  r2p1d: "r2p1d.r2p1d-ig65m.0",
};

/** Cut or filled with zeros, as the reference feeds its models; NaN throughout where an expert is missing. */
function padded(values: Float32Array | null, length: number): number[] {
  return Array.from({ length }, (_, place) => (values === null ? NaN : (values[place] ?? 0)));
}

function expectNumbers(found: readonly number[], expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  const differing = found.findIndex((value, place) => !Object.is(value + 0, expected[place]! + 0));
  expect([differing, found[differing]]).toEqual([-1, undefined]);
}
