/** The bar that tells how far a long work is, for people who look at a terminal. */
import { SingleBar } from "cli-progress";
import type { Console } from "./console.js";

const BAR_CHARACTERS = 24;

/** A bar on a terminal. */
export interface Bar {
  /** Draws it anew. */
  update(done: number, text: string): void;
  /** Takes the line away, so that another can be written; the next update draws the bar below that. */
  clear(): void;
  /** Takes the bar away for good. */
  stop(): void;
}

/**
 * Draws a bar, a share in percent, and a text behind them. Undefined where nobody looks, or there is nothing to do.
 *
 * @param total what the work is counted in
 */
export function startBar(total: number, out: Console): Bar | undefined {
  if (!out.interactive || total === 0) return undefined;
  const bar = new SingleBar({
    format: (_options, { progress }, payload: { text?: string }) => {
      const filled = Math.round(progress * BAR_CHARACTERS);
      const blocks = "█".repeat(filled) + "░".repeat(BAR_CHARACTERS - filled);
      const share = `${String(Math.floor(progress * 100)).padStart(3)} %`;
      return `${blocks} ${share}  ${payload.text ?? ""}`.slice(0, Math.max(BAR_CHARACTERS, out.columns - 1));
    },
    hideCursor: true,
    clearOnComplete: true,
    stream: out.progress,
  });
  bar.start(total, 0, { text: "" });
  return {
    update: (done, text) => {
      bar.update(done, { text });
    },
    clear: () => void out.progress.write("\r\x1b[K"),
    stop: () => {
      bar.stop();
    },
  };
}
