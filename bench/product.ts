/**
 * The product as it ships: the modules come from dist/, only their types from src/. `npm run bench` builds dist/ first.
 */
import { fileURLToPath } from "node:url";
import type * as catalogModule from "../src/catalog/index.js";
import type * as configModule from "../src/config/index.js";
import type * as earshotModule from "../src/earshot.js";
import type * as encodingModule from "../src/encoding/index.js";
import type * as clipsModule from "../src/evaluation/clips/index.js";
import type * as mediaModule from "../src/media/index.js";
import type * as matrixProductModule from "../src/models/matrix-product.js";
import type * as modelsModule from "../src/models/index.js";

const dist = new URL("../dist/", import.meta.url);
const built = (module: string): Promise<unknown> => import(new URL(module, dist).href);

export const { createEarshot } = (await built("earshot.js")) as typeof earshotModule;
export const { newId } = (await built("catalog/index.js")) as typeof catalogModule;
export const { createLogger, processEnvironment, resolveOptions } = (await built(
  "config/index.js",
)) as typeof configModule;
export const { createEncoder, queryVector } = (await built("encoding/index.js")) as typeof encodingModule;
export const { encodeClips } = (await built("evaluation/clips/index.js")) as typeof clipsModule;
export const { chooseAudioStream, decodePcm, findFfmpeg, probe } = (await built(
  "media/index.js",
)) as typeof mediaModule;
export const { createInferencePool, flatDimension, loadModelPack } = (await built(
  "models/index.js",
)) as typeof modelsModule;
export const { openMatrixProduct } = (await built("models/matrix-product.js")) as typeof matrixProductModule;

/** The built command line. */
export const CLI = fileURLToPath(new URL("cli/main.js", dist));

/** Whose videos the benchmarks store: the tenant of the command line. */
export const TENANT = "default";
