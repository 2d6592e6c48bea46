export type { EvaluationInput, EvaluationSourceInput } from "./input.js";
export {
  createEvaluationService,
  EvaluationService,
  type EvaluationEvents,
  type EvaluationServiceParts,
} from "./service.js";
