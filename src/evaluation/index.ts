export type { EvaluationInput, EvaluationSourceInput } from "./input.js";
export { momentMetrics } from "./metrics/moment-metrics.js";
export type { MomentAnswer, MomentMetrics, Span } from "./metrics/moment-metrics.js";
export {
  createEvaluationService,
  EvaluationService,
  type EvaluationEvents,
  type EvaluationServiceParts,
} from "./service.js";
