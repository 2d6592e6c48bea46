import { ApolloServer } from "@apollo/server";
import { parse, subscribe, type GraphQLSchema } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toGlobalId } from "../../../src/graphql/ids.js";
import { addScoredVideo, openTestEarshot, TEST_PACK_WORD, type TestEarshot } from "../../fixtures/earshot.js";
import { OtherProcess } from "../../fixtures/stored-evaluations.js";

interface HostContext {
  user: { organisation: string; mayDelete: boolean };
}

describe("Earshot inside a host's Apollo Server", () => {
  let test: TestEarshot;
  let host: ApolloServer<HostContext>;
  let hostSchema: GraphQLSchema;
  const ask = async (query: string, user = { organisation: "acme", mayDelete: false }) => {
    const response = await host.executeOperation({ query }, { contextValue: { user } });
    if (response.body.kind !== "single") throw new Error("one answer was expected");
    const { data, errors } = response.body.singleResult;
    return { data: data as Record<string, any> | undefined, errors };
  };

  beforeAll(async () => {
    test = await openTestEarshot({
      context: (context) => {
        const { user } = context as HostContext;
        return {
          tenant: user.organisation,
          rights: user.mayDelete ? ["search", "read", "ingest", "evaluator"] : ["search", "read"],
        };
      },
    });
    await addScoredVideo(test, { externalId: "film-7", tenant: "acme", word: TEST_PACK_WORD, scores: [0.8, 0.1] });
    host = new ApolloServer<HostContext>({
      typeDefs: [
        `type Film { number: Int! title: String! }
         type Query { film(number: Int!): Film }
         extend type Video { film: Film }`,
        test.earshot.typeDefs,
      ],
      resolvers: [
        {
          Query: { film: (_: unknown, { number }: { number: number }) => ({ number, title: `Film ${number}` }) },
          Video: {
            film: ({ externalId }: { externalId: string }) => ({
              number: Number(externalId.slice(5)),
              title: "its film",
            }),
          },
        },
        test.earshot.resolvers,
      ],
      plugins: [
        test.earshot.limits,
        {
          serverWillStart: ({ schema }) => {
            hostSchema = schema;
            return Promise.resolve();
          },
        },
      ],
    });
    await host.start();
  });
  afterAll(async () => {
    await host.stop();
    await test.end();
  });

  it("answers its own queries beside the host's, which can extend its types", async () => {
    const { data, errors } = await ask(`{
      film(number: 3) { title }
      searchVideosByAudio(query: "${TEST_PACK_WORD}") { edges { score moments { startSeconds } node { __typename film { number } } } }
      videos { nodes { state createdAt node: id } }
    }`);
    expect(errors).toBeUndefined();
    expect(data!["film"]).toEqual({ title: "Film 3" });
    const [edge] = data!["searchVideosByAudio"].edges;
    expect(edge.node).toEqual({ __typename: "Video", film: { number: 7 } });
    expect(edge.score).toBeCloseTo(0.8, 5);
    expect(data!["videos"].nodes[0].state).toBe("INDEXED");
  });

  it("resolves interfaces and enums through the host's server", async () => {
    const { data } = await ask(`{ videos { nodes { id } } }`);
    const node = await ask(`{ node(id: "${data!["videos"].nodes[0].id}") { __typename ... on Video { externalId } } }`);
    expect(node.data).toEqual({ node: { __typename: "Video", externalId: "film-7" } });
    expect((await ask(`{ ingestJobs(state: FAILED) { totalCount } }`)).data).toEqual({ ingestJobs: { totalCount: 0 } });
  });

  it("takes tenant and rights from the host's context", async () => {
    const other = await ask(`{ videos { totalCount } }`, { organisation: "other", mayDelete: true });
    expect(other.data).toEqual({ videos: { totalCount: 0 } });
    const refused = await ask(`mutation { deleteVideo(input: { externalId: "film-7" }) { deletedVideoId } }`);
    expect(refused.errors?.[0]?.extensions?.code).toBe("FORBIDDEN");
  });

  it("subscribes through the host's schema, with the host's context", async () => {
    const evaluation = await new OtherProcess(test).run({ tenant: "acme" });
    const document = parse(
      `subscription { evaluationProgress(id: "${toGlobalId("Evaluation", evaluation.id)}") { state } }`,
    );
    const follow = (mayDelete: boolean) =>
      subscribe({ schema: hostSchema, document, contextValue: { user: { organisation: "acme", mayDelete } } });
    const stream = await follow(true);
    if (!(Symbol.asyncIterator in stream)) throw new Error("the subscription was refused");
    const results: unknown[] = [];
    for await (const result of stream) results.push(result);
    expect(results).toEqual([{ data: { evaluationProgress: { state: "COMPLETED" } } }]);
    expect(await follow(false)).toMatchObject({ errors: [{ extensions: { code: "FORBIDDEN" } }] });
  });

  it("brings its limits along", async () => {
    const deep = `{ videos { nodes { ${"latestJob { video { ".repeat(6)} id ${"} }".repeat(6)} } } }`;
    expect((await ask(deep)).errors?.[0]?.extensions?.code).toBe("OPERATION_TOO_DEEP");
    const wide = Array.from({ length: 20 }, (_, i) => `p${i}: videos(first: 100) { nodes { id title } }`).join(" ");
    expect((await ask(`{ ${wide} }`)).errors?.[0]?.extensions?.code).toBe("OPERATION_TOO_COMPLEX");
    const searches = Array.from(
      { length: 100 },
      (_, i) => `s${i}: searchVideosByAudio(query: "alarm", first: 1) { notices { code } }`,
    );
    expect((await ask(`{ ${searches.join(" ")} }`)).errors?.[0]?.extensions?.code).toBe("OPERATION_TOO_COMPLEX");
  });
});
