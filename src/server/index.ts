export type { AppOptions, EarshotApp } from "./app.js";
export type { RequestContext } from "./context.js";
export { startServer, startWorkerServer, type RunningServer, type ServerOptions } from "./start.js";
export { steppedTermination, termination, type SteppedTermination } from "./termination.js";
export { startTracing } from "./tracing.js";
