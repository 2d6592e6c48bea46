import { describe, expect, it } from "vitest";
import { PcmBuffer } from "../../../src/encoding/pcm-buffer.js";

function read(buffer: PcmBuffer, position: number, length: number): number[] {
  const target = new Float32Array(length);
  buffer.copyTo(target, 0, position, length);
  return [...target];
}

/** Distinct samples that float32 holds exactly. */
const ramp = (from: number, length: number) => Float32Array.from({ length }, (_, i) => ((from + i) % 1024) / 1024);

describe("the PCM buffer", () => {
  it("gives samples by their position in the stream, after many chunks and drops", () => {
    const buffer = new PcmBuffer();
    const chunk = 7_001;
    for (let n = 0; n < 60; n++) {
      buffer.append(ramp(n * chunk, chunk));
      buffer.dropBefore(buffer.length - 10_000);
      const position = Math.max(0, buffer.length - 10_000);
      expect(read(buffer, position, 5)).toEqual([...ramp(position, 5)]);
    }
    expect(buffer.length).toBe(60 * chunk);
  });

  it("holds everything when nothing is dropped", () => {
    const buffer = new PcmBuffer();
    for (let n = 0; n < 5; n++) buffer.append(ramp(n * 40_000, 40_000));
    expect(read(buffer, 0, 3)).toEqual([...ramp(0, 3)]);
    expect(read(buffer, 199_997, 3)).toEqual([...ramp(199_997, 3)]);
  });

  it("leaves zeros where the stream ends", () => {
    const buffer = new PcmBuffer();
    buffer.append(new Float32Array([0.5, 0.25]));
    expect(read(buffer, 1, 3)).toEqual([0.25, 0, 0]);
  });

  it("cuts samples to full scale and mends NaN", () => {
    const buffer = new PcmBuffer();
    buffer.append(new Float32Array([2, -3, NaN, Infinity, -Infinity, 1]));
    expect(read(buffer, 0, 6)).toEqual([1, -1, 0, 1, -1, 1]);
  });

  it("calls a stretch silent when all of its samples are below the threshold", () => {
    const buffer = new PcmBuffer();
    buffer.append(new Float32Array([0, 0.001, -0.5, 0.001]));
    expect(buffer.isSilent(0, 2, 0.01)).toBe(true);
    expect(buffer.isSilent(0, 3, 0.01)).toBe(false);
    buffer.dropBefore(3);
    expect(buffer.isSilent(3, 4, 0.01)).toBe(true);
    expect(buffer.isSilent(3, 4, 0.001)).toBe(false);
  });
});
