/** Batches of tensors: cut into parts, put together again. */
import type { InputTensor, Tensor, TensorData } from "./tensor.js";

/** Rows of a batch. */
export function batchOf(inputs: Readonly<Record<string, InputTensor>>): number {
  return Object.values(inputs)[0]?.dims[0] ?? 0;
}

/** The rows from `from` to before `to` of every input, as views. */
export function rowsOf(
  inputs: Readonly<Record<string, InputTensor>>,
  from: number,
  to: number,
): Record<string, InputTensor> {
  const cut = Object.entries(inputs).map(([name, { data, dims }]): [string, InputTensor] => {
    const row = data.length / dims[0]!;
    return [name, { data: data.subarray(from * row, to * row), dims: [to - from, ...dims.slice(1)] }];
  });
  return Object.fromEntries(cut);
}

/** Puts the outputs of a batch's parts together, in order. */
export function joined(parts: readonly Record<string, Tensor>[]): Record<string, Tensor> {
  const [first, ...rest] = parts;
  if (first === undefined || rest.length === 0) return first ?? {};
  const whole = Object.entries(first).map(([name, { dims }]): [string, Tensor] => {
    const pieces = parts.map((part) => part[name]!);
    const data = new Float32Array(pieces.reduce((sum, piece) => sum + piece.data.length, 0));
    let offset = 0;
    for (const piece of pieces) {
      data.set(piece.data, offset);
      offset += piece.data.length;
    }
    return [name, { data, dims: [pieces.reduce((sum, piece) => sum + piece.dims[0]!, 0), ...dims.slice(1)] }];
  });
  return Object.fromEntries(whole);
}

/** Sound or frames to try a model with: no silence, whose arithmetic may be slower or quicker than that of sound. */
export function trialData(type: "float32" | "uint8", length: number): TensorData {
  if (type === "uint8") return Uint8Array.from({ length }, (_, i) => (i * 31) & 255);
  return Float32Array.from({ length }, (_, i) => 0.1 * Math.sin(i * 0.37) + 0.05 * Math.sin(i * 0.011));
}
