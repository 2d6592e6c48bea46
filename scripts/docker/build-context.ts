import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";

/** One line of .dockerignore. */
interface Pattern {
  /** Whether it takes paths back in. */
  negated: boolean;
  expression: RegExp;
}

/** Reads .dockerignore. A pattern holds for a path and for all below it; of several that match, the last one wins. */
function readPatterns(text: string): Pattern[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const negated = line.startsWith("!");
      const glob = line.replace(/^!/, "").replace(/^\/|\/$/g, "");
      const source = glob
        .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
        .replaceAll(/\*\*\/?|\*|\?/g, (star) => (star === "?" ? "[^/]" : star === "*" ? "[^/]*" : ".*"));
      return { negated, expression: new RegExp(`^${source}(/.*)?$`) };
    });
}

/**
 * The files of a build context, as Docker sends them.
 *
 * @param root folder of the context, with a .dockerignore in it
 * @returns paths from the root, sorted
 */
export function contextFiles(root: string): string[] {
  const patterns = readPatterns(readFileSync(path.join(root, ".dockerignore"), "utf8"));
  const isIn = (file: string): boolean =>
    patterns.reduce((kept, { negated, expression }) => (expression.test(file) ? negated : kept), true);
  // Folders that nothing can take back in are not walked: node_modules has 40,000 files.
  const walk = (folder: string): string[] =>
    readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const place = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) {
        return place === ".git" || entry.name === "node_modules" ? [] : walk(place);
      }
      return isIn(place) ? [place] : [];
    });
  return walk("").sort();
}
