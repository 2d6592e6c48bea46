import path from "node:path";

/** The folders in which the system looks for shared libraries before its own: `LD_LIBRARY_PATH`. */
export function libraryFolders(): string[] {
  return (process.env["LD_LIBRARY_PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
}

/**
 * Forbids NVIDIA's libraries to round to TF32, in the whole process and only if nobody has decided it already. They read it
 * when they are first used. In a worker thread it has no effect: threads have a copy of the environment.
 */
export function forbidTf32(): void {
  process.env["NVIDIA_TF32_OVERRIDE"] ??= "0";
}
