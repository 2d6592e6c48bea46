/** `earshot doctor`: looks at everything Earshot needs and says what is wrong and how to mend it. */
import type { ResolvedOptions } from "../config/index.js";
import type { Console } from "./console.js";
import { checkDatabase } from "./doctor-database.js";
import { checkFfmpeg, checkMediaRoots, checkModels, checkNode, checkPack } from "./doctor-checks.js";
import { checkVectors } from "./doctor-vectors.js";

const MARKS = { ok: "✓", warn: "!", fail: "✗" } as const;

/**
 * Runs all checks, one after the other, and prints what they find.
 *
 * @returns The exit code: 1 when a check failed.
 */
export async function doctorCommand(options: ResolvedOptions, out: Console): Promise<number> {
  const checks = [
    () => Promise.resolve(checkNode(process.versions.node)),
    () => checkFfmpeg(options),
    () => checkPack(options),
    () => checkModels(options),
    () => checkDatabase(options),
    () => checkVectors(options),
    () => checkMediaRoots(options),
  ];
  let failed = 0;
  let warned = 0;
  for (const check of checks) {
    const { status, subject, text, advice } = await check();
    failed += status === "fail" ? 1 : 0;
    warned += status === "warn" ? 1 : 0;
    out.print(`${MARKS[status]} ${subject.padEnd(12)} ${text}`);
    if (advice !== undefined) out.print(`${" ".repeat(15)}→ ${advice}`);
  }
  out.print();
  out.print(
    failed > 0
      ? `${failed} of ${checks.length} checks failed`
      : warned > 0
        ? "All works; see the remarks marked !"
        : "All is well",
  );
  return failed > 0 ? 1 : 0;
}
