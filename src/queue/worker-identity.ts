import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { isRunning } from "../media/index.js";

/**
 * Who works on a job, as its row says: machine, namespace of processes with the boot of the machine, process, start of the
 * process, and a random part for each queue in it.
 */
export interface WorkerIdentity {
  readonly id: string;
  /** Whether the worker of that id is certainly gone, so that its jobs need not wait for their leases to run out. */
  isGone(workerId: string): boolean;
}

/** The identity of a new worker in this process. */
export function createWorkerIdentity(): WorkerIdentity {
  const machine = `${encodeURIComponent(hostname())}/${processNamespace()}${bootOfMachine()}`;
  const started = Math.round(performance.timeOrigin);
  const id = `${machine}/${process.pid}/${started}/${randomBytes(6).toString("hex")}`;
  return {
    id,
    isGone: (workerId) => {
      const [host, namespace, pid, start] = workerId.split("/");
      if (`${host}/${namespace}` !== machine) return false;
      // In a container every start has the same process number.
      if (Number(pid) === process.pid) return Number(start) !== started;
      return !isRunning(Number(pid));
    },
  };
}

/** Process numbers mean nothing in another container, even when the host name is the same. */
function processNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid").replace(/\D/g, "");
  } catch {
    return "0";
  }
}

/** Machines that were made from one image may have the same host name, and outside containers all have the same namespace. */
function bootOfMachine(): string {
  try {
    return `.${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}`;
  } catch {
    return "";
  }
}
