import { describe, expect, it } from "vitest";
import { z } from "zod";
import { flatDimension, packManifestSchema } from "../../../src/models/manifest.js";
import { readManifest, SEEING_PACK, type LooseManifest } from "../../fixtures/tiny-pack.js";

/** What the schema says about the fixture's manifest after a change. */
function problemsAfter(change: (manifest: LooseManifest) => void): string {
  const changed = readManifest();
  change(changed);
  const result = packManifestSchema.safeParse(changed);
  return result.success ? "" : z.prettifyError(result.error);
}

describe("the manifest schema", () => {
  it("accepts a manifest of the documented form", () => {
    expect(problemsAfter(() => undefined)).toBe("");
  });

  it("gives the width of a flat vector as the sum of the experts' embedding widths", () => {
    expect(flatDimension(packManifestSchema.parse(readManifest()))).toBe(32);
  });

  it.each([
    ["a missing field", (m: LooseManifest) => delete m["sampleRate"], /sampleRate/],
    ["no experts", (m: LooseManifest) => (m.experts = []), /experts/],
    ["two experts of one name", (m: LooseManifest) => (m.experts[1]!["name"] = "vggish"), /"vggish" is used by another expert too/],
    ["an expert called like an encoder", (m: LooseManifest) => (m.experts[0]!["name"] = "clip-encoder"), /reserved/],
    ["a modality it cannot run", (m: LooseManifest) => (m.experts[0]!["modality"] = "smell"), /"audio" or "visual"/],
    ["another tokeniser", (m: LooseManifest) => (m.textEncoder["tokeniser"] = "bpe"), /"simple-english-v1" or "word2vec-english-v1"/],
    ["vectors of another type", (m: LooseManifest) => (m.textEncoder.vocabulary["dtype"] = "int8"), /"float16" or "float32"/],
    ["a row too few for an emptyVector", (m: LooseManifest) => (m.textEncoder.vocabulary["emptyVector"] = true), /\(size \+ 1\) \* wordDim \* 2 = 984 .*emptyVector, not 960/],
    ["vectors in half precision that say single", (m: LooseManifest) => (m.textEncoder.vocabulary["dtype"] = "float32"), /size \* wordDim \* 4 = 1920 for a float32/],
    ["tables its tokeniser does not read", (m: LooseManifest) => (m.textEncoder.vocabulary["lemmas"] = "vggish.onnx"), /is not read by the tokeniser "simple-english-v1"/],
    ["a table without a checksum", (m: LooseManifest) => (m.textEncoder.vocabulary["spelling"] = "spelling.txt"), /"spelling.txt" is not listed in "files"/],
    ["window hops that do not divide the segment hop", (m: LooseManifest) => (m.experts[0]!["hopSamples"] = 10_000), /must divide segment.hopSamples/],
    ["windows that start outside their segment", (m: LooseManifest) => (m.experts[0]!["windowsPerSegment"] = 5), /last window at sample 61440, outside a segment of 61440/],
    ["a segment hop longer than the segment", (m: LooseManifest) => (m.segment["hopSamples"] = 61_440 * 2), /must not exceed lengthSamples/],
    ["an averaged expert with several rows", (m: LooseManifest) => (m.experts[0]!["aggregation"] = "average"), /must be 1/],
    ["a file without a checksum", (m: LooseManifest) => delete m.files["vggish.onnx"], /"vggish.onnx" is not listed in "files"/],
    ["a damaged checksum", (m: LooseManifest) => (m.files["vggish.onnx"]!["sha256"] = "beef"), /64 lower-case hexadecimal/],
    ["vectors that do not fit the vocabulary", (m: LooseManifest) => (m.textEncoder.vocabulary["size"] = 41), /= 984 .* not 960/],
    ["vectors too large to be read", (m: LooseManifest) => (m.textEncoder.vocabulary["size"] = 100_000_000), /2400000000 bytes, more than the 2147483647/],
    ["a slope that is no number", (m: LooseManifest) => (m.calibration["slope"] = null), /slope/],
  ])("refuses %s and says where", (_, change, message) => {
    expect(problemsAfter(change)).toMatch(message);
  });

  it.each(["../vggish.onnx", "/etc/passwd", "a/../../b", "C:\\pack\\a.onnx", "a//b", "./a", ""])(
    "refuses the file name %j, which does not stay inside the pack",
    (name) => {
      expect(problemsAfter((m) => (m.experts[0]!["file"] = name))).toMatch(/file/);
      expect(problemsAfter((m) => (m.files[name] = m.files["vggish.onnx"]!))).not.toBe("");
    },
  );

  it("accepts a vocabulary in single precision with an empty vector and tables", () => {
    const change = (m: LooseManifest) => {
      m.textEncoder["tokeniser"] = "word2vec-english-v1";
      const tables = { dtype: "float32", emptyVector: true, lemmas: "lemmas.txt", spelling: "spelling.txt" };
      Object.assign(m.textEncoder.vocabulary, tables);
      m.files["vocabulary.f16"]!["bytes"] = 41 * 12 * 4;
      m.files["lemmas.txt"] = m.files["spelling.txt"] = m.files["vggish.onnx"]!;
    };
    expect(problemsAfter(change)).toBe("");
  });

  it("accepts files in folders of the pack", () => {
    const move = (m: LooseManifest) => {
      m.experts[0]!["file"] = "experts/vggish.onnx";
      m.files["experts/vggish.onnx"] = m.files["vggish.onnx"]!;
    };
    expect(problemsAfter(move)).toBe("");
  });
});

