import { validate } from "dockerfile-utils";
import { readStages, type Stage, type Step } from "./dockerfile.js";

/** Something that has to be mended. */
export interface Finding {
  /** Line in the file, from 1. */
  line: number;
  message: string;
}

/** A rule for one instruction; returns what is wrong, or null. */
type StepRule = (step: Step) => string | null;

const SECRET = /PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|PRIVATE|API_?KEY/i;

/** In the spirit of hadolint, whose program no package registry carries: the number of its rule is named where there is one. */
const stepRules: Record<string, StepRule[]> = {
  ADD: [() => "use COPY: ADD unpacks and downloads (DL3020)"],
  MAINTAINER: [() => "use a LABEL (DL4000)"],
  CMD: [jsonForm],
  ENTRYPOINT: [jsonForm],
  HEALTHCHECK: [(step) => (step.text === "NONE" ? "there has to be a health check" : jsonForm(step))],
  ENV: [noSecrets],
  ARG: [noSecrets],
  RUN: [
    ({ text }) => (/\bsudo\b/.test(text) ? "build steps need no sudo (DL3004)" : null),
    ({ text }) => (/(^|&& |; )cd /.test(text) ? "use WORKDIR (DL3003)" : null),
    ({ text }) => (/\bapt (install|update)/.test(text) ? "use apt-get: apt is for people (DL3027)" : null),
    ({ text }) => (/\bnpm (install|i)\b/.test(text) ? "use npm ci, which keeps to the lock file" : null),
    ({ text }) =>
      /\b(curl|wget)\b[^|&;]*\|/.test(text) ? "do not run what was just downloaded: check its sum first" : null,
    ({ text }) =>
      text.includes(" | ") && !text.includes("pipefail") ? "a pipe hides failures: set -o pipefail (DL4006)" : null,
    aptGet,
  ],
};

function jsonForm({ json }: Step): string | null {
  return json ? null : "use the JSON form: a shell in between swallows signals (DL3025)";
}

function noSecrets({ properties }: Step): string | null {
  const secret = properties.find(({ name, value }) => SECRET.test(name) || SECRET.test(value ?? ""));
  return secret === undefined ? null : `${secret.name} looks like a secret: everybody who has the image can read it`;
}

function aptGet({ text }: Step): string | null {
  const installs = text.match(/apt-get (?:-\S+ )*install[^&;|]*/g) ?? [];
  if (installs.length === 0) return null;
  if (!text.includes("apt-get update")) return "run apt-get update in the same step: a cached one is old (DL3009)";
  if (installs.some((install) => !/ (-y|--yes|-qy|-yq)\b/.test(install))) return "install with -y (DL3014)";
  if (installs.some((install) => !install.includes("--no-install-recommends")))
    return "install with --no-install-recommends (DL3015)";
  if (!text.includes("rm -rf /var/lib/apt/lists/*")) return "remove /var/lib/apt/lists in the same step (DL3009)";
  return null;
}

/**
 * Checks a Dockerfile: its grammar by dockerfile-utils, then the rules of this house.
 *
 * @returns what has to be mended, in order of lines
 */
export function checkDockerfile(text: string): Finding[] {
  const findings: Finding[] = validate(text).map(({ range, message }) => ({
    line: range.start.line + 1,
    message: typeof message === "string" ? message : message.value,
  }));
  // What cannot be read cannot be judged further.
  if (findings.length > 0) return findings;
  const stages = readStages(text);
  for (const stage of stages) {
    findings.push(...checkFrom(stage, stages));
    for (const step of stage.steps) {
      for (const rule of stepRules[step.keyword] ?? []) {
        const message = rule(step);
        if (message !== null) findings.push({ line: step.line, message });
      }
      findings.push(...checkCopy(step, stage, stages));
    }
  }
  const last = stages.at(-1);
  if (last !== undefined) findings.push(...checkImage(last));
  return findings.sort((a, b) => a.line - b.line);
}

/** Whether an image is named by an exact release or by its digest: "node:24" and "latest" mean another one tomorrow. */
export function isPinned(image: string): boolean {
  if (/@sha256:[0-9a-f]{64}$/.test(image)) return true;
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return tag !== undefined && /^v?\d+\.\d+/.test(tag);
}

function checkFrom({ from, line }: Stage, stages: Stage[]): Finding[] {
  const earlier = stages.some(({ name, line: at }) => name === from && at < line);
  if (earlier || isPinned(from)) return [];
  return [{ line, message: `${from} is not an exact release: name one, or a digest (DL3006, DL3007)` }];
}

function checkCopy(step: Step, stage: Stage, stages: Stage[]): Finding[] {
  const from = step.flags["from"];
  if (step.keyword !== "COPY" || from === undefined) return [];
  const earlier = stages.some(({ name, line }) => name === from && line < stage.line);
  return earlier || isPinned(from) ? [] : [{ line: step.line, message: `there is no earlier stage ${from} (DL3022)` }];
}

/** What the image that comes out has to have. */
function checkImage(stage: Stage): Finding[] {
  const of = (keyword: string): Step[] => stage.steps.filter((step) => step.keyword === keyword);
  const findings: Finding[] = [];
  for (const keyword of ["USER", "HEALTHCHECK", "ENTRYPOINT", "CMD", "STOPSIGNAL", "LABEL", "EXPOSE"]) {
    if (of(keyword).length === 0) findings.push({ line: stage.line, message: `the image has no ${keyword}` });
  }
  for (const keyword of ["HEALTHCHECK", "ENTRYPOINT", "CMD"]) {
    const second = of(keyword)[1];
    if (second !== undefined) findings.push({ line: second.line, message: `only one ${keyword} counts (DL4003)` });
  }
  const user = of("USER").at(-1);
  if (user !== undefined && !/^[1-9]\d*(:[1-9]\d*)?$/.test(user.words[0] ?? "")) {
    findings.push({ line: user.line, message: "end with the number of a user who is not root (DL3002)" });
  }
  return findings;
}
