import { describe, expect, it } from "vitest";
import type { EvaluationRankRecord } from "../../../src/catalog/index.js";
import type { CompletedEvaluation } from "../../../src/evaluation/comparison/index.js";
import { compareEvaluations } from "../../../src/evaluation/comparison/index.js";
import {
  comparedRuns,
  QueryChooser,
  renderReport,
  type ClipExcerpt,
  type ReportInput,
} from "../../../src/evaluation/report/index.js";
import { completedEvaluation, madeUpMetrics, rankedQuery } from "../../fixtures/completed-evaluation.js";

const HOSTILE = `<script>alert("1")</script>'&\u202e`;
const PICTURE = "data:image/jpeg;base64,AAAA";
const SOUND = "data:audio/mp4;base64,BBBB";

/** The queries of text to audio, chosen and with their ranks. */
function direction(queries: readonly EvaluationRankRecord[]): NonNullable<ReportInput["directions"]["T2A"]> {
  const chooser = new QueryChooser();
  for (const query of queries) chooser.add(query);
  return { ranks: chooser.ranks, queries: chooser.chosen() };
}

/** The page of a run with one query of each of some ranks. */
function page(change: Partial<ReportInput> = {}, ranks: readonly number[] = [1, 2, 60, 700]): string {
  const queries = ranks.map((rank, ordinal) => rankedQuery({ target: `clip-${ordinal}`, rank, ordinal }));
  return renderReport({
    evaluation: completedEvaluation(),
    directions: { T2A: direction(queries) },
    compared: null,
    excerpts: new Map(),
    captions: new Map(),
    version: "1.2.3",
    ...change,
  });
}

/** The text of a page's parts that match, without markup and with single spaces. */
function textOf(html: string): string {
  return html
    .replace(/<(style|script)>.*?<\/\1>/gs, " ")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ");
}

