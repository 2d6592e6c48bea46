import type { Catalog } from "../catalog/index.js";
import type { Logger } from "../config/index.js";

/**
 * Finds the index in use, as the database has it. An empty one gives way to that of the default pack; a library of which
 * none was noted yet uses the fullest.
 *
 * @param defaultId the index of the default pack
 */
export async function chooseIndex(catalog: Catalog, defaultId: string, logger: Logger): Promise<string> {
  const known = await catalog.liveIndex.find();
  if (known === defaultId) return known;
  const contents = await catalog.indexedVideos.countByIndex();
  if (known === null)
    return catalog.liveIndex.begin(contents.has(defaultId) ? defaultId : (fullest(contents) ?? defaultId));
  if (contents.has(known)) return known;
  const changed = await catalog.transaction(async (tx) => {
    // It may have been filled meanwhile.
    if ((await catalog.indexedVideos.countByIndex(tx)).has(known)) return false;
    return catalog.liveIndex.change(tx, known, defaultId);
  });
  if (!changed) return (await catalog.liveIndex.find()) ?? known;
  logger.info({ index: defaultId, before: known }, "the index in use was empty; searches and ingests use another one");
  return defaultId;
}

function fullest(contents: ReadonlyMap<string, { videos: number }>): string | undefined {
  return [...contents].sort(([, a], [, b]) => b.videos - a.videos)[0]?.[0];
}
