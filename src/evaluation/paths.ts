import { EvaluationPathOutsideRootsError } from "../errors.js";
import { followInRoots } from "../media/index.js";

/**
 * Finds a folder or file that an input names. A relative path is looked for in each root in turn.
 *
 * @param field the input's field, for messages
 * @param missing makes the error of a path inside a root where there is nothing
 * @returns the absolute path, symbolic links resolved
 * @throws EvaluationPathOutsideRootsError, and what `missing` makes
 */
export async function resolveInRoots(
  given: string,
  roots: readonly string[],
  field: string,
  missing: () => Error,
): Promise<string> {
  const found = await followInRoots(given, roots);
  if (found === "missing") throw missing();
  if (found !== "outside") return found.real;
  throw new EvaluationPathOutsideRootsError(
    roots.length === 0
      ? 'This server evaluates no paths: set the option "evaluation.roots" (EARSHOT_EVALUATION_ROOTS) to the folders ' +
          "that hold data sets and model packs."
      : "The path is not inside an evaluation root of this server.",
    { field, detail: given },
  );
}
