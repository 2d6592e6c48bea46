/** The thread that scores one evaluation: one request opens it, the others work on it piece by piece. */
import type { RetrievalDirection } from "../../catalog/index.js";
import { serveRequests } from "../../models/worker-thread.js";
import type { SimilarityTable } from "../metrics/ranks.js";
import { measureDirection, measureRelevance } from "./measure.js";
import { ScoreTable } from "./score-table.js";
import type { DirectionResult, ScoringRequest } from "./types.js";
import { UnusableScoresError } from "./unusable-scores.js";

/** What the thread is asked. `open` comes first, then every `step` in order, then the rest in any order. */
export type ScoringWorkerRequest =
  | { kind: "open"; request: ScoringRequest; threads: number }
  | { kind: "step"; step: number }
  | { kind: "direction"; direction: RetrievalDirection }
  | { kind: "relevance"; set: number }
  | { kind: "moments" };

/** Its answer: what was asked for, or why the vectors or scores are unusable. */
export type ScoringWorkerAnswer<Result> = { ok: true; result: Result } | { ok: false; reason: string };

/** What is worked on. */
interface Scoring {
  request: ScoringRequest;
  /** Null where the scores were given. */
  table: ScoreTable | null;
  scores: Float32Array;
}

let scoring: Scoring | undefined;

async function open(request: ScoringRequest, threads: number): Promise<{ steps: number }> {
  const { clips, source, moments } = request;
  if (source.kind === "table") {
    checkScores(source.scores, clips);
    scoring = { request, table: null, scores: source.scores };
    return { steps: 0 };
  }
  const { rows, queries } = source;
  const table = await ScoreTable.open({ clips, rows, queries, moments, threads });
  scoring = { request, table, scores: table.scores };
  return { steps: table.steps };
}

function checkScores(scores: Float32Array, clips: number): void {
  for (let place = 0; place < scores.length; place++) {
    if (scores[place]! < Infinity) continue;
    const [query, clip] = [Math.floor(place / clips), place % clips];
    throw new UnusableScoresError(`The score of query ${query} and clip ${clip} is ${scores[place]}.`);
  }
}

async function answer(body: ScoringWorkerRequest): Promise<unknown> {
  if (body.kind === "open") return open(body.request, body.threads);
  if (scoring === undefined) throw new Error("nothing to score was opened");
  const { request, table, scores } = scoring;
  switch (body.kind) {
    case "step":
      return table?.step(body.step);
    case "direction":
      return measureDirection(body.direction, similarities(request, scores), request.seed);
    case "relevance":
      return measureRelevance(request.relevance[body.set]!, scores, request.clips, request.seed);
    case "moments":
      return table?.momentScores();
  }
}

function similarities({ clips, captions }: ScoringRequest, scores: Float32Array): SimilarityTable {
  return { scores, clips, clipOfCaption: captions.clip, rowOfCaption: captions.query };
}

/** The buffers of a direction's result; other answers are small. */
function buffersOf(body: ScoringWorkerRequest, result: unknown): ArrayBuffer[] {
  if (body.kind !== "direction") return [];
  const { ranks, scores, hits } = result as DirectionResult;
  return [ranks, scores, hits.items, hits.scores].map(({ buffer }) => buffer as ArrayBuffer);
}

serveRequests(async (body) => {
  const request = body as ScoringWorkerRequest;
  try {
    const result = await answer(request);
    return { result: { ok: true, result }, transfer: buffersOf(request, result) };
  } catch (error) {
    if (error instanceof UnusableScoresError) return { result: { ok: false, reason: error.message } };
    throw error;
  }
});
