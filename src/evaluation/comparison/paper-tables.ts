/**
 * The paper's result tables (Oncescu et al. 2021; reference fact 4.1): mean and population standard deviation over
 * three seeds, recall in percent.
 */
import type { BenchmarkName, RetrievalDirection } from "../../catalog/index.js";

/** Names of the tables. */
export const PAPER_TABLE_NAMES = ["TABLE_1", "TABLE_2", "TABLE_3", "TABLE_4"] as const;

/** A table of the paper. */
export type PaperTable = (typeof PAPER_TABLE_NAMES)[number];

/** Collaborative experts, of which a single expert is a special case, or a mixture of embedded experts. */
export type PaperModel = "CE" | "MOEE";

/** Tokens to which the inputs were cut or padded. */
export interface PaperPadding {
  /** As the paper calls it. */
  name: "z0" | "z1";
  text: number;
  vggish: number;
  vggsound: number;
}

/** A figure as the paper prints it. */
export interface PaperFigure {
  mean: number;
  /** Over three seeds, with n = 3. */
  populationStd: number;
}

/** What the paper prints for one direction. */
export interface PaperMetrics {
  direction: RetrievalDirection;
  recallAt1: PaperFigure;
  recallAt10: PaperFigure;
}

/** A row of a table. */
export interface PaperRow {
  label: string;
  dataset: BenchmarkName;
  /** Clips of the test split. */
  pool: number;
  /** By the names that model packs use. */
  experts: readonly string[];
  model: PaperModel;
  /** Null where the table does not tell. */
  padding: PaperPadding | null;
  /** The data set that the model was trained on first; null: none. */
  preTraining: BenchmarkName | null;
  metrics: readonly [PaperMetrics, PaperMetrics];
}

/** Mean and standard deviation. */
type Printed = readonly [mean: number, populationStd: number];

/** The columns of every table: T2A R@1, R@10, then A2T R@1, R@10. */
type Columns = readonly [Printed, Printed, Printed, Printed];

/** Clips of the test splits. */
const POOLS = { AUDIOCAPS: 816, CLOTHO: 1045, ACTIVITYNET_CAPTIONS: 4917, QUERYD_SEGMENTS: 1954 } as const;
type PaperDataset = keyof typeof POOLS;

const TITLES = { AUDIOCAPS: "AudioCaps", CLOTHO: "CLOTHO" } as const;

const AUDIO = ["vggish", "vggsound"] as const;
const VISUAL = ["r2p1d", "inst"] as const;
const Z0: PaperPadding = { name: "z0", text: 20, vggish: 29, vggsound: 29 };
const Z1: PaperPadding = { name: "z1", text: 21, vggish: 31, vggsound: 95 };

const CLOTHO_Z0 = [
  retrained("CLOTHO", "MOEE", Z0, null, [5.1, 0.6], [30.1, 1.6], [6.3, 0.7], [29.9, 2.1]),
  retrained("CLOTHO", "CE", Z0, null, [5.8, 0.2], [31.3, 0.8], [7.3, 0.5], [32.8, 1.0]),
];
const CLOTHO_Z0_PRE_TRAINED = [
  retrained("CLOTHO", "MOEE", Z0, "AUDIOCAPS", [8.4, 0.2], [37.3, 0.9], [9.7, 0.9], [37.7, 0.5]),
  retrained("CLOTHO", "CE", Z0, "AUDIOCAPS", [7.9, 0.4], [35.9, 0.7], [9.1, 0.1], [36.1, 0.5]),
];

