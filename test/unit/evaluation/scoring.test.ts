import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Worker } from "node:worker_threads";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  packQueries,
  scoreEvaluation,
  TOP_HITS,
  type ScoringOptions,
  type ScoringRequest,
  type ScoringResult,
} from "../../../src/evaluation/scoring/index.js";
import { randomNumbers } from "../../fixtures/sounds.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "earshot-scoring-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const workers: Worker[] = [];
const remember = (worker: Worker) => workers.push(worker);
beforeAll(() => process.on("worker", remember));
afterAll(() => process.off("worker", remember));
afterEach(() => {
  expect(
    workers.splice(0).every(({ threadId }) => threadId === -1),
    "every thread has ended",
  ).toBe(true);
});

const WIDTHS = [3, 2];
const DIMENSION = 5;

/** A row of a clip: one vector for each expert, undefined where it is missing. */
type Row = (readonly number[] | undefined)[];

interface Query {
  embeddings: number[][];
  weights: number[];
}

/** What can be scored, in the clearest form. */
interface Library {
  /** By clip. */
  clips: Row[][];
  /** Null: no known words. */
  queries: (Query | null)[];
  captions: { query: number; clip: number }[];
}

describe("the scoring of an evaluation", () => {
  const library = randomLibrary(40, 1);
  const captions = [...library.captions.keys()];
  const relevance = [
    { queries: [0], relevant: [3, 7, 11] },
    { queries: [4, 5, 6], relevant: [2] },
  ];
  const moments = { query: Uint32Array.of(9, 0, 9), clip: Uint32Array.of(5, 6, 39) };
  const told: number[] = [];
  let result: ScoringResult;
  beforeAll(async () => {
    const request = await requestOf(library, { relevance: [{ name: "three", queries: relevance }], moments });
    result = await scoreEvaluation(request, { threads: 2, onProgress: (progress) => told.push(progress) });
  });

  it("gives a caption and a clip the score of the clip's best row, whatever its experts, and ranks by it", () => {
    const expected = captions.map((caption) =>
      library.clips.map((_, clip) => clipScore(library, library.captions[caption]!.query, clip)),
    );
    const [t2a, a2t] = result.retrieval;
    captions.forEach((caption) => {
      const { clip } = library.captions[caption]!;
      expect(t2a!.scores[caption]).toBeCloseTo(expected[caption]![clip]!, 5);
      expect(t2a!.ranks[caption]).toBe(rankOf(expected[caption]!, [clip]));
    });
    library.clips.forEach((_, clip) => {
      const column = captions.map((caption) => expected[caption]![clip]!);
      const own = captions.filter((caption) => library.captions[caption]!.clip === clip);
      expect(a2t!.scores[clip]).toBeCloseTo(Math.max(...own.map((caption) => column[caption]!)), 5);
      expect(a2t!.ranks[clip]).toBe(rankOf(column, own));
    });
    expect(t2a!.metrics).toMatchObject({ direction: "T2A", queries: captions.length, pool: library.clips.length });
    expect(a2t!.metrics).toMatchObject({ direction: "A2T", queries: library.clips.length, pool: captions.length });
  });

  it("gives a caption without known words the score 0 with every clip, and the rank in the middle", () => {
    const wordless = captions.filter((caption) => library.queries[library.captions[caption]!.query] === null);
    expect(wordless.length).toBeGreaterThan(0);
    for (const caption of wordless) {
      expect(result.retrieval[0]!.scores[caption]).toBe(0);
      expect(result.retrieval[0]!.ranks[caption]).toBe((library.clips.length - 1) / 2);
      // Of equal ones the first come first.
      expect([...hitsOf(result, 0, caption).items]).toEqual([...Array(TOP_HITS).keys()]);
    }
  });

  it("tells the best clips of a caption and the best captions of a clip", () => {
    const [t2a, a2t] = result.retrieval;
    expect([t2a!.hits.width, a2t!.hits.width]).toEqual([TOP_HITS, TOP_HITS]);
    for (const caption of captions) {
      const scores = library.clips.map((_, clip) => clipScore(library, library.captions[caption]!.query, clip));
      const { items, scores: found } = hitsOf(result, 0, caption);
      expect([...items]).toEqual(bestOf(scores));
      items.forEach((clip, place) => expect(found[place]).toBeCloseTo(scores[clip]!, 5));
    }
    library.clips.forEach((_, clip) => {
      const scores = captions.map((caption) => clipScore(library, library.captions[caption]!.query, clip));
      expect([...hitsOf(result, 1, clip).items]).toEqual(bestOf(scores));
    });
  });

  it("measures queries with several right clips by the mean of their texts' scores", () => {
    const precisions = relevance.map(({ queries, relevant }) => {
      const scores = library.clips.map((_, clip) =>
        queries.reduce((sum, query) => sum + clipScore(library, query, clip), 0),
      );
      const places = relevant.map((clip) => rankOf(scores, [clip])).sort((a, b) => a - b);
      return places.reduce((sum, place, found) => sum + (found + 1) / (place + 1), 0) / places.length;
    });
    expect(result.relevance).toHaveLength(1);
    expect(result.relevance[0]).toMatchObject({ name: "three", queries: 2, pool: library.clips.length });
    expect(result.relevance[0]!.meanAveragePrecision.value).toBeCloseTo((precisions[0]! + precisions[1]!) / 2, 12);
  });

  it("tells the scores of all rows of a clip where moments are wanted, in the order of the file", () => {
    const { first, scores } = result.moments!;
    expect(first).toHaveLength(moments.clip.length + 1);
    moments.clip.forEach((clip, pair) => {
      const rows = library.clips[clip]!;
      const found = scores.subarray(first[pair], first[pair + 1]);
      expect(found).toHaveLength(rows.length);
      rows.forEach((row, i) => {
        expect(found[i]).toBeCloseTo(rowScore(library.queries[moments.query[pair]!]!, row), 5);
      });
    });
  });

  it("tells how far it has come", () => {
    expect(told.length).toBeGreaterThan(3);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    expect(told.at(-1)).toBe(1);
  });
});

