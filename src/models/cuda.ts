/** What is particular to CUDA: how its libraries are set, and why it does not work here. */
import { access, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { processEnvironment, setInProcessEnvironment } from "../config/index.js";

/** Where to look; another machine's files in tests. */
export interface CudaHost {
  platform: string;
  arch: string;
  /** Folder of the native parts of onnxruntime-node. */
  runtimeFolder: string;
  /** Folders that come before the system's own. */
  libraryFolders: readonly string[];
  /** Put before the absolute paths of the system. */
  root: string;
}

/** The machine this runs on. */
export function thisHost(): CudaHost {
  const { platform, arch } = process;
  const runtime = path.dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  const runtimeFolder = path.join(runtime, "bin", "napi-v6", platform, arch);
  return { platform, arch, runtimeFolder, libraryFolders: libraryFolders(), root: "/" };
}

/** The part of onnxruntime-node that only its CUDA install has. */
const PROVIDER = "libonnxruntime_providers_cuda.so";

/** What the CUDA build of ONNX Runtime 1.30 is linked with, by the package that has it. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  "CUDA 12": ["libcudart.so.12", "libcublas.so.12", "libcublasLt.so.12", "libcufft.so.11", "libcurand.so.10"],
  "cuDNN 9": ["libcudnn.so.9"],
};

/** Where CUDA's libraries usually are, beside what the loader's cache names. */
const USUAL_FOLDERS = [
  "/usr/local/cuda/lib64",
  "/usr/local/cuda/targets/x86_64-linux/lib",
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib64",
  "/lib/x86_64-linux-gnu",
];

/** The loader's cache of all libraries that it finds by name. */
const LOADER_CACHE = "/etc/ld.so.cache";

/** What is missing for CUDA, each part with what to do about it; nothing when all is there. */
export async function missingForCuda(host: CudaHost = thisHost()): Promise<string[]> {
  const { platform, arch } = host;
  if (platform !== "linux" || arch !== "x64") {
    return [`onnxruntime-node has CUDA for Linux on x64 only, and this is ${platform} on ${arch}`];
  }
  const missing: string[] = [];
  if (!(await exists(path.join(host.runtimeFolder, PROVIDER)))) {
    missing.push(
      `the CUDA build of onnxruntime-node is not installed (no ${PROVIDER}; npm install --onnxruntime-node-install=cuda12)`,
    );
  }
  const inRoot = (file: string) => path.join(host.root, file);
  if (!(await exists(inRoot("/dev/nvidiactl")))) {
    missing.push("there is no NVIDIA driver, or this container was not given the GPU (no /dev/nvidiactl)");
  }
  const cache = await readFile(inRoot(LOADER_CACHE), "latin1").catch(() => "");
  const folders = [...host.libraryFolders, ...USUAL_FOLDERS.map(inRoot)];
  for (const [name, files] of Object.entries(LIBRARIES)) {
    const absent: string[] = [];
    for (const file of files) {
      if (!cache.includes(`${file}\0`) && !(await existsInOne(folders, file))) absent.push(file);
    }
    if (absent.length > 0) missing.push(`${name} is not installed, or not on LD_LIBRARY_PATH (no ${absent.join(", ")})`);
  }
  return missing;
}

/**
 * Forbids NVIDIA's libraries to round to TF32, in the whole process and only if nobody has decided it already. They read it
 * when they are first used.
 */
export function forbidTf32(): void {
  setInProcessEnvironment("NVIDIA_TF32_OVERRIDE", "0");
}

/** The folders in which the system looks for shared libraries before its own. */
function libraryFolders(): string[] {
  return (processEnvironment()["LD_LIBRARY_PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
}

async function existsInOne(folders: readonly string[], file: string): Promise<boolean> {
  for (const folder of folders) if (await exists(path.join(folder, file))) return true;
  return false;
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
