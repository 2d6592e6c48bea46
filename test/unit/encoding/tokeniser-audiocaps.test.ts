import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { TOKENISERS } from "../../../src/encoding/tokenisers.js";

const repository = fileURLToPath(new URL("../../../", import.meta.url));
const captions = path.join(
  process.env["EARSHOT_SHARED"] ?? path.join(repository, "../shared"),
  "data/captions/audiocaps",
);
const there = existsSync(captions);
const pythons = [path.join(repository, "training/.venv/bin/python"), "python3"];
const python = pythons.find((program) => {
  const check = spawnSync(program, ["-c", "import earshot_training.text"], { cwd: path.join(repository, "training") });
  return check.status === 0;
});

/** `earshot-training tokenise` without the other commands, for which PyTorch would be loaded. */
const COMMAND = `
import argparse, sys
from earshot_training.commands import tokenise
parser = argparse.ArgumentParser()
tokenise.add_command(parser.add_subparsers())
arguments = parser.parse_args()
sys.exit(arguments.run(arguments))
`;

/** SHA-256 over the tokens of all captions of a file, which the training code's tests have as well. */
const digests = JSON.parse(
  readFileSync(path.join(repository, "training/tests/tokeniser_digests.json"), "utf8"),
) as Record<string, Record<keyof typeof TOKENISERS | "captions", string | number>>;
const files = Object.keys(digests);
const names = Object.keys(TOKENISERS) as (keyof typeof TOKENISERS)[];

/** The column "caption" of a file, which is its last; a field in quotes holds commas, and two quotes for one. */
function readCaptions(file: string): string[] {
  const records = readFileSync(path.join(captions, file), "utf8").match(/^(?:"(?:[^"]|"")*"|[^"\r\n])+$/gm)!;
  return records.slice(1).map((record) => {
    const caption = /^(?:[^,]*,){3}(.*)$/s.exec(record)![1]!;
    return caption.startsWith('"') ? caption.slice(1, -1).replaceAll('""', '"') : caption;
  });
}

const skipped = (what: string, missing: boolean) => `${what}${missing ? " (SKIPPED: it is not there)" : ""}`;

describe.skipIf(!there)(skipped("the captions of AudioCaps in ../shared", !there), () => {
  it.each(files)("are cut as in training: all of %s", (file) => {
    const texts = readCaptions(file);
    expect(texts).toHaveLength(digests[file]!.captions as number);
    for (const name of names) {
      const hash = createHash("sha256");
      for (const text of texts) hash.update(`${TOKENISERS[name].tokenise(text).join("\0")}\n`);
      expect(hash.digest("hex"), name).toBe(digests[file]![name]);
    }
  });

  describe.skipIf(python === undefined)(skipped("beside a Python with earshot_training", python === undefined), () => {
    it.each(names)("have the same tokens, one by one, by %s", (name) => {
      const command = ["-c", COMMAND, "tokenise", "--tokeniser", name];
      const { stdout, status, stderr } = spawnSync(
        python!,
        [...command, ...files.map((file) => path.join(captions, file))],
        {
          cwd: path.join(repository, "training"),
          encoding: "utf8",
          maxBuffer: 1 << 28,
        },
      );
      expect(status, stderr).toBe(0);
      const lines = stdout.trimEnd().split("\n");
      expect(lines).toHaveLength(files.reduce((sum, file) => sum + (digests[file]!.captions as number), 0));
      const differing = lines
        .map((line) => JSON.parse(line) as { text: string; tokens: string[] })
        .map(({ text, tokens }) => ({ text, training: tokens, runtime: TOKENISERS[name].tokenise(text) }))
        .filter(({ training, runtime }) => JSON.stringify(training) !== JSON.stringify(runtime));
      expect(differing).toEqual([]);
    });
  });
});