describe("equal vectors", () => {
  // More clips and captions than a product takes at once, of a few different vectors, in a random order.
  const kinds = 6;
  const clips = 1100;
  const random = randomNumbers(7);
  const kindOf = Array.from({ length: clips }, () => Math.floor(random() * kinds));
  const dimension = 37;
  const vectors = Array.from({ length: kinds }, () => Float32Array.from({ length: dimension }, () => random() - 0.5));
  let results: ScoringResult[];
  beforeAll(async () => {
    const file = path.join(folder, "kinds");
    await writeFile(file, joined(kindOf.map((kind) => vectors[kind]!)));
    results = await Promise.all(
      [1, 3].map((threads) => {
        const places = Uint32Array.from({ length: clips }, (_, clip) => clip);
        const weights = Float32Array.of(1);
        const request: ScoringRequest = {
          clips,
          source: {
            kind: "rows",
            rows: { file, dimension, clipOfRow: Int32Array.from(places), patterns: new Int32Array(clips).fill(1) },
            queries: packQueries(
              kindOf.map((kind) => ({ embeddings: [vectors[kind]!.map((x, d) => x + Math.sin(d) / 9)], weights })),
              [dimension],
            ),
          },
          captions: { query: places, clip: places },
          directions: ["T2A", "A2T"],
          relevance: [],
          moments: null,
          seed: 0,
        };
        return scoreEvaluation(request, { threads });
      }),
    );
  });

  it("have equal scores wherever they stand, so that they tie exactly", () => {
    const scores = vectors.map((query) =>
      vectors.map((vector) => query.reduce((sum, x, d) => sum + (x + Math.sin(d) / 9) * vector[d]!, 0)),
    );
    const [t2a, a2t] = results[0]!.retrieval;
    for (const kind of vectors.keys()) {
      const one = kindOf.indexOf(kind);
      const clipRank = rankOf(
        kindOf.map((other) => scores[kind]![other]!),
        [one],
      );
      const captionRank = rankOf(
        kindOf.map((other) => scores[other]![kind]!),
        [one],
      );
      kindOf.forEach((other, i) => {
        if (other === kind) expect([t2a!.ranks[i], a2t!.ranks[i]]).toEqual([clipRank, captionRank]);
      });
    }
  });

  it("have the same scores whatever the number of threads", () => {
    expect(results[1]).toEqual(results[0]);
  });
});