describe("a report", () => {
  it("shows the figures of both directions with their intervals, and the pool beside them", () => {
    const html = page();
    const table = textOf(/<table class="metrics">.*?<\/table>/s.exec(html)![0]);
    expect(table).toContain("Text to audio Audio to text");
    const half =
      "812 22.9 20.4–25.7 54.8 52.3–57.6 70.2 67.7–73.0 92.6 90.1–95.4 4.5 4.0–5.0 16.5 14.2–19.1 44.5 42.0–47.3";
    expect(table).toContain(`This run ${half} ${half}`);
  });

  it("counts the missing clips, with reasons and examples", () => {
    const text = textOf(page());
    expect(text).toContain("812 of 816 clips ranked; 4 missing (3 not found, 1 cannot be decoded)");
    expect(text).toContain("clip-9 : The file is no media file.");
  });

  it("sets the paper's rows beside the run, with deviations instead of intervals", async () => {
    const evaluation = completedEvaluation();
    const comparison = await compareEvaluations([evaluation], () => Promise.resolve([]), "TABLE_2");
    const text = textOf(page({ evaluation, compared: comparedRuns([comparison]) }));
    expect(text).toContain(
      "VGGish + VGGSound (CE-Audio) paper, Table 2; data set and experts as here 816 22.9 ± 0.0 – 70.2 ± 0.0",
    );
    expect(text).toContain("Scene paper, Table 2 816 6.3 ± 0.2");
    expect(text).toContain("A run ranked 812 clips, the paper 816");
  });

  it("says by how much it differs from another run, and marks what is beyond chance", async () => {
    const evaluation = completedEvaluation();
    const other = completedEvaluation({}, { id: "11111111-d9cb-469f-a165-70867728950e", packId: "other@2.0.0" });
    // This run has rank 1 throughout, the other one only for each second query.
    const ranksOf = ({ id }: { id: string }) =>
      Promise.resolve(
        Array.from({ length: 60 }, (_, number) => {
          const rank = id === evaluation.id || number % 2 === 0 ? 1 : 3;
          return { key: `clip-${number}`, target: `clip-${number}`, rank };
        }),
      );
    const compared = comparedRuns([await compareEvaluations([evaluation, other], ranksOf)]);
    const text = textOf(page({ evaluation, compared }));
    expect(text).toContain("Run 2 other@2.0.0, 11111111 812 22.9");
    expect(text).toMatch(/this run less Run 2, t2a 60 \+50\.0\* \+\d+\.\d to \+\d+\.\d 0\.0 0\.0 to 0\.0 0\.0/);
    expect(text).toMatch(/−1\.0\* −1\.\d to −0\.\d/);
  });

  it("gives mean and both deviations of a series", async () => {
    const runs = [20, 22, 27].map((recall, seed) => {
      const metrics = madeUpMetrics("T2A", 812, 812);
      const retrieval = [{ ...metrics, recallAt1: { ...metrics.recallAt1, value: recall } }];
      const evaluation = completedEvaluation({ retrieval });
      return { ...evaluation, id: `run-${seed}`, order: { ...evaluation.order, seed, series: "mine" } };
    });
    const comparison = await compareEvaluations(runs, () => Promise.resolve([]));
    const text = textOf(page({ evaluation: runs[0]!, compared: comparedRuns([comparison]) }));
    expect(text).toContain("Series mine mean of 3 seeds 812 23.0 ± 2.9 (3.6) 54.8 ± 0.0 (0.0)");
  });

  it("shows figures of relevance and of moments in percent, when there are any", () => {
    const share = (value: number) => ({ value, low: value - 0.04, high: value + 0.05 });
    const evaluation = completedEvaluation({
      relevance: [
        {
          ...{ name: "three captions, scores averaged", queries: 56, pool: 812 },
          ...{ meanAveragePrecision: share(0.343), precisionAt1: share(0.4), recallAt10: share(0.61) },
        },
      ],
      moments: {
        queries: 120,
        recallAt1: { "0.3": share(0.5), "0.5": share(0.4), "0.7": share(0.3) },
        meanAveragePrecision: share(0.2),
        averagePrecisionAtHalf: share(0.25),
      },
    });
    const text = textOf(page({ evaluation }));
    expect(text).toContain("three captions, scores averaged 56 812 clips 34.3 30.3–39.3 40.0 36.0–45.0 61.0 57.0–66.0");
    expect(text).toContain("R1@0.3 % R1@0.5 % R1@0.7 % mAP % AP@0.5 % this run 120 50.0 46.0–55.0 40.0");
    expect(textOf(page())).not.toContain("R1@");
  });

  it("has no empty table and charts where no clip has a caption of its own", () => {
    const html = page({ evaluation: completedEvaluation({ retrieval: [] }), directions: {} });
    expect(html).not.toMatch(/<table|<svg|R@1/);
    expect(textOf(html)).toContain("812 of 816 clips ranked");
  });

  it("counts in the histogram what the metrics count: a tie for the first place is no first place", () => {
    const html = page({}, [1, 1, 1.5, 5, 5.5, 6, 50.5, 812]);
    const bins = [...html.matchAll(/<title>(rank [^<]*)<\/title>/g)].map(([, title]) => title);
    expect(bins).toEqual([
      "rank 1: 2 of 8 queries",
      // 5.5 is the mean of the tied places 5 and 6: it counts for R@5 (reference fact 3).
      "rank 2–5: 3 of 8 queries",
      "rank 6–10: 1 of 8 queries",
      "rank 11–20: 0 of 8 queries",
      "rank 21–50: 1 of 8 queries",
      "rank 51–100: 0 of 8 queries",
      "rank 101–200: 0 of 8 queries",
      "rank 201–500: 0 of 8 queries",
      "rank 501–812: 1 of 8 queries",
    ]);
  });

  it("draws recall over k from the first place to the whole pool", () => {
    const html = page({}, [1, 1, 2, 812]);
    const points = /<g class="series T2A">\s*<polyline points="([^"]*)"/
      .exec(html)![1]!
      .split(" ")
      .map((point) => point.split(",").map(Number));
    const [bottom, top] = [290, 16];
    const heights = points.map(([, y]) => Math.round((100 * (bottom - y!)) / (bottom - top)));
    expect([heights[0], heights[1], heights.at(-2), heights.at(-1)]).toEqual([50, 75, 75, 100]);
    expect(points.every(([x], place) => place === 0 || x! > points[place - 1]![0]!)).toBe(true);
  });

  it("describes its charts in words", () => {
    const html = page({}, [1, 2, 60, 700]);
    for (const id of ["recall", "ranks"]) expect(html).toContain(`aria-labelledby="${id}-title ${id}-description"`);
    expect(html).toMatch(/<desc id="recall-description">[^<]*Text to audio: 22\.9 % at 1, 54\.8 % at 5/);
    expect(html).toMatch(/<desc id="ranks-description">Text to audio: 25\.0 % at rank 1, 25\.0 % at rank 2–5/);
  });

  it("marks the right answer in words, and shows it beside the first three when it is not among them", () => {
    const text = textOf(page({}, [1, 2, 60, 700]));
    expect(text).toContain("what clip-0 is rank 1 of 812 1 ✓ right answer 0.890 · clip-0");
    expect(text).toMatch(
      /what clip-3 is rank 700 of 812 1 0\.890 · other-3-1 .* 3 0\.870 · other-3-3 700 ✓ right answer/,
    );
  });

  it("takes texts, ids and reasons as text, whatever they hold", () => {
    const query = rankedQuery({ target: HOSTILE, rank: 1, ordinal: 0 });
    const evaluation: CompletedEvaluation = completedEvaluation({
      missing: {
        ...{ notFound: 1, unreadable: 0, withoutExpert: 0, withoutCaption: 0 },
        examples: [{ clip: HOSTILE, reason: HOSTILE }],
      },
      notices: [{ code: "X", message: HOSTILE }],
      experts: [HOSTILE],
    });
    const html = page({
      evaluation: {
        ...evaluation,
        ...{ packId: HOSTILE, datasetTitle: HOSTILE },
        order: {
          ...evaluation.order,
          dataset: "CUSTOM",
          split: HOSTILE,
          series: HOSTILE,
          notes: HOSTILE,
          experts: [HOSTILE],
        },
      },
      directions: { T2A: direction([{ ...query, query: HOSTILE }]) },
      captions: new Map([[HOSTILE, [HOSTILE]]]),
      excerpts: new Map<string, ClipExcerpt>([[HOSTILE, { image: { kind: "frame", uri: PICTURE }, sound: SOUND }]]),
    });
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).not.toContain('alert("1")');
    expect(html).not.toContain("\u202e");
    expect(html).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;");
  });

  it("cuts texts that have no end, and stays small", () => {
    const endless = "a crow caws, ".repeat(20_000);
    const queries = Array.from({ length: 20 }, (_, ordinal) => ({
      ...rankedQuery({ target: `clip-${ordinal}`, rank: 1 + ordinal, ordinal }),
      query: `${ordinal}: ${endless}`,
    }));
    const captions = new Map(queries.map(({ target, query }) => [target, [query, query]]));
    const html = page({ directions: { T2A: direction(queries) }, captions });
    expect(html.length).toBeLessThan(1e6);
    expect(html).toMatch(/<p class="query" dir="auto">0: [^<]{1996}…<\/p>/);
  });

  it("needs nothing but itself, and names no path of the machine", () => {
    const clip = rankedQuery({ target: "clip-0", rank: 1, ordinal: 0 });
    const excerpts = new Map<string, ClipExcerpt>([
      ["clip-0", { image: { kind: "frame", uri: PICTURE }, sound: SOUND }],
    ]);
    const html = page({ excerpts, directions: { T2A: direction([clip]) } });
    const addresses = [...html.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
    expect(addresses).toEqual([PICTURE, SOUND]);
    expect(html).not.toMatch(/https?:|url\((?!#)/);
    expect(html).toContain("default-src &#39;none&#39;");
    expect(html).not.toContain("/srv/secret");
  });

  it("holds each sound once, however often its clip is an answer", () => {
    const queries = [1, 1, 2, 3].map((rank, ordinal) => {
      const query = rankedQuery({ target: `clip-${ordinal}`, rank, ordinal });
      return { ...query, hits: query.hits.map((hit) => (hit.right ? hit : { ...hit, clip: "hub" })) };
    });
    const excerpts = new Map<string, ClipExcerpt>([["hub", { image: { kind: "wave", uri: PICTURE }, sound: SOUND }]]);
    const html = page({ excerpts, directions: { T2A: direction(queries) } });
    expect(html.split(SOUND)).toHaveLength(2);
    expect(html.match(/data-sound="sound-1"/g)!.length).toBeGreaterThan(3);
    expect(html).toContain('alt="Wave form of clip hub"');
    expect(html).toContain("No picture of clip clip-0");
  });

  it("leaves no room for media when there are none", () => {
    const html = page();
    expect(html).not.toMatch(/<audio|<img|class="picture/);
  });

  it("shows captions as answers where clips are the queries", () => {
    const query = rankedQuery({ target: "clip-0", rank: 2, ordinal: 0, direction: "A2T", query: "clip-0" });
    const captioned = { ...query, hits: query.hits.map((hit) => ({ ...hit, caption: `about ${hit.clip}` })) };
    const html = page({
      evaluation: completedEvaluation({ retrieval: [madeUpMetrics("A2T", 4060, 812)] }),
      directions: { A2T: direction([captioned]) },
    });
    const text = textOf(html);
    expect(text).toContain("Audio to text: best and worst queries");
    expect(text).toContain("clip-0 rank 2 of 4,060 1 about other-0-1 0.890 · other-0-1");
    expect(text).not.toContain("Text to audio");
  });

  it("shows all captions of a clip where it is not known which of them came first", () => {
    const query = rankedQuery({ target: "clip-0", rank: 40, ordinal: 0, direction: "A2T", query: "clip-0" });
    const html = page({
      evaluation: completedEvaluation({ retrieval: [madeUpMetrics("A2T", 4060, 812)] }),
      directions: { A2T: direction([query]) },
      captions: new Map([["clip-0", ["a bell rings", "a bell"]]]),
    });
    expect(textOf(html)).toContain("40 ✓ right answer a bell rings / a bell 0.500 · clip-0");
  });
});

describe("the queries of a report", () => {
  const choose = (ranks: readonly { target: string; rank: number; score?: number }[]): [string[], string[]] => {
    const queries = ranks.map((query, ordinal) =>
      rankedQuery({ ...query, ordinal, query: `${query.target}/${ordinal}` }),
    );
    const { best, worst } = direction(queries).queries;
    return [best.map(({ query }) => query), worst.map(({ query }) => query)];
  };

  it("are the best by rank, then by the lead of the right answer, and the worst by rank", () => {
    const [best, worst] = choose([
      { target: "a", rank: 9 },
      { target: "b", rank: 1, score: 0.9 },
      { target: "c", rank: 1, score: 0.95 },
      { target: "d", rank: 40 },
      { target: "e", rank: 2 },
      { target: "f", rank: 40.5 },
    ]);
    expect(best).toEqual(["c/2", "b/1", "e/4"]);
    expect(worst).toEqual(["f/5", "d/3", "a/0"]);
  });

  it("come from different clips, ten of each kind at most", () => {
    const queries = Array.from({ length: 90 }, (_, number) => ({ target: `clip-${number % 30}`, rank: number + 1 }));
    const [best, worst] = choose(queries);
    expect(best).toEqual(Array.from({ length: 10 }, (_, number) => `clip-${number}/${number}`));
    expect(worst).toEqual(Array.from({ length: 10 }, (_, number) => `clip-${29 - number}/${89 - number}`));
  });

  it("are never both among the best and the worst, and a first place is never among the worst", () => {
    expect(
      choose([
        { target: "a", rank: 1 },
        { target: "b", rank: 1 },
        { target: "c", rank: 3 },
      ]),
    ).toEqual([["a/0", "b/1"], ["c/2"]]);
    expect(
      choose([
        { target: "a", rank: 1 },
        { target: "b", rank: 1 },
      ]),
    ).toEqual([["a/0"], []]);
  });
});
