export { momentMetrics } from "./moment-metrics.js";
export type { MomentAnswer, MomentMetrics, Span } from "./moment-metrics.js";
