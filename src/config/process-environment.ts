import type { Environment } from "./environment.js";

/** The environment variables of this process, for programs; a plugin reads only what its host hands over. */
export function processEnvironment(): Environment {
  return process.env;
}

/**
 * Sets a variable of the whole process for native libraries, unless it is set already. In a worker thread they do not see
 * it: threads have a copy of the environment.
 */
export function setInProcessEnvironment(name: string, value: string): void {
  process.env[name] ??= value;
}
