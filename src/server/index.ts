export type { AppOptions } from "./app.js";
export type { RequestContext } from "./context.js";
export { startEarly, startServer, type EarlyServer, type RunningServer, type ServerOptions } from "./start.js";
export { steppedTermination, termination, type SteppedTermination } from "./termination.js";
export { startTracing } from "./tracing.js";
