import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, readFileSync } from "node:fs";
import type { Rootfs } from "./build-rootfs.js";

/** What a program wrote, and how it ended. */
export interface Ended {
  status: number | null;
  output: string;
}

/**
 * Lays the mounts of a container: root read-only, /proc, a bare /dev, an empty /tmp, the volume, the media. $1 is the root,
 * $2 the volume's folder here, $3 its place inside, $4 the media here; the rest is what to run.
 */
const SET_UP = `set -e
root=$1 volume=$2 place=$3 media=$4; shift 4
mount --make-rprivate /
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero full random urandom; do
  : > "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm"; mount -t tmpfs tmpfs "$root/dev/shm"
mount -t tmpfs -o size=64m,mode=1777 tmpfs "$root/tmp"
mount --bind "$volume" "$root$place"
mount --bind "$media" "$root/media"; mount -o remount,bind,ro "$root/media"
ip link set lo up
exec "$@"`;

/**
 * A container without an engine: namespaces of its own for mounts, processes and network, a root file system that cannot be
 * written, no capabilities, no new privileges, the image's user. Needs root and Linux.
 */
export class Container {
  private constructor(
    private readonly image: Rootfs,
    private readonly child: ChildProcess,
    private readonly written: { text: string },
  ) {}

  /**
   * Starts the image.
   *
   * @param args instead of the image's command
   * @param options folders for its volume and /media; `entrypoint` instead of the image's
   */
  static start(
    image: Rootfs,
    args: readonly string[],
    options: { data: string; media: string; entrypoint?: readonly string[] },
  ): Container {
    const [uid, gid] = idsOf(image);
    mkdirSync(options.data, { recursive: true });
    chownSync(options.data, uid, gid);
    const inside = [...(options.entrypoint ?? image.entrypoint), ...(args.length > 0 ? args : image.command)];
    const child = spawn(
      "unshare",
      [
        ...["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child"],
        ...["sh", "-c", SET_UP, "sh", image.root, options.data, image.volumes[0] ?? "/mnt", options.media],
        ...asUser(image, inside),
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    const written = { text: "" };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        written.text += text;
      });
    }
    return new Container(image, child, written);
  }

  /** What it has written so far. */
  get output(): string {
    return this.written.text;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Process id, as the host sees it, of the first process inside. */
  private get firstProcess(): string {
    const { pid } = this.child;
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  }

  /** Runs a program inside, as the image's user, and waits for it. */
  exec(command: readonly string[]): Ended {
    const { status, stdout, stderr } = spawnSync(
      "nsenter",
      ["--target", this.firstProcess, "--mount", "--pid", "--net", "--ipc", "--uts", ...asUser(this.image, command)],
      { encoding: "utf8" },
    );
    return { status, output: stdout + stderr };
  }

  /** Sends SIGTERM to the first process inside, as an engine does, and waits for the end. */
  async terminate(): Promise<Ended> {
    process.kill(Number(this.firstProcess), "SIGTERM");
    return this.ended();
  }

  /** Ends it at once, if it still runs. */
  kill(): void {
    this.child.kill("SIGKILL");
  }

  async ended(): Promise<Ended> {
    if (this.running) await once(this.child, "close");
    return { status: this.child.exitCode, output: this.output };
  }

  /** Most resident memory of its processes so far, in bytes; the largest, and all of them together. */
  peakMemory(): number {
    const status = this.exec(["sh", "-c", "cat /proc/[0-9]*/status"]).output;
    return Math.max(0, ...[...status.matchAll(/^VmHWM:\s+(\d+) kB$/gm)].map((match) => Number(match[1]) * 1024));
  }
}

/** User and group of an image's processes. */
export function idsOf(image: Rootfs): [number, number] {
  const [uid, gid] = image.user.split(":").map(Number);
  return [uid ?? 0, gid ?? uid ?? 0];
}

/** A command line that runs a program in the root, as the user, with the image's environment and nothing else. */
function asUser(image: Rootfs, command: readonly string[]): string[] {
  const [uid, gid] = idsOf(image);
  const environment = Object.entries(image.environment).map(([name, value]) => `${name}=${value}`);
  return [
    ...["chroot", image.root, "setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--no-new-privs"],
    ...["--inh-caps=-all", "--bounding-set=-all", "env", "-i", `--chdir=${image.workingDirectory}`],
    ...[...environment, "HOSTNAME=rehearsal", ...command],
  ];
}
