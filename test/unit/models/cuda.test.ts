import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { missingForCuda, type CudaHost } from "../../../src/models/cuda.js";

const CUDA_12 = ["libcudart.so.12", "libcublas.so.12", "libcublasLt.so.12", "libcufft.so.11", "libcurand.so.10"];

describe("what is missing for CUDA", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), "earshot-cuda-"));
  });
  afterEach(() => rm(root, { recursive: true }));

  /** A Linux machine whose files lie in the temporary folder. */
  const host = (changes: Partial<CudaHost> = {}): CudaHost => ({
    platform: "linux",
    arch: "x64",
    runtimeFolder: path.join(root, "runtime"),
    libraryFolders: [],
    root,
    ...changes,
  });
  async function put(...files: string[]): Promise<void> {
    for (const file of files) {
      await mkdir(path.dirname(path.join(root, file)), { recursive: true });
      await writeFile(path.join(root, file), "");
    }
  }
  const installed = () => put("runtime/libonnxruntime_providers_cuda.so");
  const driver = () => put("dev/nvidiactl");

  it("is everything on a machine that was never prepared, each part with what to do", async () => {
    const missing = await missingForCuda(host());
    expect(missing).toHaveLength(4);
    expect(missing[0]).toContain("--onnxruntime-node-install=cuda12");
    expect(missing[1]).toContain("NVIDIA driver");
    expect(missing[2]).toMatch(/^CUDA 12 .*libcudart\.so\.12.*libcurand\.so\.10/);
    expect(missing[3]).toMatch(/^cuDNN 9 .*libcudnn\.so\.9/);
  });

  it("is nothing where all parts are, in the folders where they usually are", async () => {
    await installed();
    await driver();
    await put(...CUDA_12.map((file) => `usr/local/cuda/lib64/${file}`), "usr/lib/x86_64-linux-gnu/libcudnn.so.9");
    expect(await missingForCuda(host())).toEqual([]);
  });

  it("is found in the folders that the environment names, and in the loader's cache", async () => {
    await installed();
    await driver();
    await put(...CUDA_12.map((file) => `opt/cuda/${file}`), "etc/ld.so.cache");
    await writeFile(path.join(root, "etc/ld.so.cache"), "ld.so-1.7.0\0\u0003libcudnn.so.9\0/opt/cudnn/libcudnn.so.9\0");
    expect(await missingForCuda(host({ libraryFolders: [path.join(root, "opt/cuda")] }))).toEqual([]);
  });

  it("names the one library that is not there", async () => {
    await installed();
    await driver();
    await put(...CUDA_12.map((file) => `usr/local/cuda/lib64/${file}`), "usr/lib64/libcudnn.so.8");
    expect(await missingForCuda(host())).toEqual([
      "cuDNN 9 is not installed, or not on LD_LIBRARY_PATH (no libcudnn.so.9)",
    ]);
  });

  it.each([
    ["linux", "arm64"],
    ["darwin", "arm64"],
    ["win32", "x64"],
  ])("is the machine itself on %s with %s", async (platform, arch) => {
    expect(await missingForCuda(host({ platform, arch }))).toEqual([
      `onnxruntime-node has CUDA for Linux on x64 only, and this is ${platform} on ${arch}`,
    ]);
  });
});