describe("a table that is given", () => {
  it("is ranked as it is, and -Infinity stands for clips that were not found", async () => {
    const request = tableRequest([3, 2, -Infinity, 1, 1, 1]);
    const { retrieval, relevance, moments } = await scoreEvaluation(request, { threads: 1 });
    expect(retrieval.map(({ ranks }) => [...ranks])).toEqual([
      [0, 1, 1],
      [0, 1.5, 0.5],
    ]);
    expect([...retrieval[0]!.scores]).toEqual([3, 1, 1]);
    expect(retrieval[0]!.hits.width).toBe(3);
    expect([...hitsOf({ retrieval, relevance, moments }, 0, 0).items]).toEqual([0, 1, 2]);
    expect([relevance, moments]).toEqual([[], null]);
  });

  it("is measured in the directions that were asked for alone", async () => {
    const request = { ...tableRequest([1, 2, 3, 4, 5, 6]), directions: ["A2T"] as const };
    const { retrieval } = await scoreEvaluation(request, { threads: 1 });
    expect(retrieval.map(({ direction }) => direction)).toEqual(["A2T"]);
  });
});

describe("a scoring that cannot be done", () => {
  const invalid = { code: "VECTOR_INVALID" };

  it.each([
    ["a clip's vector holds NaN", { dirt: NaN }],
    ["the file of vectors is cut short", { cut: 4 }],
  ])("is refused when %s", async (_, damage) => {
    const request = await requestOf(randomLibrary(4, 2), {}, damage);
    await expect(scoreEvaluation(request, { threads: 1 })).rejects.toMatchObject(invalid);
  });

  it("is refused when a caption's embedding, or a given score, is no number", async () => {
    const library = randomLibrary(4, 3);
    library.queries[1] = {
      embeddings: [
        [1, 2, NaN],
        [0, 1],
      ],
      weights: [0.5, 0.5],
    };
    await expect(scoreEvaluation(await requestOf(library), { threads: 1 })).rejects.toMatchObject(invalid);
    await expect(scoreEvaluation(tableRequest([1, 2, 3, 4, NaN, 6]), { threads: 1 })).rejects.toMatchObject(invalid);
  });

  it("is refused when the table would be too large, with its size and what to do", async () => {
    const many = 20_000;
    const places = new Uint32Array(many).map((_, place) => place);
    const request: ScoringRequest = {
      ...tableRequest([1, 2, 3, 4, 5, 6]),
      clips: many,
      source: {
        kind: "rows",
        rows: { file: "", dimension: 1, clipOfRow: Int32Array.from(places), patterns: new Int32Array(many) },
        queries: { widths: [1], embeddings: new Float32Array(many), weights: new Float32Array(many) },
      },
      captions: { query: places, clip: places },
    };
    await expect(scoreEvaluation(request, { threads: 1 })).rejects.toMatchObject({
      code: "EVALUATION_TOO_LARGE",
      message: expect.stringMatching(/400000000 scores.*smaller split/) as string,
    });
  });

  const broken: [string, Partial<ScoringRequest>][] = [
    ["a caption's query is not there", { captions: { query: Uint32Array.of(9), clip: Uint32Array.of(0) } }],
    ["a caption's clip is not there", { captions: { query: Uint32Array.of(0), clip: Uint32Array.of(3) } }],
    ["a clip has no caption", { captions: { query: Uint32Array.of(0), clip: Uint32Array.of(0) } }],
    ["the table is not full", { clips: 4 }],
    [
      "a set has a query without a right clip",
      { relevance: [{ name: "", queries: [{ queries: [0], relevant: [] }] }] },
    ],
    ["moments are wanted of a table", { moments: { query: Uint32Array.of(0), clip: Uint32Array.of(0) } }],
  ];
  it.each(broken)("is refused when %s", async (_, change) => {
    const request = { ...tableRequest([1, 2, 3, 4, 5, 6]), ...change };
    await expect(scoreEvaluation(request, { threads: 1 })).rejects.toThrow(RangeError);
  });

  it("is refused when a clip has no row", async () => {
    const request = await requestOf(randomLibrary(4, 4));
    if (request.source.kind === "rows") request.source.rows.clipOfRow.fill(0);
    await expect(scoreEvaluation(request, { threads: 1 })).rejects.toThrow(/no row/);
  });

  it("is refused when an embedding does not fit", () => {
    expect(() => packQueries([{ embeddings: [new Float32Array(2)], weights: Float32Array.of(1) }], [3])).toThrow(
      RangeError,
    );
  });
});

