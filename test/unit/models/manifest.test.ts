import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { flatDimension, packManifestSchema } from "../../../src/models/manifest.js";
import { TINY_PACK } from "../../fixtures/tiny-pack.js";

type Json = Record<string, any>;
const manifest = (): Json => JSON.parse(readFileSync(path.join(TINY_PACK, "manifest.json"), "utf8")) as Json;

/** What the schema says about the fixture's manifest after a change. */
function problemsAfter(change: (manifest: Json) => void): string {
  const changed = manifest();
  change(changed);
  const result = packManifestSchema.safeParse(changed);
  return result.success ? "" : z.prettifyError(result.error);
}

describe("the manifest schema", () => {
  it("accepts a manifest of the documented form", () => {
    expect(problemsAfter(() => undefined)).toBe("");
  });

  it("gives the width of a flat vector as the sum of the experts' embedding widths", () => {
    expect(flatDimension(packManifestSchema.parse(manifest()))).toBe(32);
  });

  it.each([
    ["a missing field", (m: Json) => delete m.sampleRate, /sampleRate/],
    ["no experts", (m: Json) => (m.experts = []), /experts/],
    ["two experts of one name", (m: Json) => (m.experts[1].name = "vggish"), /"vggish" is used by another expert too/],
    ["an expert called like an encoder", (m: Json) => (m.experts[0].name = "clip-encoder"), /reserved/],
    ["a modality it cannot run", (m: Json) => (m.experts[0].modality = "video"), /audio experts only/],
    ["another tokeniser", (m: Json) => (m.textEncoder.tokeniser = "bpe"), /simple-english-v1/],
    ["window hops that do not divide the segment hop", (m: Json) => (m.experts[0].hopSamples = 10_000), /must divide segment.hopSamples/],
    ["windows that do not fill a segment", (m: Json) => (m.experts[0].windowsPerSegment = 3), /must equal segment.lengthSamples/],
    ["a segment hop longer than the segment", (m: Json) => (m.segment.hopSamples = 61_440 * 2), /must not exceed lengthSamples/],
    ["too few rows for an expert's tokens", (m: Json) => (m.experts[1].maxTokens = 11), /at least .* = 12/],
    ["an averaged expert with several rows", (m: Json) => (m.experts[0].aggregation = "average"), /must be 1/],
    ["a file without a checksum", (m: Json) => delete m.files["vggish.onnx"], /"vggish.onnx" is not listed in "files"/],
    ["a damaged checksum", (m: Json) => (m.files["vggish.onnx"].sha256 = "beef"), /64 lower-case hexadecimal/],
    ["vectors that do not fit the vocabulary", (m: Json) => (m.textEncoder.vocabulary.size = 41), /= 984 .* not 960/],
    ["a slope that is no number", (m: Json) => (m.calibration.slope = null), /slope/],
  ])("refuses %s and says where", (_, change, message) => {
    expect(problemsAfter(change)).toMatch(message);
  });

  it.each(["../vggish.onnx", "/etc/passwd", "a/../../b", "C:\\pack\\a.onnx", "a//b", "./a", ""])(
    "refuses the file name %j, which does not stay inside the pack",
    (name) => {
      expect(problemsAfter((m) => (m.experts[0].file = name))).toMatch(/file/);
      expect(problemsAfter((m) => (m.files[name] = m.files["vggish.onnx"]))).not.toBe("");
    },
  );

  it("accepts files in folders of the pack", () => {
    const move = (m: Json) => {
      m.experts[0].file = "experts/vggish.onnx";
      m.files["experts/vggish.onnx"] = m.files["vggish.onnx"];
    };
    expect(problemsAfter(move)).toBe("");
  });
});
