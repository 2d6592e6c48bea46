import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ASSUMPTIONS, capacityOf, capacityTable, STORAGES } from "../../../bench/capacity-model.js";

const root = new URL("../../../", import.meta.url);
const document = readFileSync(new URL("docs/capacity.md", root), "utf8");

/** Cells of a table's rows, whatever the widths of its columns. */
function cellsOf(table: string): string[][] {
  return table
    .split("\n")
    .filter((line) => line.startsWith("|") && !/^\|[\s:|-]+$/.test(line))
    .map((line) => line.split("|").map((cell) => cell.trim()));
}

describe("the capacity model", () => {
  it("gives the table of the document", () => {
    expect(cellsOf(document).slice(0, 10)).toEqual(cellsOf(capacityTable()));
  });

  it("reckons with the starter pack", () => {
    const manifest = JSON.parse(readFileSync(new URL("models/starter/manifest.json", root), "utf8")) as {
      sampleRate: number;
      segment: { hopSamples: number };
      experts: { embeddingDim: number }[];
    };
    expect(ASSUMPTIONS.segmentsPerHour).toBe((3600 * manifest.sampleRate) / manifest.segment.hopSamples);
    expect(ASSUMPTIONS.dimension).toBe(manifest.experts.reduce((sum, { embeddingDim }) => sum + embeddingDim, 0));
  });

  it("has room for the payload of a point", () => {
    const id = "01993f4e-5a3b-7c1d-8e2f-0123456789ab";
    const payload = { segmentId: id, videoId: id, tenant: "default", ordinal: 1234, pattern: 3, generation: id };
    expect(JSON.stringify(payload).length).toBeLessThanOrEqual(ASSUMPTIONS.payloadBytes);
    expect(document).toContain(`take ${JSON.stringify(payload).length} bytes`);
  });

  it("agrees with Qdrant's rule for vectors in memory, dimension x 4 bytes x 1.5, to a tenth", () => {
    const { memoryBytesPerPoint } = capacityOf(1e6, STORAGES[0]!, ASSUMPTIONS);
    const rule = ASSUMPTIONS.dimension * 4 * 1.5;
    expect(Math.abs(memoryBytesPerPoint / rule - 1)).toBeLessThan(0.1);
  });

  it("holds every point within the memory that is planned for", () => {
    for (const segments of [1e5, 1e6, 33e6, 1e8]) {
      for (const storage of STORAGES) {
        const { qdrantMemoryGB, qdrantNodes, nodeMemoryGB, shards } = capacityOf(segments, storage, ASSUMPTIONS);
        expect(qdrantNodes * nodeMemoryGB * ASSUMPTIONS.nodeFill).toBeGreaterThanOrEqual(qdrantMemoryGB);
        expect(qdrantNodes).toBeGreaterThanOrEqual(ASSUMPTIONS.replicas);
        expect(segments / shards).toBeLessThanOrEqual(ASSUMPTIONS.pointsPerShard);
      }
    }
  });
});
