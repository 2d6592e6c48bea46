import { appendFileSync, cpSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadModelPack, packFile } from "../../../src/models/pack.js";
import { readManifest, SEEING_PACK, TINY_PACK, type LooseManifest } from "../../fixtures/tiny-pack.js";

let folder: string;
let pack: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "earshot-pack-"));
  pack = path.join(folder, "tiny");
  cpSync(TINY_PACK, pack, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

const inPack = (name: string) => path.join(pack, name);
const changeManifest = (change: (manifest: LooseManifest) => void) => {
  const manifest = readManifest(pack);
  change(manifest);
  writeFileSync(inPack("manifest.json"), JSON.stringify(manifest));
};

describe("loading a model pack", () => {
  it("gives its manifest, its folder, and name@version as its id", async () => {
    const loaded = await loadModelPack(pack);
    expect(loaded.id).toBe("tiny@1.0.0");
    expect(loaded.directory).toBe(pack);
    expect(loaded.manifest.experts.map(({ name }) => name)).toEqual(["vggish", "vggsound"]);
    expect(packFile(loaded, "vggish.onnx")).toBe(inPack("vggish.onnx"));
  });

  it("refuses a folder that is not there", async () => {
    await expect(loadModelPack(path.join(folder, "none"))).rejects.toMatchObject({ code: "PACK_NOT_FOUND" });
  });

  it("refuses a folder without a manifest", async () => {
    rmSync(inPack("manifest.json"));
    await expect(loadModelPack(pack)).rejects.toMatchObject({
      code: "PACK_NOT_FOUND",
      message: expect.stringContaining("manifest.json") as string,
    });
  });

  it("refuses a manifest that is not JSON", async () => {
    writeFileSync(inPack("manifest.json"), "{ name: tiny");
    await expect(loadModelPack(pack)).rejects.toMatchObject({ code: "PACK_MANIFEST_INVALID" });
  });

  it.each(["null", "[]", "3", "{}"])("refuses the manifest %s", async (json) => {
    writeFileSync(inPack("manifest.json"), json);
    await expect(loadModelPack(pack)).rejects.toMatchObject({ code: "PACK_MANIFEST_INVALID" });
  });

  it("names the field that is wrong", async () => {
    changeManifest((manifest) => (manifest.experts[1]!["featureDim"] = "many"));
    await expect(loadModelPack(pack)).rejects.toMatchObject({
      code: "PACK_MANIFEST_INVALID",
      message: expect.stringContaining("experts[1].featureDim") as string,
    });
  });

  it("refuses another format version before it looks at the rest", async () => {
    changeManifest((manifest) => {
      manifest["formatVersion"] = 2;
      delete manifest["sampleRate"];
    });
    await expect(loadModelPack(pack)).rejects.toMatchObject({
      code: "PACK_FORMAT_UNSUPPORTED",
      message: expect.stringContaining("format version 2") as string,
    });
  });

  it("names a file that is missing", async () => {
    rmSync(inPack("text-encoder.onnx"));
    await expect(loadModelPack(pack)).rejects.toMatchObject({
      code: "PACK_FILE_MISSING",
      message: expect.stringContaining('"text-encoder.onnx"') as string,
    });
  });

  it("names a file of another size, with both sizes", async () => {
    appendFileSync(inPack("vocabulary.txt"), "\n");
    await expect(loadModelPack(pack)).rejects.toMatchObject({
      code: "PACK_FILE_ALTERED",
      message: expect.stringMatching(/"vocabulary.txt".*expected 234 bytes, found 235 bytes/) as string,
    });
  });

  it("names a file of the same size with one bit changed, with both checksums", async () => {
    const bytes = readFileSync(inPack("clip-encoder.onnx"));
    bytes[1000]! ^= 1;
    writeFileSync(inPack("clip-encoder.onnx"), bytes);
    await expect(loadModelPack(pack)).rejects.toMatchObject({
      code: "PACK_FILE_ALTERED",
      message: expect.stringMatching(/"clip-encoder.onnx".*expected sha256 [0-9a-f]{64}, found sha256 [0-9a-f]{64}/) as string,
    });
  });

  it("does not follow a link out of the pack, even to the right bytes", async () => {
    renameSync(inPack("vggish.onnx"), path.join(folder, "vggish.onnx"));
    symlinkSync(path.join(folder, "vggish.onnx"), inPack("vggish.onnx"));
    await expect(loadModelPack(pack)).rejects.toMatchObject({
      code: "PACK_MANIFEST_INVALID",
      message: expect.stringContaining('"vggish.onnx"') as string,
    });
  });

  it("follows a link to the pack as a whole", async () => {
    symlinkSync(pack, path.join(folder, "current"));
    await expect(loadModelPack(path.join(folder, "current"))).resolves.toMatchObject({ id: "tiny@1.0.0" });
  });

  it("never shows a server path in a message", async () => {
    rmSync(inPack("vggish.onnx"));
    const error = await loadModelPack(pack).catch((reason: unknown) => reason);
    expect((error as Error).message).not.toContain(folder);
  });
});

describe("weights that lie beside their graph", () => {
  beforeEach(() => cpSync(SEEING_PACK, pack, { recursive: true }));

  it("are checked like every file", async () => {
    const weights = readFileSync(inPack("scene.onnx.data"));
    weights[3]! ^= 1;
    writeFileSync(inPack("scene.onnx.data"), weights);
    await expect(loadModelPack(pack)).rejects.toMatchObject({
      code: "PACK_FILE_ALTERED",
      message: expect.stringContaining('"scene.onnx.data"') as string,
    });
  });

  it("are refused when the manifest does not list them, since they would be read unchecked", async () => {
    changeManifest((manifest) => delete manifest.files["scene.onnx.data"]);
    await expect(loadModelPack(pack)).rejects.toMatchObject({
      code: "PACK_MANIFEST_INVALID",
      message: expect.stringContaining('"scene.onnx.data", the weights of "scene.onnx"') as string,
    });
  });

  it("are missed when they are not there", async () => {
    rmSync(inPack("scene.onnx.data"));
    await expect(loadModelPack(pack)).rejects.toMatchObject({ code: "PACK_FILE_MISSING" });
  });
});
