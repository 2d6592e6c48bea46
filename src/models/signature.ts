import type { InferenceSession } from "onnxruntime-node";
import { CLIP_ENCODER, TEXT_ENCODER, type PackManifest } from "./manifest.js";
import type { Tensor } from "./tensor.js";

/** Names of inputs or outputs, each with its shape behind the batch axis. */
export type Ports = Record<string, readonly number[]>;

/** What goes into and comes out of one ONNX graph; every port is float32 with a leading batch axis. */
export interface ModelSignature {
  /** File name in the pack. */
  file: string;
  inputs: Ports;
  outputs: Ports;
}

/** The signature of every graph of a pack, by model name: each expert, the clip encoder, the text encoder. */
export function modelSignatures(manifest: PackManifest): Record<string, ModelSignature> {
  const { experts, textEncoder, clipEncoder } = manifest;
  const embeddings: Ports = Object.fromEntries(
    experts.map(({ name, embeddingDim }) => [`embedding_${name}`, [embeddingDim]]),
  );
  const perExpert = experts.map((expert): [string, ModelSignature] => [
    expert.name,
    {
      file: expert.file,
      inputs: { waveform: [expert.windowSamples] },
      outputs: { features: [expert.tokensPerWindow, expert.featureDim] },
    },
  ]);
  const features = experts.map(({ name, maxTokens, featureDim }) => [`features_${name}`, [maxTokens, featureDim]]);
  return {
    ...Object.fromEntries(perExpert),
    [CLIP_ENCODER]: {
      file: clipEncoder.file,
      inputs: { ...(Object.fromEntries(features) as Ports), availability: [experts.length] },
      outputs: embeddings,
    },
    [TEXT_ENCODER]: {
      file: textEncoder.file,
      inputs: { words: [textEncoder.wordLimit, textEncoder.wordDim] },
      outputs: { ...embeddings, weights: [experts.length] },
    },
  };
}

/**
 * Compares a loaded graph with the signature its manifest promises.
 *
 * @throws Error naming the first port that is missing, superfluous, of another type or of another shape
 */
export function checkSession(
  signature: ModelSignature,
  session: Pick<InferenceSession, "inputMetadata" | "outputMetadata">,
): void {
  checkPorts("input", signature.inputs, session.inputMetadata);
  checkPorts("output", signature.outputs, session.outputMetadata);
  for (const { name } of session.inputMetadata) {
    if (!Object.hasOwn(signature.inputs, name)) throw new Error(`it has an input "${name}" that the manifest does not know`);
  }
}

function checkPorts(side: string, expected: Ports, found: readonly InferenceSession.ValueMetadata[]): void {
  for (const [name, shape] of Object.entries(expected)) {
    const port = found.find((candidate) => candidate.name === name);
    if (port === undefined) throw new Error(`it has no ${side} "${name}"`);
    const right =
      port.isTensor &&
      port.type === "float32" &&
      port.shape.length === shape.length + 1 &&
      typeof port.shape[0] === "string" &&
      // A dimension with a name instead of a number fits every length.
      shape.every((length, axis) => typeof port.shape[axis + 1] === "string" || port.shape[axis + 1] === length);
    if (!right) {
      const shown = port.isTensor ? `${port.type} [${port.shape.join(", ")}]` : "not a tensor";
      throw new Error(`its ${side} "${name}" is ${shown}, expected float32 [batch, ${shape.join(", ")}]`);
    }
  }
}

/**
 * Checks the tensors of one run; all must have the same batch size.
 *
 * @throws Error naming the first tensor that is missing or has another shape
 */
export function checkTensors(side: "input" | "output", expected: Ports, tensors: Readonly<Record<string, Tensor>>): void {
  let batch: number | undefined;
  for (const [name, shape] of Object.entries(expected)) {
    const tensor = tensors[name];
    if (tensor === undefined) throw new Error(`the ${side} "${name}" is missing`);
    batch ??= tensor.dims[0];
    const wanted = [batch, ...shape];
    if (tensor.dims.length !== wanted.length || wanted.some((length, axis) => length !== tensor.dims[axis]))
      throw new Error(`the ${side} "${name}" is [${tensor.dims.join(", ")}], expected [${wanted.join(", ")}]`);
  }
}
