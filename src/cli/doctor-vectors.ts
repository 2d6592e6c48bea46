/** The doctor's check of the vector engine. */
import type { ResolvedOptions } from "../config/index.js";
import { inspectQdrant } from "../vectors/qdrant/inspect.js";
import { finding, type Finding } from "./doctor-checks.js";

/** Whether the vector engine can be reached and used, and what it holds. */
export function checkVectors({ vectors: { engine, qdrant } }: ResolvedOptions): Promise<Finding> {
  return finding("vectors", async () => {
    if (engine === "local") return { status: "ok", text: "in the database, searched in the memory of each process" };
    const { version, supported, indexes } = await inspectQdrant(qdrant);
    const held = indexes.map(({ id, count }) => `${count} segments in index ${id}`);
    const contents = held.length === 0 ? `no index under ${qdrant.collectionPrefix}_` : held.join(", ");
    const text = `Qdrant ${version}, ${qdrant.url}, ${contents}`;
    if (!supported) return { status: "warn", text, advice: "Update Qdrant to version 1.12 or later." };
    if (qdrant.apiKey !== undefined && qdrant.url.startsWith("http:")) {
      return { status: "warn", text, advice: "The API key travels in clear text. Use https." };
    }
    return { status: "ok", text };
  });
}
