#!/usr/bin/env node
import { CommanderError } from "commander";
import { processEnvironment } from "../config/index.js";
import { EarshotError } from "../errors.js";
import { processConsole } from "./console.js";
import { createProgram } from "./program.js";

const out = processConsole();
const program = createProgram(out, processEnvironment(), (code) => {
  process.exitCode = code;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = 1;
  if (error instanceof CommanderError) {
    // Commander has said what there is to say.
    process.exitCode = error.exitCode;
  } else if (error instanceof EarshotError) {
    out.complain(`${error.message} (${error.code})`);
    if (error.detail !== undefined) out.complain(error.detail);
  } else {
    out.complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}
