import { processEnvironment } from "../../../src/config/index.js";
import { openTestCatalog, type TestCatalog } from "../../fixtures/catalog.js";
import { openQdrant, qdrantOptions } from "../../fixtures/qdrant/engine.js";
import { FakeQdrant } from "../../fixtures/qdrant/server.js";
import { describeVectorIndex } from "./contract.js";

// A real server where the environment names one, else the test server.
const { QDRANT_URL: realUrl, QDRANT_API_KEY: realKey } = processEnvironment();

let catalog: TestCatalog | undefined;
let server: FakeQdrant | undefined;
const settings = { ...(realKey === undefined ? {} : { apiKey: realKey }) };
let options = qdrantOptions("http://127.0.0.1:6333", settings);

describeVectorIndex(`the Qdrant engine (${realUrl ?? "test server"})`, {
  openCatalog: async () => {
    catalog = await openTestCatalog();
    if (realUrl === undefined) server = await FakeQdrant.start();
    options = qdrantOptions(realUrl ?? server!.url, settings);
    return catalog.catalog;
  },
  open: (of) => openQdrant(of, options),
  cleanUp: async () => {
    await server?.stop();
    await catalog?.end();
  },
});
