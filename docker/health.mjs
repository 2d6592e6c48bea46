/**
 * Health check of a container: exits 0 when the Earshot in it answers on /health, else 1. A worker listens on
 * EARSHOT_HEALTH_PORT, a server on EARSHOT_PORT; the image sets both, whatever runs in it, so both are asked.
 *
 *   node docker/health.mjs [path]      another path, e.g. /ready
 */
const given = ["EARSHOT_HEALTH_PORT", "EARSHOT_PORT"].map((name) => process.env[name]?.trim()).filter(Boolean);
const ports = given.length > 0 ? new Set(given) : ["4000"];
const path = process.argv[2] ?? "/health";
const signal = AbortSignal.timeout(4_000);

/** Throws why nothing good is answered on a port. */
async function ask(port) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal });
  if (!response.ok) throw new Error(`status ${response.status}`);
}

try {
  await Promise.any([...ports].map(ask));
} catch ({ errors }) {
  for (const error of errors) console.error(`${path}: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