describe("the manifest schema, for experts of the paper", () => {
  const seeing = (change: (manifest: LooseManifest) => void): string => {
    const changed = readManifest(SEEING_PACK);
    change(changed);
    const result = packManifestSchema.safeParse(changed);
    return result.success ? "" : z.prettifyError(result.error);
  };

  it("accepts experts that see beside experts that hear, and without them", () => {
    expect(seeing(() => undefined)).toBe("");
    expect(seeing((m) => (m.experts = m.experts.filter((expert) => expert["modality"] === "visual")))).toBe("");
  });

  it("accepts windows that are longer than a segment, and fewer rows than tokens", () => {
    // VGGSound of the published AudioCaps models: 32 tokens for ten seconds, of which 29 are kept.
    const audioCaps = (m: LooseManifest) => {
      m.segment = { lengthSamples: 153_600, hopSamples: 76_800 };
      Object.assign(m.experts[0]!, { hopSamples: 15_360, windowsPerSegment: 10, maxTokens: 29 });
      const lengths = { windowSamples: 160_000, hopSamples: 76_800, windowsPerSegment: 1 };
      Object.assign(m.experts[1]!, { ...lengths, tokensPerWindow: 32, maxTokens: 29 });
    };
    expect(problemsAfter(audioCaps)).toBe("");
  });

  it.each([
    ["a video without frames a second", (m: LooseManifest) => (m.experts[1]!["framesPerSecond"] = 0), /experts\[1\].framesPerSecond/],
    ["half a frame", (m: LooseManifest) => (m.experts[1]!["hopFrames"] = 0.5), /experts\[1\].hopFrames/],
    ["frames of an absurd size", (m: LooseManifest) => (m.experts[1]!["frameWidth"] = 100_000), /experts\[1\].frameWidth/],
    ["windows of sound for an expert that sees", (m: LooseManifest) => (m.experts[0]!["modality"] = "visual"), /framesPerSecond/],
    ["an average of several rows", (m: LooseManifest) => (m.experts[1]!["maxTokens"] = 2), /must be 1/],
    ["an expert that sees called like an encoder", (m: LooseManifest) => (m.experts[1]!["name"] = "text-encoder"), /reserved/],
  ])("refuses %s and says where", (_, change, message) => {
    expect(seeing(change)).toMatch(message);
  });
});
