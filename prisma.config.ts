import { defineConfig } from "prisma/config";

const url = process.env["EARSHOT_DATABASE_URL"] ?? "file:.earshot/earshot.db";
const folder = url.startsWith("file:") ? "prisma" : "prisma/postgresql";

/**
 * Settings of the Prisma command line only; the product itself opens its database in src/catalog.
 * With internet access, `EARSHOT_DATABASE_URL=... npx prisma migrate deploy` applies the same migrations.
 */
export default defineConfig({
  schema: `${folder}/schema.prisma`,
  migrations: { path: `${folder}/migrations` },
  datasource: { url },
});