/** The rows of the tables, in their order. */
export const PAPER_TABLES: Readonly<Record<PaperTable, readonly PaperRow[]>> = {
  TABLE_1: [
    vggishAlone("AudioCaps", "AUDIOCAPS", [18.4, 0.7], [61.9, 0.5], [20.8, 0.7], [63.4, 0.5]),
    vggishAlone("CLOTHO", "CLOTHO", [4.3, 0.4], [25.9, 1.4], [4.7, 0.2], [26.6, 1.4]),
    vggishAlone("ActivityNet-Captions", "ACTIVITYNET_CAPTIONS", [0.7, 0.0], [4.3, 0.4], [0.5, 0.1], [4.0, 0.1]),
    // The paper's QuerYD is the one that is cut into segments.
    vggishAlone("QuerYD", "QUERYD_SEGMENTS", [4.0, 0.3], [17.3, 0.2], [5.0, 0.1], [18.4, 0.4]),
  ],
  TABLE_2: [
    audioCaps("Scene", ["scene"], [6.3, 0.2], [35.9, 0.5], [6.6, 0.5], [31.4, 1.0]),
    audioCaps("R2P1D", ["r2p1d"], [7.7, 0.1], [44.8, 0.7], [10.0, 0.1], [40.3, 1.3]),
    audioCaps("Inst", ["inst"], [8.0, 0.4], [46.7, 0.8], [10.0, 0.8], [40.8, 1.1]),
    audioCaps("Scene + R2P1D", ["scene", "r2p1d"], [8.7, 0.1], [46.8, 0.1], [10.3, 0.4], [44.6, 1.0]),
    audioCaps("Scene + Inst", ["scene", "inst"], [8.4, 0.8], [47.2, 0.5], [10.4, 0.9], [41.1, 1.4]),
    audioCaps("R2P1D + Inst (CE-Visual)", VISUAL, [10.1, 0.2], [49.5, 0.8], [12.0, 0.3], [46.0, 1.2]),
    audioCaps("VGGish", ["vggish"], [18.4, 0.7], [61.9, 0.5], [20.8, 0.7], [63.4, 0.5]),
    audioCaps("VGGSound", ["vggsound"], [20.5, 0.5], [67.0, 0.8], [24.6, 0.7], [70.4, 0.3]),
    audioCaps("VGGish + VGGSound (CE-Audio)", AUDIO, [22.9, 0.0], [70.2, 0.0], [26.1, 0.2], [72.7, 0.2]),
    audioCaps("CE-Visual + VGGish", [...VISUAL, "vggish"], [24.2, 0.4], [74.4, 0.2], [30.5, 1.1], [78.0, 1.4]),
    audioCaps("CE-Visual + VGGSound", [...VISUAL, "vggsound"], [26.8, 0.5], [78.0, 0.3], [33.0, 0.7], [82.6, 1.1]),
    audioCaps("CE-Visual + CE-Audio", [...VISUAL, ...AUDIO], [28.0, 0.4], [78.9, 0.5], [34.1, 1.1], [83.8, 0.2]),
  ],
  TABLE_3: [
    retrained("AUDIOCAPS", "MOEE", Z0, null, [22.5, 0.3], [70.0, 0.1], [25.7, 0.6], [73.0, 1.0]),
    retrained("AUDIOCAPS", "CE", Z0, null, [22.9, 0.0], [70.2, 0.0], [26.1, 0.2], [72.7, 0.2]),
    ...CLOTHO_Z0,
    ...CLOTHO_Z0_PRE_TRAINED,
  ],
  TABLE_4: [
    ...CLOTHO_Z0,
    retrained("CLOTHO", "MOEE", Z1, null, [6.0, 0.1], [32.3, 0.2], [7.2, 0.5], [33.3, 1.0]),
    retrained("CLOTHO", "CE", Z1, null, [6.4, 0.2], [33.1, 0.4], [7.2, 0.1], [34.6, 0.7]),
    ...CLOTHO_Z0_PRE_TRAINED,
    retrained("CLOTHO", "MOEE", Z1, "AUDIOCAPS", [9.0, 0.4], [39.4, 1.1], [10.2, 0.9], [40.2, 1.6]),
    retrained("CLOTHO", "CE", Z1, "AUDIOCAPS", [9.5, 0.4], [40.3, 1.3], [10.6, 0.7], [41.7, 0.9]),
  ],
};

/** A row of Table 1. */
function vggishAlone(label: string, dataset: PaperDataset, ...columns: Columns): PaperRow {
  return row({ label, dataset, experts: ["vggish"], model: "CE", padding: null, preTraining: null }, columns);
}

/** A row of Table 2. */
function audioCaps(label: string, experts: readonly string[], ...columns: Columns): PaperRow {
  return row({ label, dataset: "AUDIOCAPS", experts, model: "CE", padding: null, preTraining: null }, columns);
}

/** A row of Tables 3 and 4. */
function retrained(
  dataset: keyof typeof TITLES,
  model: PaperModel,
  padding: PaperPadding,
  preTraining: keyof typeof TITLES | null,
  ...columns: Columns
): PaperRow {
  const learnt = preTraining === null ? "" : `, pre-trained on ${TITLES[preTraining]}`;
  const label = `${TITLES[dataset]}, ${model === "CE" ? "CE" : "MoEE"}, ${padding.name}${learnt}`;
  return row({ label, dataset, experts: AUDIO, model, padding, preTraining }, columns);
}

function row(
  described: Omit<PaperRow, "pool" | "metrics" | "dataset"> & { dataset: PaperDataset },
  [t2a1, t2a10, a2t1, a2t10]: Columns,
): PaperRow {
  const figure = ([mean, populationStd]: Printed): PaperFigure => ({ mean, populationStd });
  return {
    ...described,
    pool: POOLS[described.dataset],
    metrics: [
      { direction: "T2A", recallAt1: figure(t2a1), recallAt10: figure(t2a10) },
      { direction: "A2T", recallAt1: figure(a2t1), recallAt10: figure(a2t10) },
    ],
  };
}
