import type { BenchmarkName } from "../../catalog/index.js";
import type { SetProtocol } from "./caption-set.js";
import type { MediaName } from "./dataset.js";

/** A benchmark of the paper, or of its follow-up. */
export interface Benchmark {
  name: BenchmarkName;
  /** What its data sets call themselves in `dataset.json`, and `earshot-training` calls them. */
  title: string;
  /** As the reference feeds it (reference fact 1.2). */
  protocol: SetProtocol;
  /** The list of each split's ids in the published archive (reference fact 6.1). */
  lists: Readonly<Record<string, string>>;
  /** Clips in the test split of the paper's tables (reference fact 4.1); null: it has none. */
  paperPool: number | null;
  /** How the media of an id may be called. */
  media: (id: string) => MediaName[];
}

const LISTS = { train: "train_list.txt", val: "val_list.txt", test: "test_list.txt" };

/** AudioCaps' clips are 10 s of YouTube videos. */
const AUDIOCAPS_SECONDS = 10;

/** A whole file of that name. */
export function wholeFile(name: string): MediaName {
  return { name, exact: false, startSeconds: null, endSeconds: null };
}

const byId = (id: string): MediaName[] => [wholeFile(id)];

export const BENCHMARKS: readonly Benchmark[] = [
  {
    name: "AUDIOCAPS",
    title: "audiocaps",
    protocol: protocol(20, { vggish: 29, vggsound: 29 }, { testCaptions: 5 }),
    lists: {
      train: "train_list.txt",
      val: "filtered_val_list.txt",
      test: "final_filtered_test_list.txt",
      ...Object.fromEntries(
        [10, 25, 50, 75].flatMap((share) => [
          [`train_${share}`, `train_list_${share}.txt`],
          [`val_${share}`, `filtered_val_list_${share}.txt`],
        ]),
      ),
    },
    paperPool: 816,
    media: (id) => audioCapsMedia(id, []),
  },
  {
    name: "CLOTHO",
    title: "clotho",
    protocol: protocol(21, { vggish: 31, vggsound: 95 }, { testCaptions: 5 }),
    lists: LISTS,
    paperPool: 1045,
    media: byId,
  },
  {
    name: "ACTIVITYNET_CAPTIONS",
    title: "activity-net",
    protocol: protocol(20, { vggish: 29 }, { fuseCaptions: true }),
    // val_1 is both validation and test, as in the reference (reference fact 2.3).
    lists: { train: "train_list.txt", val: "val_1_list.txt", test: "val_1_list.txt" },
    paperPool: 4917,
    media: (id) => [wholeFile(id), wholeFile(id.replace(/^v_/, ""))],
  },
  {
    name: "QUERYD",
    title: "queryd",
    protocol: protocol(70, { vggish: 500 }, { fuseCaptions: true }),
    lists: LISTS,
    paperPool: null,
    media: (id) => [wholeFile(id), ...youTubeIdOf(id).map(wholeFile)],
  },
  {
    name: "QUERYD_SEGMENTS",
    title: "queryd-segments",
    protocol: protocol(70, { vggish: 500 }),
    lists: LISTS,
    paperPool: 1954,
    media: byId,
  },
  {
    name: "SOUNDDESCS",
    title: "sounddescs",
    protocol: protocol(46, { vggish: 400, vggsound: 400 }, { fuseCaptions: true }),
    lists: LISTS,
    paperPool: null,
    media: byId,
  },
];

function protocol(
  textTokens: number,
  maxTokens: Record<string, number>,
  further: Partial<SetProtocol> = {},
): SetProtocol {
  return { textTokens, maxTokens, fuseCaptions: false, validationCaptions: 1, testCaptions: 1, ...further };
}

/** The benchmark of a name. */
export function benchmarkOf(name: Exclude<BenchmarkName, "CUSTOM">): Benchmark {
  return BENCHMARKS.find((benchmark) => benchmark.name === name)!;
}

/** The benchmark that a data set says it is, if any. */
export function benchmarkTitled(title: string): Benchmark | undefined {
  return BENCHMARKS.find((benchmark) => benchmark.title === title);
}

/**
 * Names of the media of an AudioCaps clip: its id (`<YouTube id>_<start in milliseconds>`), `<YouTube id>_<start in
 * seconds>`, the number of one of its captions, or the whole video.
 */
export function audioCapsMedia(id: string, captionNumbers: readonly string[]): MediaName[] {
  const found = /^(.+)_(\d+)$/s.exec(id);
  if (found === null) return byId(id);
  const [, video, start] = found as unknown as [string, string, string];
  const startSeconds = Number(start) / 1000;
  return [
    wholeFile(id),
    wholeFile(`${video}_${startSeconds}`),
    ...captionNumbers.map(wholeFile),
    { name: video, exact: false, startSeconds, endSeconds: startSeconds + AUDIOCAPS_SECONDS },
  ];
}

/** The YouTube id with which an id of QuerYD begins, if it does. */
export function youTubeIdOf(id: string): string[] {
  return [...(/^(?:video-)?([\w-]{11})/.exec(id)?.slice(1) ?? [])];
}
