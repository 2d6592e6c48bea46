/** Whether a thread may begin another request, and whether it works on one; shared between it and its owner. */
export class RequestGate {
  private readonly state: Int32Array<SharedArrayBuffer>;

  /** @param shared the memory of the other side's gate; a new gate without */
  constructor(readonly shared: SharedArrayBuffer = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)) {
    this.state = new Int32Array(shared);
  }

  /** Lets no further request begin. */
  close(): void {
    Atomics.store(this.state, CLOSED, 1);
  }

  /** In the thread: begins a request. False when the gate is closed; the request must then not be worked on. */
  enter(): boolean {
    // Busy first: the owner closes first and then looks, so one of the two sees the other.
    Atomics.store(this.state, BUSY, 1);
    if (Atomics.load(this.state, CLOSED) === 0) return true;
    this.leave();
    return false;
  }

  /** In the thread: ends a request. */
  leave(): void {
    Atomics.store(this.state, BUSY, 0);
    Atomics.notify(this.state, BUSY);
  }

  /** Blocks until the thread is between requests, or the time is over. */
  waitUntilIdle(milliseconds: number): void {
    Atomics.wait(this.state, BUSY, 1, milliseconds);
  }
}

const CLOSED = 0;
const BUSY = 1;

/** Longest time the end of the process is held up, in milliseconds. */
const PATIENCE = 10_000;

/** Gates of all threads of this process that live. */
const gates = new Set<RequestGate>();

/**
 * Makes `process.exit()` wait until the thread is between requests. Node would stop it at once, and in the middle of a
 * run of ONNX Runtime that aborts the process (an uncaught Napi::Error), whatever its exit code should have been.
 *
 * @returns to be called when the thread has ended
 */
export function haltBeforeExit(gate: RequestGate): () => void {
  if (gates.size === 0) process.on("exit", haltAll);
  gates.add(gate);
  return () => {
    gates.delete(gate);
    if (gates.size === 0) process.off("exit", haltAll);
  };
}

function haltAll(): void {
  const deadline = performance.now() + PATIENCE;
  for (const gate of gates) gate.close();
  for (const gate of gates) gate.waitUntilIdle(Math.max(0, deadline - performance.now()));
}
