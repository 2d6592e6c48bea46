/**
 * The PostgreSQL twin of the data model: the same models, another provider and client. Written into the repository, so
 * that `prisma migrate deploy` finds it.
 *
 * @param {string} source content of prisma/schema.prisma
 * @returns {string} content of prisma/postgresql/schema.prisma
 */
export function postgresqlTwin(source) {
  const models = source.slice(source.indexOf("generator client"));
  const twin = models
    .replace('"../src/catalog/generated"', '"../../src/catalog/generated-postgresql"')
    .replace('provider = "sqlite"', 'provider = "postgresql"');
  return `// Derived from ../schema.prisma by scripts/setup.mjs: change that one.\n\n${twin}`;
}
