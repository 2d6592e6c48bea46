/**
 * What a library costs on PostgreSQL and Qdrant, on paper. Change an assumption, run `npm run bench -- capacity`, and put its
 * table into docs/capacity.md, which says where each assumption comes from.
 */

/** What is reckoned with. Bytes are decimal: 1 GB = 1e9 bytes. */
export interface Assumptions {
  /** Segments of an hour of sound: 3600 / 1.92 with the starter pack. */
  segmentsPerHour: number;
  /** Mean length of a video, in hours. */
  hoursPerVideo: number;
  /** Values of a flat vector: experts x 256 with the starter pack. */
  dimension: number;
  /** Bytes of a segment's row with its indexes. */
  postgresSegmentBytes: number;
  /** Bytes of a video's row, its job and its entry in an index, with theirs. */
  postgresVideoBytes: number;
  /** Room for dead rows, write-ahead log and growth: a factor on the tables. */
  postgresHeadroom: number;
  /** Share of the tables that should fit into PostgreSQL's memory. */
  postgresCached: number;
  /** Edges of a point in the graph over all, and in that of its tenant. */
  hnswM: number;
  hnswPayloadM: number;
  /** Bytes of an edge. */
  linkBytes: number;
  /** Bytes of a point's id and version, in memory. */
  idBytes: number;
  /** Fields with an index, and the bytes of a point in each. */
  payloadIndexes: number;
  payloadIndexBytes: number;
  /** Bytes of a point's payload on disk. */
  payloadBytes: number;
  /** Segments of Qdrant's that are rewritten, and what is written meanwhile: factors on memory and on disk. */
  qdrantMemoryHeadroom: number;
  qdrantDiskHeadroom: number;
  /** Copies of each shard. */
  replicas: number;
  /** Most points of a shard. */
  pointsPerShard: number;
  /** Memory of the machines there are for Qdrant, ascending; the share of it that is planned for; memory to a core. */
  nodeMemoryGB: readonly number[];
  nodeFill: number;
  nodeMemoryGBPerCore: number;
  /** Times real time that one core ingests at. */
  ingestSpeedPerCore: number;
  /** Days in which the whole library is to be ingested, or ingested again. */
  backlogDays: number;
  /** Share of an ingest core's time that is used. */
  ingestUse: number;
  /** Prices of a month, in US dollars. */
  coreMonth: number;
  memoryGBMonth: number;
  diskGBMonth: number;
}

/** See docs/capacity.md for where each comes from. */
export const ASSUMPTIONS: Assumptions = {
  segmentsPerHour: 1875,
  hoursPerVideo: 0.25,
  dimension: 512,
  postgresSegmentBytes: 303,
  postgresVideoBytes: 1870,
  postgresHeadroom: 1.5,
  postgresCached: 0.25,
  hnswM: 16,
  hnswPayloadM: 16,
  linkBytes: 4,
  idBytes: 60,
  payloadIndexes: 4,
  payloadIndexBytes: 30,
  payloadBytes: 240,
  qdrantMemoryHeadroom: 1.2,
  qdrantDiskHeadroom: 1.5,
  replicas: 2,
  pointsPerShard: 10e6,
  nodeMemoryGB: [8, 16, 32, 64],
  nodeFill: 0.75,
  nodeMemoryGBPerCore: 8,
  ingestSpeedPerCore: 110,
  backlogDays: 7,
  ingestUse: 0.8,
  coreMonth: 25,
  memoryGBMonth: 3,
  diskGBMonth: 0.1,
};

/** How Qdrant keeps the vectors: bytes of a value in memory, and on disk. */
export interface Storage {
  name: string;
  memoryBytesPerValue: number;
  diskBytesPerValue: number;
}

export const STORAGES: readonly Storage[] = [
  { name: "float32 in memory", memoryBytesPerValue: 4, diskBytesPerValue: 4 },
  { name: "float16 in memory", memoryBytesPerValue: 2, diskBytesPerValue: 2 },
  // The graph is walked over the 8-bit copies; the best candidates are scored again with float16 from disk.
  { name: "8-bit in memory, float16 on disk", memoryBytesPerValue: 1, diskBytesPerValue: 3 },
];

/** What a library of one size needs, all replicas together. */
export interface Capacity {
  segments: number;
  hours: number;
  storage: string;
  /** One replica of one point. */
  memoryBytesPerPoint: number;
  diskBytesPerPoint: number;
  qdrantMemoryGB: number;
  qdrantDiskGB: number;
  qdrantNodes: number;
  nodeMemoryGB: number;
  shards: number;
  postgresDiskGB: number;
  postgresMemoryGB: number;
  /** To ingest the whole library in the days assumed. */
  ingestCores: number;
  /** Qdrant and PostgreSQL, without the ingest; US dollars a month. */
  monthlyCost: number;
  /** The ingest cores for as long as they are needed; US dollars, once. */
  ingestCost: number;
}

