/** The capacity model, as JSON and as the table of docs/capacity.md. It measures nothing. */
import type { Benchmark, Value } from "./benchmark.js";
import { ASSUMPTIONS, capacityOf, capacityTable, SIZES, STORAGES } from "./capacity-model.js";
import { rounded } from "./statistics.js";

export const capacity: Benchmark = {
  name: "capacity",
  run({ progress }) {
    progress(`\n${capacityTable()}`);
    const values = SIZES.flatMap((segments) =>
      STORAGES.flatMap((storage): Value[] => {
        const found = capacityOf(segments, storage, ASSUMPTIONS);
        const value = (name: string, unit: string, amount: number): Value => {
          return { name: `${segments} segments/${storage.name}/${name}`, unit, value: rounded(amount) };
        };
        return [
          value("memory of a point", "bytes", found.memoryBytesPerPoint),
          value("disk of a point", "bytes", found.diskBytesPerPoint),
          value("Qdrant memory", "GB", found.qdrantMemoryGB),
          value("Qdrant disk", "GB", found.qdrantDiskGB),
          value("Qdrant machines", "machines", found.qdrantNodes),
          value("PostgreSQL disk", "GB", found.postgresDiskGB),
          value("ingest", "cores", found.ingestCores),
          value("a month", "USD", found.monthlyCost),
        ];
      }),
    );
    return Promise.resolve({ values, settings: { ...ASSUMPTIONS } });
  },
};
