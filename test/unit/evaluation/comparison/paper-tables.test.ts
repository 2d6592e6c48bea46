import { readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import {
  PAPER_TABLE_NAMES,
  PAPER_TABLES,
  type PaperMetrics,
} from "../../../../src/evaluation/comparison/paper-tables.js";

const PAPER = new URL("../../../../training/earshot_training/paper/", import.meta.url);

const DATASETS: Readonly<Record<string, string>> = {
  audiocaps: "AUDIOCAPS",
  clotho: "CLOTHO",
  "activity-net": "ACTIVITYNET_CAPTIONS",
  "queryd-segments": "QUERYD_SEGMENTS",
};

interface Configuration {
  dataset: string;
  experts?: string[];
  model?: string;
  tokens?: { text: number; vggish: number; vggsound: number };
  pretraining?: string;
}

type Direction = Record<"R1" | "R10", [mean: number, std: number]>;

interface Published {
  splits: Record<string, { test: number }>;
  rows: Record<string, { paper: { t2a: Direction; a2t: Direction } }>;
}

const json = async <T>(address: URL): Promise<T> => JSON.parse(await readFile(address, "utf8")) as T;

describe("the paper's tables", () => {
  it.each(PAPER_TABLE_NAMES)("%s has the rows and figures that training reproduces", async (table) => {
    const folder = table.toLowerCase().replace("_", "");
    const published = await json<Published>(new URL("published.json", PAPER));
    const files = (await readdir(new URL(`configs/${folder}/`, PAPER))).sort();
    const rows = PAPER_TABLES[table];
    expect(rows).toHaveLength(files.length);
    for (const [place, file] of files.entries()) {
      const configuration = await json<Configuration>(new URL(`configs/${folder}/${file}`, PAPER));
      const { paper } = published.rows[`${folder}/${file.replace(".json", "")}`]!;
      const row = rows[place]!;
      expect(row, file).toMatchObject({
        dataset: DATASETS[configuration.dataset],
        pool: published.splits[configuration.dataset]!.test,
        model: configuration.model === "moee" ? "MOEE" : "CE",
        preTraining: configuration.pretraining === undefined ? null : "AUDIOCAPS",
      });
      expect(row.experts, file).toEqual(configuration.experts ?? ["vggish", "vggsound"]);
      if (row.padding !== null && configuration.tokens !== undefined) {
        expect(row.padding, file).toMatchObject(configuration.tokens);
      }
      expect(row.metrics, file).toEqual([printed("T2A", paper.t2a), printed("A2T", paper.a2t)]);
    }
  });
});

function printed(direction: PaperMetrics["direction"], { R1, R10 }: Direction): PaperMetrics {
  const figure = ([mean, populationStd]: [number, number]) => ({ mean, populationStd });
  return { direction, recallAt1: figure(R1), recallAt10: figure(R10) };
}
