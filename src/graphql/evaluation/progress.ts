/**
 * Follows an evaluation until it has ended. Changes that this process makes are told by the service's events; those of
 * other processes show in the row, which is looked at now and then. So a stream always ends with a final state.
 */
import type { EvaluationRecord } from "../../catalog/index.js";
import { EvaluationNotFoundError } from "../../errors.js";
import type { GraphQLServices } from "../services.js";

/** Where to look for an evaluation and its changes. */
export type ProgressSources = Pick<GraphQLServices, "catalog" | "evaluation" | "pollSeconds">;

/** What a stream holds: a state, or the failure that ended it. */
export type ProgressEvent = { record: EvaluationRecord } | { failure: unknown };

/**
 * The states of an evaluation: the present one at once, then each that differs from the one before, to the final one.
 * States that come faster than they are asked for are passed over. Ends early when the evaluation is gone.
 *
 * @throws EvaluationNotFoundError when the tenant has no such evaluation
 */
export async function followEvaluation(
  sources: ProgressSources,
  tenant: string,
  id: string,
): Promise<AsyncGenerator<ProgressEvent, void, void>> {
  const find = () => sources.catalog.evaluations.find(tenant, id);
  const first = await find();
  if (first === null) throw new EvaluationNotFoundError("There is no such evaluation.", { field: "id" });
  const news = new EvaluationNews(sources, id);
  return endingWith(states(first, find, news), () => news.end());
}

async function* states(
  first: EvaluationRecord,
  find: () => Promise<EvaluationRecord | null>,
  news: EvaluationNews,
): AsyncGenerator<ProgressEvent, void, void> {
  try {
    news.begin();
    yield { record: first };
    let shown = first;
    while (!isFinal(shown)) {
      const told = await news.next();
      if (news.ended) return;
      // Progress is told more often than written; of all else the row knows more.
      const record = told?.state === "RUNNING" ? told : await find();
      if (record === null) return;
      if (!isNews(record, shown)) continue;
      shown = record;
      yield { record };
    }
  } catch (failure) {
    yield { failure };
  } finally {
    news.end();
  }
}

function isFinal({ state }: EvaluationRecord): boolean {
  return state !== "PENDING" && state !== "RUNNING";
}

/** Whether a record tells more than what was shown. A row that lags behind what was told does not. */
function isNews(record: EvaluationRecord, shown: EvaluationRecord): boolean {
  if (record.state !== shown.state || record.attempts !== shown.attempts) return true;
  if (record.progress === shown.progress) return record.stage !== shown.stage;
  return record.progress > shown.progress;
}

/** Wakes whoever waits for news of an evaluation: at its events, every few seconds, and at the end. */
class EvaluationNews {
  ended = false;
  /** True at first: something may have happened before the beginning. */
  private pending = true;
  private told: EvaluationRecord | undefined;
  private wake: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sources: ProgressSources,
    private readonly id: string,
  ) {}

  begin(): void {
    this.sources.evaluation.events.on("evaluation", this.onEvaluation);
    // A subscription does not keep a process alive: the connection behind it does.
    this.timer = setInterval(this.tell, this.sources.pollSeconds * 1000).unref();
  }

  /**
   * Waits for news, or takes those since the last time.
   *
   * @returns the newest state that was told; undefined when it is time to look for oneself
   */
  async next(): Promise<EvaluationRecord | undefined> {
    if (!this.pending) await new Promise<void>((resolve) => (this.wake = resolve));
    const { told } = this;
    this.pending = false;
    this.told = undefined;
    return told;
  }

  end(): void {
    this.ended = true;
    clearInterval(this.timer);
    this.sources.evaluation.events.off("evaluation", this.onEvaluation);
    this.tell();
  }

  private readonly onEvaluation = (record: EvaluationRecord): void => {
    if (record.id !== this.id) return;
    this.told = record;
    this.tell();
  };

  private readonly tell = (): void => {
    this.pending = true;
    this.wake?.();
  };
}

/** A generator that waits cannot be ended from outside: this one is woken first. */
function endingWith<T>(generator: AsyncGenerator<T, void, void>, end: () => void): AsyncGenerator<T, void, void> {
  const own = { return: generator.return.bind(generator), throw: generator.throw.bind(generator) };
  generator.return = (value) => {
    end();
    return own.return(value);
  };
  generator.throw = (error) => {
    end();
    return own.throw(error);
  };
  return generator;
}
