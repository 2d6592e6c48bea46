import { type HeldGeneration, MOST_VIDEOS } from "../index.js";
import type { QdrantConnection } from "./connection.js";
import { is, isAnyOf } from "./filters.js";
import { inTurns } from "./in-turns.js";
import type { PointPayload } from "./points.js";
import type { FieldValues } from "./values.js";

/** Points that are read at a time: some 200 KB. */
const PAGE = 1000;
/** Generations that are looked at in one request, and requests at the same time. */
const GENERATIONS_AT_ONCE = 64;
const REQUESTS_AT_ONCE = 4;

/** What is read of a point. */
const fields = ["videoId", "tenant", "generation"] satisfies (keyof PointPayload)[];

type Owner = Pick<PointPayload, (typeof fields)[number]>;

/** Goes through all points of a collection, see {@link VectorIndex.contents}. */
export async function* readContents(
  connection: QdrantConnection,
  collection: string,
): AsyncGenerator<HeldGeneration[]> {
  let offset: string | number | undefined;
  do {
    const page = await connection.read(async (api, { init, timeout }) => {
      const from = offset === undefined ? {} : { offset };
      const body = {
        collection_name: collection,
        timeout,
        limit: PAGE,
        with_payload: fields,
        with_vector: false,
        ...from,
      };
      return (await api.scrollPoints(body, init)).data.result;
    });
    const held = new Map<string, HeldGeneration>();
    for (const { payload } of page.points) {
      const { videoId, tenant, generation } = payload as unknown as Owner;
      const entry = held.get(generation) ?? { videoId, tenant, generation, points: 0 };
      held.set(generation, entry);
      entry.points++;
    }
    if (held.size > 0) yield [...held.values()];
    offset = (page.next_page_offset ?? undefined) as string | number | undefined;
  } while (offset !== undefined);
}

/** All that a collection holds of some videos, see {@link VectorIndex.contentsOf}. */
export async function readContentsOf(
  connection: QdrantConnection,
  values: FieldValues,
  collection: string,
  videoIds: readonly string[],
): Promise<HeldGeneration[]> {
  if (videoIds.length > MOST_VIDEOS) throw new RangeError(`more than ${MOST_VIDEOS} videos at once`);
  if (videoIds.length === 0) return [];
  const filter = { must: [isAnyOf("videoId", videoIds)] };
  const counts = [...(await values.count<string>(collection, "generation", filter, true))];
  const groups: (typeof counts)[] = [];
  for (let from = 0; from < counts.length; from += GENERATIONS_AT_ONCE) {
    groups.push(counts.slice(from, from + GENERATIONS_AT_ONCE));
  }
  const held = await inTurns(groups, REQUESTS_AT_ONCE, async (group) => {
    // Whose a generation is, any of its points tells. A query without a vector gives points as they come.
    const searches = group.map(([generation]) => {
      return { filter: { must: [is("generation", generation)] }, limit: 1, with_payload: fields };
    });
    const found = await connection.read(async (api, { init, timeout }) => {
      return (await api.queryBatchPoints({ collection_name: collection, timeout, searches }, init)).data.result;
    });
    return group.flatMap(([generation, points], place) => {
      const owner = found[place]?.points[0]?.payload as unknown as Owner | undefined;
      // Removed between the two requests.
      return owner === undefined ? [] : [{ videoId: owner.videoId, tenant: owner.tenant, generation, points }];
    });
  });
  return held.flat();
}
