import type { InferenceSession } from "onnxruntime-node";
import { CLIP_ENCODER, TEXT_ENCODER, type ExpertManifest, type PackManifest } from "./manifest.js";
import type { InputTensor, TensorData } from "./tensor.js";

/** An input or output. */
export interface Port {
  type: "float32" | "uint8";
  /** Its shape behind the batch axis. */
  shape: readonly number[];
}

/** Inputs or outputs by name. */
export type Ports = Record<string, Port>;

/** What goes into and comes out of one ONNX graph; every port has a leading batch axis. */
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
    experts.map(({ name, embeddingDim }) => [`embedding_${name}`, float32(embeddingDim)]),
  );
  const perExpert = experts.map((expert): [string, ModelSignature] => [
    expert.name,
    {
      file: expert.file,
      inputs: expertInputs(expert),
      outputs: { features: float32(expert.tokensPerWindow, expert.featureDim) },
    },
  ]);
  const features: Ports = Object.fromEntries(
    experts.map(({ name, maxTokens, featureDim }) => [`features_${name}`, float32(maxTokens, featureDim)]),
  );
  return {
    ...Object.fromEntries(perExpert),
    [CLIP_ENCODER]: {
      file: clipEncoder.file,
      inputs: { ...features, availability: float32(experts.length) },
      outputs: embeddings,
    },
    [TEXT_ENCODER]: {
      file: textEncoder.file,
      inputs: { words: float32(textEncoder.wordLimit, textEncoder.wordDim) },
      outputs: { ...embeddings, weights: float32(experts.length) },
    },
  };
}

function expertInputs(expert: ExpertManifest): Ports {
  if (expert.modality === "audio") return { waveform: float32(expert.windowSamples) };
  const { framesPerWindow, frameHeight, frameWidth } = expert;
  return { frames: { type: "uint8", shape: [framesPerWindow, frameHeight, frameWidth, 3] } };
}

function float32(...shape: number[]): Port {
  return { type: "float32", shape };
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
  for (const [name, { type, shape }] of Object.entries(expected)) {
    const port = found.find((candidate) => candidate.name === name);
    if (port === undefined) throw new Error(`it has no ${side} "${name}"`);
    const right =
      port.isTensor &&
      port.type === type &&
      port.shape.length === shape.length + 1 &&
      typeof port.shape[0] === "string" &&
      // A dimension with a name instead of a number fits every length.
      shape.every((length, axis) => typeof port.shape[axis + 1] === "string" || port.shape[axis + 1] === length);
    if (!right) {
      const shown = port.isTensor ? `${port.type} [${port.shape.join(", ")}]` : "not a tensor";
      throw new Error(`its ${side} "${name}" is ${shown}, expected ${type} [batch, ${shape.join(", ")}]`);
    }
  }
}

/**
 * Checks the tensors of one run; all must have the same batch size.
 *
 * @throws Error naming the first tensor that is missing, of another type or of another shape
 */
export function checkTensors(
  side: "input" | "output",
  expected: Ports,
  tensors: Readonly<Record<string, InputTensor>>,
): void {
  let batch: number | undefined;
  for (const [name, { type, shape }] of Object.entries(expected)) {
    const tensor = tensors[name];
    if (tensor === undefined) throw new Error(`the ${side} "${name}" is missing`);
    const found = typeOf(tensor.data);
    if (found !== type) throw new Error(`the ${side} "${name}" is ${found}, expected ${type}`);
    batch ??= tensor.dims[0];
    const wanted = [batch, ...shape];
    if (tensor.dims.length !== wanted.length || wanted.some((length, axis) => length !== tensor.dims[axis]))
      throw new Error(`the ${side} "${name}" is [${tensor.dims.join(", ")}], expected [${wanted.join(", ")}]`);
  }
}

/** ONNX's name of the type of a tensor's values. */
export function typeOf(data: TensorData): Port["type"] {
  return data instanceof Uint8Array ? "uint8" : "float32";
}