describe("a scoring that does not end", () => {
  const reason = new Error("nobody wants it any more");

  it("stops when it is aborted before it begins or in the middle", async () => {
    const library = randomLibrary(30, 5);
    await expect(
      scoreEvaluation(await requestOf(library), { threads: 1, signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
    const controller = new AbortController();
    const told: number[] = [];
    const options: ScoringOptions = {
      threads: 1,
      signal: controller.signal,
      onProgress: (progress) => {
        told.push(progress);
        controller.abort(reason);
      },
    };
    await expect(scoreEvaluation(await requestOf(library), options)).rejects.toBe(reason);
    expect(told).toHaveLength(1);
    expect(told[0]).toBeLessThan(1);
  });

  it("says so when its thread is lost, and can be begun again", async () => {
    const library = randomLibrary(30, 6);
    const options = { threads: 1, onProgress: () => void workers.at(-1)!.terminate() };
    await expect(scoreEvaluation(await requestOf(library), options)).rejects.toMatchObject({
      code: "INFERENCE_WORKER_LOST",
      retryable: true,
    });
    const { retrieval } = await scoreEvaluation(await requestOf(library), { threads: 1 });
    expect(retrieval).toHaveLength(2);
  });
});

/** Two captions of one text and another one, and three clips. */
function tableRequest(scores: readonly number[]): ScoringRequest {
  return {
    clips: 3,
    source: { kind: "table", scores: Float32Array.from(scores) },
    captions: { query: Uint32Array.of(0, 1, 1), clip: Uint32Array.of(0, 1, 2) },
    directions: ["T2A", "A2T"],
    relevance: [],
    moments: null,
    seed: 0,
  };
}

/** Clips of one to three rows with either expert or both; captions, some of the same text, some without known words. */
function randomLibrary(clips: number, seed: number): Library {
  const random = randomNumbers(seed);
  const vector = (length: number) => Array.from({ length }, () => random() - 0.5);
  const row = (): Row => {
    const kind = random();
    return [kind < 0.7 ? vector(WIDTHS[0]!) : undefined, kind > 0.3 ? vector(WIDTHS[1]!) : undefined];
  };
  const queries = Array.from({ length: clips + 3 }, (_, query) => {
    const weight = random();
    return query % 17 === 8 ? null : { embeddings: WIDTHS.map(vector), weights: [weight, 1 - weight] };
  });
  return {
    clips: Array.from({ length: clips }, () => Array.from({ length: 1 + Math.floor(random() * 3) }, row)),
    queries,
    captions: queries.map((_, query) => ({ query, clip: query % clips })).concat({ query: 2, clip: 1 }),
  };
}

/**
 * The request of a library. Its rows stand in the file in a wild order, with some of no clip between them.
 *
 * @param damage a number to put into the first row that counts; bytes to leave out at the end
 */
async function requestOf(
  { clips, queries, captions }: Library,
  more: Partial<ScoringRequest> = {},
  damage: { dirt?: number; cut?: number } = {},
): Promise<ScoringRequest> {
  const rows = clips.flatMap((ofClip, clip) => ofClip.map((row, place) => ({ clip, row, place })));
  const stray = {
    clip: -1,
    row: [
      [9, 9, 9],
      [9, 9],
    ] as Row,
    place: 0,
  };
  // Rows of one clip keep their order.
  const ordered = [
    stray,
    ...rows.toSorted((a, b) => a.place - b.place || ((a.clip * 7) % 5) - ((b.clip * 7) % 5)),
    stray,
  ];
  const values = joined(
    ordered.map(({ row }) => Float32Array.from(row.flatMap((part, e) => part ?? Array<number>(WIDTHS[e]!).fill(0)))),
  );
  if (damage.dirt !== undefined) values[DIMENSION + 1] = damage.dirt;
  const file = path.join(folder, `rows-${Math.random()}`);
  // A stray row at the end is not needed.
  await writeFile(file, values.subarray(0, values.length - DIMENSION - (damage.cut ?? 0)));
  return {
    clips: clips.length,
    source: {
      kind: "rows",
      rows: {
        file,
        dimension: DIMENSION,
        clipOfRow: Int32Array.from(ordered, ({ clip }) => clip),
        patterns: Int32Array.from(ordered, ({ row }) => row.reduce((bits, part, e) => bits | (part ? 1 << e : 0), 0)),
      },
      queries: packQueries(
        queries.map((query) =>
          query === null
            ? { embeddings: [], weights: new Float32Array(0) }
            : {
                embeddings: query.embeddings.map((embedding) => Float32Array.from(embedding)),
                weights: Float32Array.from(query.weights),
              },
        ),
        WIDTHS,
      ),
    },
    captions: {
      query: Uint32Array.from(captions, ({ query }) => query),
      clip: Uint32Array.from(captions, ({ clip }) => clip),
    },
    directions: ["T2A", "A2T"],
    relevance: [],
    moments: null,
    seed: 0,
    ...more,
  };
}

/** The model's score: the experts that a row has, weighted by the query. */
function rowScore(query: Query | null, row: Row): number {
  if (query === null) return 0;
  let sum = 0;
  let total = 0;
  row.forEach((part, expert) => {
    if (part === undefined) return;
    total += query.weights[expert]!;
    sum += query.weights[expert]! * part.reduce((dot, x, d) => dot + x * query.embeddings[expert]![d]!, 0);
  });
  return sum / total;
}

function clipScore({ clips, queries }: Library, query: number, clip: number): number {
  return Math.max(...clips[clip]!.map((row) => rowScore(queries[query]!, row)));
}

/** The best place among some of the scores, by sorting: equal scores share the mean of their places. */
function rankOf(scores: readonly number[], own: readonly number[]): number {
  const best = Math.max(...own.map((place) => scores[place]!));
  return scores.filter((score) => score > best).length + (scores.filter((score) => score === best).length - 1) / 2;
}

function bestOf(scores: readonly number[]): number[] {
  return [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, TOP_HITS);
}

function hitsOf({ retrieval }: ScoringResult, direction: number, query: number) {
  const { width, items, scores } = retrieval[direction]!.hits;
  return {
    items: items.subarray(query * width, (query + 1) * width),
    scores: scores.subarray(query * width, (query + 1) * width),
  };
}

function joined(vectors: readonly Float32Array[]): Float32Array {
  return Float32Array.from(vectors.flatMap((vector) => [...vector]));
}
