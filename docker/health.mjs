/**
 * Health check of a container: exits 0 when the Earshot in it answers on /health, else 1.
 *
 *   node docker/health.mjs [path]      another path, e.g. /ready
 */
const port = process.env["EARSHOT_PORT"]?.trim() || "4000";
const path = process.argv[2] ?? "/health";
try {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(4_000) });
  if (!response.ok) throw new Error(`status ${response.status}`);
} catch (error) {
  console.error(`${path}: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
