import { defineConfig } from "prisma/config";

/**
 * Settings of the Prisma command line only; the product itself opens its database in src/catalog.
 * With internet access, `EARSHOT_DATABASE_URL=file:... npx prisma migrate deploy` applies the same migrations.
 */
export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  datasource: { url: process.env["EARSHOT_DATABASE_URL"] ?? "file:.earshot/earshot.db" },
});
