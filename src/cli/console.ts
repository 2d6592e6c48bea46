/** Where a command writes, and what it may do there. */

/** Exit code of a command that was interrupted. */
export const INTERRUPTED = 130;

/** The terminal of a command; tests hand over another one. */
export interface Console {
  /** Writes a line of the answer. */
  print(line?: string): void;
  /** Writes a line about the work: problems, hints. */
  complain(line: string): void;
  /** Whether a person looks at stderr, so that a progress bar makes sense. */
  interactive: boolean;
  /** Stream for the progress bar. */
  progress: NodeJS.WritableStream;
  /** Width of the terminal in characters. */
  columns: number;
}

/** The terminal of this process: answers go to stdout, all else to stderr. */
export function processConsole(): Console {
  return {
    print: (line = "") => void process.stdout.write(`${line}\n`),
    complain: (line) => void process.stderr.write(`${line}\n`),
    interactive: process.stderr.isTTY,
    progress: process.stderr,
    // 0 on a terminal of unknown size.
    columns: process.stdout.isTTY && process.stdout.columns > 0 ? process.stdout.columns : 100,
  };
}
