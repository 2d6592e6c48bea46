import type { Transferable } from "node:worker_threads";
import type { WorkerThread } from "./worker-thread.js";

/**
 * Requests a thread may hold at once: one that runs and one that waits, so that it never idles while the
 * next request travels to it.
 */
const REQUESTS_PER_WORKER = 2;

interface Slot {
  /** Its number, 0 to size - 1; kept when others are given up. */
  place: number;
  /** The thread, once it is being started; absent before the first request and after the thread was lost. */
  starting: Promise<WorkerThread> | undefined;
  /** Whether that thread can answer. */
  ready: boolean;
  /** Requests handed to it and not yet answered. */
  busy: number;
}

interface Task {
  body: unknown;
  transfer: readonly Transferable[];
  resolve(result: unknown): void;
  reject(reason: Error): void;
}

/** How a lane begins. */
export interface WorkerLaneParts {
  /** Number of threads. */
  size: number;
  /**
   * Makes the thread of a place, 0 to size - 1, that is ready to answer; a rejection goes to the requests that waited for
   * it.
   */
  start: (place: number) => Promise<WorkerThread>;
  /**
   * Whether the lane goes on without a thread that could not be started, as long as it has another one; its requests go
   * there. @default never
   */
  goesOnWithout?: (error: unknown) => boolean;
  /** Told when it does, with the number of threads that are left. */
  onSmaller?: (size: number, error: unknown) => void;
}

/**
 * A queue in front of a number of equal worker threads. Threads are started when they are first needed, and again after one
 * was lost; requests are taken in order.
 */
export class WorkerLane {
  private readonly slots: Slot[];
  private readonly queue: Task[] = [];
  private closed: Error | undefined;

  constructor(private readonly parts: WorkerLaneParts) {
    this.slots = Array.from({ length: parts.size }, (_, place) => ({
      ...{ place, starting: undefined, ready: false, busy: 0 },
    }));
  }

  /** Sends a request to the first thread that is free. An abort takes a request that still waits out of the queue. */
  run<Result>(body: unknown, transfer: readonly Transferable[], signal?: AbortSignal): Promise<Result> {
    if (this.closed !== undefined) return Promise.reject(this.closed);
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise<Result>((resolve, reject) => {
      const abort = () => {
        const place = this.queue.indexOf(task);
        if (place === -1) return;
        this.queue.splice(place, 1);
        task.reject(signal?.reason as Error);
      };
      const task: Task = {
        body,
        transfer,
        resolve: (result) => {
          signal?.removeEventListener("abort", abort);
          resolve(result as Result);
        },
        reject: (reason: Error) => {
          signal?.removeEventListener("abort", abort);
          reject(reason);
        },
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.queue.push(task);
      this.dispatch();
    });
  }

  /** Starts all threads and waits until they are ready. */
  async warmUp(): Promise<void> {
    await Promise.all(
      this.slots.map((slot) =>
        this.thread(slot).catch((error: unknown) => {
          if (!this.isGivenUp(slot, error)) throw error;
        }),
      ),
    );
  }

  /** Ends all threads. What waits or runs is rejected, later requests are refused with `reason`. */
  async close(reason: Error): Promise<void> {
    if (this.closed !== undefined) return;
    this.closed = reason;
    for (const task of this.queue.splice(0)) task.reject(reason);
    await Promise.all(
      this.slots.map(async ({ starting }) => {
        const thread = await starting?.catch(() => undefined);
        await thread?.close();
      }),
    );
  }

  private dispatch(): void {
    while (this.queue.length > 0) {
      const slot = this.freest();
      if (slot === undefined) return;
      void this.handOver(this.queue.shift()!, slot);
    }
  }

  private async handOver(task: Task, slot: Slot): Promise<void> {
    slot.busy++;
    try {
      const thread = await this.thread(slot).catch((error: unknown) => {
        if (!this.isGivenUp(slot, error)) throw error;
      });
      if (thread === undefined) this.queue.unshift(task);
      else task.resolve(await thread.request(task.body, task.transfer));
    } catch (error) {
      task.reject(this.closed ?? (error as Error));
    } finally {
      slot.busy--;
      this.dispatch();
    }
  }

  /** Gives up a slot whose thread could not be started, if the lane can do without. False when it cannot. */
  private isGivenUp(slot: Slot, error: unknown): boolean {
    const { goesOnWithout, onSmaller } = this.parts;
    const place = this.slots.indexOf(slot);
    // Of several requests that waited for it, the first one gave it up.
    if (place === -1) return this.closed === undefined;
    const others = this.slots.some((other) => other !== slot && other.ready);
    if (this.closed !== undefined || !others || goesOnWithout?.(error) !== true) return false;
    this.slots.splice(place, 1);
    onSmaller?.(this.slots.length, error);
    return true;
  }

  /** The least busy slot with room; a running thread before one that has to be started. */
  private freest(): Slot | undefined {
    let best: Slot | undefined;
    for (const slot of this.slots) {
      if (slot.busy >= REQUESTS_PER_WORKER) continue;
      const better =
        best === undefined ||
        slot.busy < best.busy ||
        (slot.busy === best.busy && slot.starting !== undefined && best.starting === undefined);
      if (better) best = slot;
    }
    return best;
  }

  private thread(slot: Slot): Promise<WorkerThread> {
    if (this.closed !== undefined) return Promise.reject(this.closed);
    const vacate = () => {
      slot.starting = undefined;
      slot.ready = false;
    };
    slot.starting ??= this.parts.start(slot.place).then(
      (thread) => {
        slot.ready = true;
        thread.whenLost(vacate);
        return thread;
      },
      (error: unknown) => {
        vacate();
        throw error;
      },
    );
    return slot.starting;
  }
}