export function capacityOf(segments: number, storage: Storage, a: Assumptions): Capacity {
  const hours = segments / a.segmentsPerHour;
  // The lowest layer has twice as many edges as the others, which hold one point in m and less.
  const links = (m: number): number => (2 * m + 1) * a.linkBytes;
  const graph = links(a.hnswM) + links(a.hnswPayloadM);
  const inMemory = a.dimension * storage.memoryBytesPerValue + graph + a.idBytes;
  const memoryBytesPerPoint = (inMemory + a.payloadIndexes * a.payloadIndexBytes) * a.qdrantMemoryHeadroom;
  const onDisk = a.dimension * storage.diskBytesPerValue + graph + a.idBytes + a.payloadBytes;
  const diskBytesPerPoint = (onDisk + a.payloadIndexes * a.payloadIndexBytes) * a.qdrantDiskHeadroom;
  const qdrantMemoryGB = (segments * a.replicas * memoryBytesPerPoint) / 1e9;
  const qdrantDiskGB = (segments * a.replicas * diskBytesPerPoint) / 1e9;
  // The smallest machines of which as few as there are replicas will do, else the largest.
  const enough = a.nodeMemoryGB.find((memory) => a.replicas * memory * a.nodeFill >= qdrantMemoryGB);
  const nodeMemoryGB = enough ?? a.nodeMemoryGB.at(-1)!;
  const qdrantNodes = Math.max(a.replicas, Math.ceil(qdrantMemoryGB / (nodeMemoryGB * a.nodeFill)));
  // Every node gets as many shards as the others.
  const wanted = Math.ceil(segments / a.pointsPerShard);
  const shards = Math.ceil((wanted * a.replicas) / qdrantNodes) * qdrantNodes;
  const tables = segments * a.postgresSegmentBytes + (hours / a.hoursPerVideo) * a.postgresVideoBytes;
  const postgresDiskGB = (tables * a.postgresHeadroom) / 1e9;
  const postgresMemoryGB = Math.max(4, (tables * a.postgresCached) / 1e9);
  const ingestCores = Math.ceil(hours / (a.ingestSpeedPerCore * 24 * a.backlogDays * a.ingestUse));
  const nodeCores = Math.max(2, nodeMemoryGB / a.nodeMemoryGBPerCore);
  const machines = qdrantNodes * (nodeCores * a.coreMonth + nodeMemoryGB * a.memoryGBMonth);
  const postgres = 4 * a.coreMonth + postgresMemoryGB * a.memoryGBMonth;
  return {
    segments,
    hours,
    storage: storage.name,
    memoryBytesPerPoint,
    diskBytesPerPoint,
    qdrantMemoryGB,
    qdrantDiskGB,
    qdrantNodes,
    nodeMemoryGB,
    shards: shards / a.replicas,
    postgresDiskGB,
    postgresMemoryGB,
    ingestCores,
    monthlyCost: machines + postgres + (qdrantDiskGB + postgresDiskGB) * a.diskGBMonth,
    ingestCost: (ingestCores * a.coreMonth * a.backlogDays) / 30,
  };
}

/** Library sizes of the table, in segments. */
export const SIZES: readonly number[] = [1e6, 10e6, 100e6];

/** The table of docs/capacity.md. */
export function capacityTable(a: Assumptions = ASSUMPTIONS): string {
  const header = [
    ...["segments", "hours", "vectors in Qdrant", "memory GB", "disk GB", "machines", "shards"],
    ...["PostgreSQL disk GB", "ingest cores", "USD a month", "USD to ingest"],
  ];
  const rows = SIZES.flatMap((segments) =>
    STORAGES.map((storage) => {
      const c = capacityOf(segments, storage, a);
      return [
        ...[`${segments / 1e6} M`, whole(c.hours), c.storage, whole(c.qdrantMemoryGB), whole(c.qdrantDiskGB)],
        ...[`${c.qdrantNodes} x ${c.nodeMemoryGB} GB`, whole(c.shards), whole(c.postgresDiskGB), whole(c.ingestCores)],
        ...[whole(c.monthlyCost), whole(c.ingestCost)],
      ];
    }),
  );
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map((_, column) => (column === 2 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

/** A number with commas between thousands: the same in every locale. */
function whole(value: number): string {
  return String(Math.max(1, Math.round(value))).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}
