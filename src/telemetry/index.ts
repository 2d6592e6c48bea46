export { logFields, withLogFields, type LogFields } from "./log-fields.js";
export {
  observeNothing,
  secondsSince,
  type AttemptOutcome,
  type Observation,
  type Observe,
  type SearchOutcome,
} from "./observations.js";
export { currentTraceparent, openSpan, withSpan, type SpanOptions } from "./tracing.js";
