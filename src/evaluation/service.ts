import { EventEmitter } from "node:events";
import type { Catalog, EvaluationRecord } from "../catalog/index.js";
import type { Logger, ResolvedOptions } from "../config/index.js";
import { EvaluationNotFoundError } from "../errors.js";
import type { EvaluationInput } from "./input.js";

/** Events of an evaluation service. They cover the evaluations that this process submits, works on or cancels. */
export interface EvaluationEvents {
  /** An evaluation as it stands now. */
  evaluation: [EvaluationRecord];
}

/** What an evaluation service works with. */
export interface EvaluationServiceParts {
  catalog: Catalog;
  options: ResolvedOptions;
  logger: Logger;
}

/** Measures model packs on data sets. */
export class EvaluationService {
  /** What happens to the evaluations of this process; for progress bars and subscriptions. */
  readonly events = new EventEmitter<EvaluationEvents>();

  constructor(private readonly parts: EvaluationServiceParts) {
    // Every open subscription listens.
    this.events.setMaxListeners(0);
  }

  /**
   * Checks and queues an evaluation and returns at once.
   *
   * @param requestId id of the request, to find the evaluation in the logs
   * @throws InvalidEvaluationInputError, EvaluationPathOutsideRootsError, DatasetNotFoundError, ExpertUnknownError, the
   *   errors of model packs, CatalogBusyError, CatalogWriteError
   */
  submit(input: EvaluationInput, tenant: string, requestId: string | null = null): Promise<EvaluationRecord> {
    return Promise.reject(new Error(`not yet: ${JSON.stringify({ input, tenant, requestId })}`));
  }

  /**
   * Cancels an evaluation that waits or runs; one that has ended is left as it is.
   *
   * @returns the evaluation as it stands now
   * @throws EvaluationNotFoundError when the tenant has no such evaluation
   */
  async cancel(tenant: string, id: string): Promise<EvaluationRecord> {
    const { catalog } = this.parts;
    const cancelled = await catalog.evaluations.cancel(tenant, id);
    const record = await this.find(tenant, id);
    if (cancelled) this.events.emit("evaluation", record);
    return record;
  }

  /**
   * Waits until an evaluation has ended, in whatever way and process.
   *
   * @throws EvaluationNotFoundError when the tenant has no such evaluation, and the signal's reason when aborted
   */
  waitFor(tenant: string, id: string, signal?: AbortSignal): Promise<EvaluationRecord> {
    return Promise.reject(new Error(`not yet: ${JSON.stringify({ tenant, id, signal })}`));
  }

  /** Begins to work on evaluations, those first which an earlier process left unfinished. */
  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Gives the running evaluation back to the queue and ends. Does nothing when not started. */
  stop(): Promise<void> {
    return Promise.resolve();
  }

  private async find(tenant: string, id: string): Promise<EvaluationRecord> {
    const record = await this.parts.catalog.evaluations.find(tenant, id);
    if (record === null) throw new EvaluationNotFoundError("There is no such evaluation.", { field: "id" });
    return record;
  }
}

/** Makes the evaluation service; it works on evaluations from `start()` on. */
export function createEvaluationService(parts: EvaluationServiceParts): EvaluationService {
  return new EvaluationService(parts);
}
