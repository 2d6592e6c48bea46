import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import path from "node:path";

/** Folders are named after the process that made them, so that those of dead processes can be told. */
const folderName = /^media-(\d+)-/;

/** Makes a folder for one program; whoever starts the program removes it. */
export async function makeTemporaryFolder(temporaryDirectory: string): Promise<string> {
  await mkdir(temporaryDirectory, { recursive: true });
  return mkdtemp(path.join(temporaryDirectory, `media-${process.pid}-`));
}

/** Removes the folders which processes left behind that were killed. A missing directory holds none. */
export async function removeStaleFolders(temporaryDirectory: string): Promise<void> {
  const names = await readdir(temporaryDirectory).catch(() => []);
  for (const name of names) {
    const pid = Number(folderName.exec(name)?.[1]);
    if (pid > 0 && !isRunning(pid)) await rm(path.join(temporaryDirectory, name), { recursive: true, force: true });
  }
}

/** Whether there is a process of that number in this container. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
