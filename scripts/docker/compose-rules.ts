import { parse } from "yaml";
import { isPinned } from "./dockerfile-rules.js";

/** What belongs to a compose file. */
export interface ComposeSurroundings {
  /** Text of the example of .env. */
  envExample: string;
  /** Variables that Earshot reads. */
  knownVariables: readonly string[];
  /** Folders and files, relative to the compose file, that exist. */
  exists: (path: string) => boolean;
}

interface Service {
  image?: string;
  build?: { context?: string; dockerfile?: string };
  profiles?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition?: string }>;
  healthcheck?: { test?: string[]; disable?: boolean };
  restart?: string;
  read_only?: boolean;
  privileged?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  deploy?: { resources?: { limits?: { cpus?: string; memory?: string } } };
}

interface ComposeFile {
  services?: Record<string, Service>;
  volumes?: Record<string, unknown>;
}

/**
 * Checks a compose file by the rules of this house. Its grammar is checked by `docker compose config`, where that is there.
 *
 * @returns what has to be mended, each with the service it is about
 */
export function checkCompose(text: string, { envExample, knownVariables, exists }: ComposeSurroundings): string[] {
  const file = parse(text, { merge: true }) as ComposeFile;
  const services = Object.entries(file.services ?? {});
  return [
    ...checkVariables(text, envExample),
    ...services.flatMap(([name, service]) =>
      [
        ...checkImage(service, exists),
        ...checkSafety(service),
        ...checkEnvironment(service, knownVariables),
        ...checkVolumes(service, file),
        ...checkOrder(service, file),
      ].map((message) => `${name}: ${message}`),
    ),
  ];
}

/** Every variable stands in the example, and the example has no others. */
function checkVariables(text: string, envExample: string): string[] {
  // "$$" is a dollar sign for the shell in the container.
  const used = new Set([...text.matchAll(/(?<!\$)\$\{?([A-Z_][A-Z0-9_]*)/g)].map((match) => match[1]!));
  // Compose reads this one by itself.
  used.add("COMPOSE_PROFILES");
  const written = new Set([...envExample.matchAll(/^#? ?([A-Z_][A-Z0-9_]*)=/gm)].map((match) => match[1]!));
  return [
    ...[...used].filter((name) => !written.has(name)).map((name) => `.env.example does not name ${name}`),
    ...[...written].filter((name) => !used.has(name)).map((name) => `.env.example names ${name}, which nothing uses`),
  ];
}

function checkImage({ image, build }: Service, exists: (path: string) => boolean): string[] {
  const findings: string[] = [];
  if (image === undefined || !isPinned(image)) findings.push("its image is not an exact release");
  if (build !== undefined) {
    const dockerfile = `${build.context ?? "."}/${build.dockerfile ?? "Dockerfile"}`;
    if (!exists(dockerfile)) findings.push(`there is no ${dockerfile}`);
  }
  return findings;
}

function checkSafety(service: Service): string[] {
  const findings: string[] = [];
  if (service.restart !== "unless-stopped") findings.push("it is not restarted after a crash");
  if (service.read_only !== true) findings.push("its root file system can be written");
  if (service.privileged === true) findings.push("it is privileged");
  if (!(service.cap_drop ?? []).includes("ALL")) findings.push("it keeps capabilities: drop ALL");
  if (!(service.security_opt ?? []).includes("no-new-privileges:true")) findings.push("it may gain privileges");
  const limits = service.deploy?.resources?.limits;
  if (limits?.cpus === undefined || limits.memory === undefined) findings.push("it has no limits of CPU and memory");
  for (const port of service.ports ?? []) {
    if (!/^(127\.0\.0\.1|\$\{[A-Z_]+:-127\.0\.0\.1\}):/.test(port)) findings.push(`port ${port} is open to everybody`);
  }
  return findings;
}

function checkEnvironment({ environment = {} }: Service, knownVariables: readonly string[]): string[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith("EARSHOT_") && !knownVariables.includes(name))
    .map((name) => `Earshot does not read ${name}`);
}

function checkVolumes({ volumes = [] }: Service, file: ComposeFile): string[] {
  return volumes
    .map((volume) => volume.split(":"))
    .filter(([source, target]) => target !== undefined && /^[a-z]/.test(source ?? ""))
    .filter(([source]) => !Object.hasOwn(file.volumes ?? {}, source ?? ""))
    .map(([source]) => `volume ${source ?? ""} is not declared`);
}

/** What it waits for starts with it, and says when it is ready. */
function checkOrder({ depends_on = {}, profiles = [] }: Service, { services = {} }: ComposeFile): string[] {
  return Object.entries(depends_on).flatMap(([name, { condition }]) => {
    const other = services[name];
    if (other === undefined) return [`it waits for ${name}, which is not there`];
    const findings: string[] = [];
    if (condition !== "service_healthy") findings.push(`it does not wait until ${name} is healthy`);
    // Images of ours bring a health check with them.
    if (other.build === undefined && other.healthcheck?.test === undefined)
      findings.push(`${name} has no health check`);
    const missing = profiles.filter((profile) => !(other.profiles ?? [profile]).includes(profile));
    if (missing.length > 0) findings.push(`${name} does not start in the profile ${missing.join(", ")}`);
    return findings;
  });
}
