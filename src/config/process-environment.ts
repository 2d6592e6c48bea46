import type { Environment } from "./environment.js";

/** The environment variables of this process, for programs; a plugin reads only what its host hands over. */
export function processEnvironment(): Environment {
  return process.env;
}
