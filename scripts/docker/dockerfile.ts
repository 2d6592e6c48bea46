import { DockerfileParser, type Instruction } from "dockerfile-ast";

/** One instruction of a Dockerfile. */
export interface Step {
  keyword: string;
  /** Line in the file, from 1. */
  line: number;
  /** Everything after the keyword and the flags, on one line, variables not replaced. */
  text: string;
  /** Flags without their dashes, e.g. `{ from: "build" }`. */
  flags: Record<string, string>;
  /** The words after the flags: elements of the JSON form, else separated by blanks; variables of ARG before FROM replaced. */
  words: string[];
  /** Whether the JSON form was used, which needs no shell. */
  json: boolean;
  /** Names and values of ENV, ARG and LABEL. */
  properties: { name: string; value: string | null }[];
}

/** A stage: from one FROM to the next. */
export interface Stage {
  /** Its name after AS; null when it has none. */
  name: string | null;
  /** Image, or name of an earlier stage. */
  from: string;
  line: number;
  /** The instructions after FROM. */
  steps: Step[];
}

/** Reads a Dockerfile. Files inside instructions (heredocs) are not known here, nor ONBUILD. */
export function readStages(text: string): Stage[] {
  const stages: Stage[] = [];
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const step = readStep(instruction);
    if (step.keyword === "FROM") {
      const named = step.words.length === 3 && step.words[1]?.toUpperCase() === "AS";
      stages.push({
        name: named ? (step.words[2] ?? null) : null,
        from: step.words[0] ?? "",
        line: step.line,
        steps: [],
      });
    } else {
      stages.at(-1)?.steps.push(step);
    }
  }
  return stages;
}

interface WithFlags {
  getFlags(): { getName(): string; getValue(): string | null }[];
}
interface WithProperties {
  getProperties(): { getName(): string; getValue(): string | null }[];
}

function readStep(instruction: Instruction): Step {
  const parts = instruction as Instruction & Partial<WithFlags & WithProperties>;
  const keyword = instruction.getKeyword();
  const flags = (parts.getFlags?.() ?? []).map((flag) => [flag.getName(), flag.getValue() ?? ""] as const);
  const text = (instruction.getArgumentsContent() ?? "").replaceAll(/\s+/g, " ");
  // HEALTHCHECK has its command after the word CMD, and no JSON of its own.
  const list = keyword === "HEALTHCHECK" ? text.replace(/^CMD /, "") : text;
  const json = list.startsWith("[");
  return {
    keyword,
    line: instruction.getRange().start.line + 1,
    text,
    flags: Object.fromEntries(flags),
    words: json ? (JSON.parse(list) as string[]) : instruction.getExpandedArguments().map(String),
    json,
    properties: (parts.getProperties?.() ?? []).map((property) => ({
      name: property.getName(),
      value: property.getValue(),
    })),
  };
}
