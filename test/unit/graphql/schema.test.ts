import { readFile } from "node:fs/promises";
import { buildSchema, isEnumType, isInputObjectType, isInterfaceType, isObjectType } from "graphql";
import { describe, expect, it } from "vitest";
import { earshotSdl } from "../../../src/graphql/schema.js";

describe("the schema", () => {
  it("is what schema/schema.graphql says", async () => {
    const committed = await readFile(new URL("../../../schema/schema.graphql", import.meta.url), "utf8");
    expect(await earshotSdl(), "run `npx tsx scripts/emit-schema.ts`").toBe(committed);
  });

  it("describes every type, field, argument and value", async () => {
    const missing: string[] = [];
    const check = (name: string, described: { description?: string | null | undefined }): void => {
      if (!described.description) missing.push(name);
    };
    for (const type of Object.values(buildSchema(await earshotSdl()).getTypeMap())) {
      if (type.name.startsWith("__") || ["String", "Int", "Float", "Boolean", "ID"].includes(type.name)) continue;
      check(type.name, type);
      if (isEnumType(type)) for (const value of type.getValues()) check(`${type.name}.${value.name}`, value);
      if (isInputObjectType(type)) {
        for (const field of Object.values(type.getFields())) check(`${type.name}.${field.name}`, field);
      }
      if (isObjectType(type) || isInterfaceType(type)) {
        for (const field of Object.values(type.getFields())) {
          check(`${type.name}.${field.name}`, field);
          for (const argument of field.args) check(`${type.name}.${field.name}(${argument.name})`, argument);
        }
      }
    }
    expect(missing).toEqual([]);
  });
});
