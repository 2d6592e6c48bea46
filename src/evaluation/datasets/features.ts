import { z } from "zod";
import { ArrayFile } from "./array-file.js";
import type { DatasetFolder } from "./dataset-folder.js";
import type { ExpertFeatures, WordFeatures } from "./dataset.js";

const file = z.string().min(1);
const dim = z.number().int().positive();

/** The entry of an expert in `dataset.json`. */
export const expertEntry = z.discriminatedUnion("aggregation", [
  z.object({ aggregation: z.literal("sequence"), dim, features: file, offsets: file }),
  z.object({ aggregation: z.literal("average"), dim, features: file, available: file }),
]);

/** The entry of the word vectors in `dataset.json`. */
export const wordsEntry = z.object({ dim, features: file, offsets: file });

/** Something that holds a file open. */
interface Open {
  close(): Promise<void>;
}

/**
 * Opens the features of one expert.
 *
 * @param clips Number of clips in the data set
 * @throws DatasetInvalidError an array is missing, cut short, or of another shape
 */
export async function openExpert(
  folder: DatasetFolder,
  name: string,
  entry: z.output<typeof expertEntry>,
  clips: number,
): Promise<ExpertFeatures & Open> {
  const features = await openMatrix(folder, entry);
  const rowIn = (row: number) => row >= 0 && row < clips;
  const of = (row: number) => `the features "${name}" of clip number ${row + 1}`;
  const common = { dim: entry.dim, close: () => features.close() };
  return orClose(features, async () => {
    if (entry.aggregation === "average") {
      const available = await readTruths(folder, entry.available, clips);
      if (features.shape[0] !== clips) {
        throw features.wrong(`has ${features.shape[0]} vectors; expected ${clips}, one a clip`);
      }
      const read = async (row: number) =>
        rowIn(row) && available[row] === 1 ? features.floats(row * entry.dim, entry.dim, of(row)) : null;
      return { ...common, aggregation: "average", read };
    }
    const offsets = await readOffsets(folder, entry.offsets, clips, features.shape[0]!, "clips");
    const read = async (row: number) => {
      if (!rowIn(row) || offsets[row] === offsets[row + 1]) return null;
      return features.floats(offsets[row]! * entry.dim, (offsets[row + 1]! - offsets[row]!) * entry.dim, of(row));
    };
    return { ...common, aggregation: "sequence", read };
  });
}

/**
 * Opens the word vectors of the captions.
 *
 * @param captions Number of captions of each clip
 * @throws DatasetInvalidError an array is missing, cut short, or of another shape
 */
export async function openWords(
  folder: DatasetFolder,
  entry: z.output<typeof wordsEntry>,
  captions: readonly number[],
): Promise<WordFeatures & Open> {
  const features = await openMatrix(folder, entry);
  return orClose(features, async () => {
    const first = [0];
    for (const count of captions) first.push(first.at(-1)! + count);
    const offsets = await readOffsets(folder, entry.offsets, first.at(-1)!, features.shape[0]!, "captions");
    return {
      dim: entry.dim,
      close: () => features.close(),
      read: async (row, caption) => {
        const number = (first[row] ?? NaN) + caption;
        if (!(caption >= 0 && number < first[row + 1]!)) {
          throw new RangeError(`clip number ${row + 1} has no caption number ${caption + 1}`);
        }
        const words = offsets[number + 1]! - offsets[number]!;
        return features.floats(offsets[number]! * entry.dim, words * entry.dim, `the words of clip number ${row + 1}`);
      },
    };
  });
}

async function orClose<Result>(file: Open, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openMatrix(folder: DatasetFolder, entry: { features: string; dim: number }): Promise<ArrayFile> {
  const array = await ArrayFile.open(folder, entry.features, "features");
  if ((array.kind === "<f4" || array.kind === "<f2") && array.shape.length === 2 && array.shape[1] === entry.dim) {
    return array;
  }
  await array.close();
  throw array.wrong(`is ${array.form}; expected vectors of ${entry.dim} numbers, float16 or float32`);
}

async function readOffsets(
  folder: DatasetFolder,
  name: string,
  parts: number,
  rows: number,
  what: string,
): Promise<Float64Array> {
  const array = await ArrayFile.open(folder, name, "offsets");
  try {
    if (array.kind !== "<i8" || array.shape.length !== 1 || array.shape[0] !== parts + 1) {
      throw array.wrong(`is ${array.form}; expected ${parts + 1} int64 offsets, one more than there are ${what}`);
    }
    const offsets = await array.integers();
    const rises = offsets.every((offset, place) => place === 0 || offset >= offsets[place - 1]!);
    if (offsets[0] !== 0 || !rises || offsets[parts] !== rows) {
      throw array.wrong(`has wrong offsets; expected them to rise from 0 to ${rows}, the number of vectors`);
    }
    return offsets;
  } finally {
    await array.close();
  }
}

async function readTruths(folder: DatasetFolder, name: string, clips: number): Promise<Uint8Array> {
  const array = await ArrayFile.open(folder, name, "available");
  try {
    if (array.kind !== "|b1" || array.shape.length !== 1 || array.shape[0] !== clips) {
      throw array.wrong(`is ${array.form}; expected ${clips} truth values, one a clip`);
    }
    return await array.truths();
  } finally {
    await array.close();
  }
}
