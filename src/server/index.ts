export type { AppOptions, EarshotApp } from "./app.js";
export type { RequestContext } from "./context.js";
export { startServer, type RunningServer, type ServerOptions } from "./start.js";
export { termination } from "./termination.js";
