/** What a program started by Earshot may see of the environment: where programs and libraries are, nothing else. */
const passedOn = ["PATH", "Path", "PATHEXT", "SystemRoot", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/** The environment of child processes. Secrets, locale and ffmpeg's own variables (`FFREPORT`) stay out of it. */
export function childEnvironment(): Record<string, string> {
  const environment: Record<string, string> = { LC_ALL: "C" };
  for (const name of passedOn) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}
