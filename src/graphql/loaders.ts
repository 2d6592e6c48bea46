/** Data loaders: what many fields of one operation ask for is read in one go. */
import DataLoader from "dataloader";
import type { Catalog, IngestJobRecord, VideoRecord } from "../catalog/index.js";
import type { LiveIndex } from "../indexes/index.js";

/** Where loaders read from. */
export interface LoaderSources {
  catalog: Catalog;
  /** The index whose segments are counted. */
  live: LiveIndex;
}

/** The loaders of one operation; all keys are ids of videos in the catalog. */
export interface Loaders {
  /** The video; null when the tenant has none with that id. */
  video: DataLoader<string, VideoRecord | null>;
  /** Number of the video's segments in the index in use. */
  segmentCount: DataLoader<string, number>;
  /** The video's newest job; null when there is none. */
  latestJob: DataLoader<string, IngestJobRecord | null>;
}

/** Makes the loaders of one operation. */
export function createLoaders({ catalog, live }: LoaderSources, tenant: string): Loaders {
  return {
    video: new DataLoader(async (ids) => {
      const found = new Map((await catalog.videos.findMany(tenant, ids)).map((video) => [video.id, video]));
      return ids.map((id) => found.get(id) ?? null);
    }),
    segmentCount: new DataLoader(async (ids) => {
      const counts = await live.use(({ pack }) => catalog.segments.countByVideo(pack.id, ids));
      return ids.map((id) => counts.get(id) ?? 0);
    }),
    latestJob: new DataLoader(async (ids) => {
      const jobs = await catalog.jobs.latestOfVideos(tenant, ids);
      return ids.map((id) => jobs.get(id) ?? null);
    }),
  };
}
