export { childEnvironment } from "./child-environment.js";
export type { Environment } from "./environment.js";
export { createLogger, type Logger } from "./logger.js";
export { processEnvironment, setInProcessEnvironment } from "./process-environment.js";
export { resolveOptions, type EarshotOptions, type ResolvedOptions } from "./options.js";
export type { QdrantOptions } from "./vector-options.js";
