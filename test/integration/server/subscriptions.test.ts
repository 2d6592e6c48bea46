import { connect } from "node:net";
import { createClient, type Client, type ClientOptions } from "graphql-ws";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import WebSocket from "ws";
import { toGlobalId } from "../../../src/graphql/ids.js";
import { startServer, type RequestContext, type RunningServer } from "../../../src/server/index.js";
import { openTestEarshot, type AnyData, type TestEarshot } from "../../fixtures/earshot.js";
import { OtherProcess } from "../../fixtures/stored-evaluations.js";

const FOLLOW = `subscription ($id: ID!) { evaluationProgress(id: $id) { state progress } }`;

describe("subscriptions over WebSockets", () => {
  let test: TestEarshot;
  let other: OtherProcess;
  let server: RunningServer;
  const clients: Client[] = [];
  const address = () => `${server.url.replace("http", "ws")}/graphql`;
  const client = (options: Partial<ClientOptions> = {}): Client => {
    const made = createClient({ url: address(), webSocketImpl: WebSocket, retryAttempts: 0, ...options });
    clients.push(made);
    return made;
  };
  const globalId = ({ id }: { id: string }): string => toGlobalId("Evaluation", id);
  /** All that comes of a subscription; what the server refuses comes as an error of the stream. */
  const all = async (of: Client, query: string, variables: Record<string, unknown> = {}) => {
    const results: AnyData[] = [];
    for await (const result of of.iterate({ query, variables })) results.push(result);
    return results;
  };
  const codes = (results: AnyData[]) => results.flatMap(({ errors }) => errors as AnyData[]).map(codeOf);
  const codeOf = ({ extensions }: AnyData) => extensions.code as string;
  /** Codes of the errors with which an operation is refused before it begins. */
  const refusal = (of: Client, query: string, variables: Record<string, unknown> = {}) =>
    all(of, query, variables).then(
      () => "accepted",
      (errors: unknown) => (errors as AnyData[]).map(codeOf),
    );
  /** Opens a bare WebSocket and tells with which HTTP status, or code of the protocol, it ends. */
  const ending = (options: { headers?: Record<string, string>; path?: string; messages?: string[] } = {}) =>
    new Promise<number>((resolve) => {
      const url = new URL(options.path ?? "/graphql", address());
      const socket = new WebSocket(url, "graphql-transport-ws", { headers: options.headers ?? {} });
      socket.on("unexpected-response", (_request, response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      socket.on("open", () => {
        for (const message of options.messages ?? []) socket.send(message);
        if (options.messages === undefined) socket.close(1000);
      });
      socket.on("close", resolve);
      socket.on("error", () => undefined);
    });

  beforeAll(async () => {
    test = await openTestEarshot({
      evaluation: { pollSeconds: 0.05 },
      graphql: { maxDepth: 3 },
      server: { maxBodyBytes: 2_000, allowedOrigins: ["https://cms.example.org"] },
      context: (context) => {
        const { request, connectionParams } = context as RequestContext;
        return {
          tenant: request.get("x-tenant") ?? "default",
          ...(connectionParams?.["token"] === "reader" ? { rights: ["read"] } : {}),
        };
      },
    });
    other = new OtherProcess(test);
    server = await startServer(test.earshot, { port: 0 });
  });
  afterAll(async () => {
    for (const of of clients) await of.dispose();
    await server.close();
    await test.end();
  });

  it("follow an evaluation to its end", async () => {
    const submitted = await other.submit();
    const states: string[] = [];
    for await (const { data } of client().iterate<AnyData>({ query: FOLLOW, variables: { id: globalId(submitted) } })) {
      const { state } = data!["evaluationProgress"];
      states.push(state);
      if (state === "PENDING") await other.take();
      if (state === "RUNNING") await other.complete(submitted);
    }
    expect(states).toEqual(["PENDING", "RUNNING", "COMPLETED"]);
  });

  it("ask the context hook with the request that opened the WebSocket, and the client's parameters", async () => {
    const id = globalId(await other.run({ tenant: "acme" }));
    class FromAcme extends WebSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol, { headers: { "x-tenant": "acme" } });
      }
    }
    const states = await all(client({ webSocketImpl: FromAcme }), FOLLOW, { id });
    expect(states).toEqual([{ data: { evaluationProgress: { state: "COMPLETED", progress: 1 } } }]);
    expect(codes(await all(client(), FOLLOW, { id }))).toEqual(["EVALUATION_NOT_FOUND"]);
    const reader = client({ webSocketImpl: FromAcme, connectionParams: { token: "reader" } });
    expect(codes(await all(reader, FOLLOW, { id }))).toEqual(["FORBIDDEN"]);
  });

  it("keep to the limits of all operations, and are the only operations taken", async () => {
    const of = client();
    const id = globalId(await other.run());
    const deep = `subscription ($id: ID!) { evaluationProgress(id: $id) { metrics { recallAt1 { value } } } }`;
    expect(await refusal(of, deep, { id })).toEqual(["OPERATION_TOO_DEEP"]);
    const doubling = Array.from({ length: 30 }, (_, i) => `fragment F${i} on Evaluation { ...F${i + 1} ...F${i + 1} }`);
    const wide = `subscription ($id: ID!) { evaluationProgress(id: $id) { ...F0 } } ${doubling.join(" ")} fragment F30 on Evaluation { id }`;
    expect(await refusal(of, wide, { id })).toEqual(["OPERATION_TOO_COMPLEX"]);
    expect(await refusal(of, `{ evaluations { totalCount } }`)).toEqual(["SUBSCRIPTIONS_ONLY"]);
    expect(await refusal(of, `mutation { deleteVideo(input: {}) { deletedVideoId } }`)).toEqual(["SUBSCRIPTIONS_ONLY"]);
    expect(await refusal(of, `subscription { nothing }`)).toEqual(["GRAPHQL_VALIDATION_FAILED"]);
    expect(await refusal(of, `subscription {`)).toEqual(["GRAPHQL_PARSE_FAILED"]);
    expect(await refusal(of, `fragment F on Evaluation { id }`)).toEqual(["OPERATION_RESOLUTION_FAILURE"]);
    expect(await refusal(of, FOLLOW, { id: {} })).toEqual(["BAD_USER_INPUT"]);
    expect(await refusal(of, FOLLOW)).toEqual(["BAD_USER_INPUT"]);
    expect(codes(await all(of, FOLLOW, { id: "made up" }))).toEqual(["INVALID_ID"]);
    expect(await all(of, FOLLOW, { id })).toHaveLength(1);
  });

  it("are limited in number on each WebSocket, and can be ended one by one", async () => {
    const submitted = await other.submit();
    const of = client();
    const query = { query: FOLLOW, variables: { id: globalId(submitted) } };
    const streams = Array.from({ length: 20 }, () => of.iterate(query));
    await Promise.all(streams.map((stream) => stream.next()));
    expect(await refusal(of, FOLLOW, query.variables)).toEqual(["TOO_MANY_SUBSCRIPTIONS"]);
    const { events } = test.earshot.evaluation;
    expect(events.listenerCount("evaluation")).toBe(20);
    await streams[0]!.return?.();
    await vi.waitFor(() => expect(events.listenerCount("evaluation")).toBe(19));
    await of.dispose();
    await vi.waitFor(() => expect(events.listenerCount("evaluation")).toBe(0));
    await test.earshot.evaluation.cancel("default", submitted.id);
  });

  it("mask unexpected errors", async () => {
    const id = globalId(await other.run());
    const broken = vi.spyOn(test.earshot.catalog.evaluations, "find").mockRejectedValue(new Error("secret"));
    const results = await all(client(), FOLLOW, { id });
    broken.mockRestore();
    expect(codes(results)).toEqual(["INTERNAL_SERVER_ERROR"]);
    expect(JSON.stringify(results)).not.toContain("secret");
  });

  it("are refused to pages of other origins, unless those are allowed", async () => {
    expect(await ending({ headers: { origin: "https://evil.example.org" } })).toBe(403);
    expect(await ending({ headers: { origin: "null" } })).toBe(403);
    expect(await ending({ headers: { origin: "https://cms.example.org" } })).toBe(1000);
    expect(await ending({ headers: { origin: server.url } })).toBe(1000);
    expect(await ending()).toBe(1000);
  });

  it("have one address", async () => {
    expect(await ending({ path: "/elsewhere" })).toBe(404);
    expect(await ending({ path: "/graphql?from=here" })).toBe(1000);
  });

  it("end at messages that are too large or no messages of the protocol, and before a greeting", async () => {
    const init = JSON.stringify({ type: "connection_init", payload: { filler: "x".repeat(3_000) } });
    expect(await ending({ messages: [init] })).toBe(1009);
    expect(await ending({ messages: ["{}"] })).toBe(4400);
    const subscribe = { id: "1", type: "subscribe", payload: { query: FOLLOW } };
    expect(await ending({ messages: [JSON.stringify(subscribe)] })).toBe(4401);
  });

  it("leave clients alone that would rather speak HTTP/2", async () => {
    const body = JSON.stringify({ query: "{ evaluations { totalCount } }" });
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(server.port, "127.0.0.1", () => {
        const head = ["POST /graphql HTTP/1.1", `Host: localhost:${server.port}`, "Content-Type: application/json"];
        head.push("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA");
        head.push(`Content-Length: ${body.length}`, "", body.slice(0, 9));
        socket.write(head.join("\r\n"), () => socket.write(body.slice(9)));
      });
      let text = "";
      socket.on("data", (data) => {
        text += data.toString();
        if (text.endsWith("}\n") || text.endsWith("}")) socket.end();
      });
      socket.on("close", () => resolve(text));
      socket.on("error", reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer).toContain('"totalCount"');
  });

  it("end with the server, at once and with a reason", async () => {
    const own = await startServer(test.earshot, { port: 0 });
    const submitted = await other.submit();
    const closed = vi.fn();
    const of = client({ url: `${own.url.replace("http", "ws")}/graphql`, on: { closed } });
    const stream = of.iterate({ query: FOLLOW, variables: { id: globalId(submitted) } });
    await stream.next();
    const next = stream.next().catch((event: unknown) => event);
    await own.close();
    await next;
    expect(closed.mock.calls[0]?.[0]).toMatchObject({ code: 1001 });
    expect(test.earshot.evaluation.events.listenerCount("evaluation")).toBe(0);
    await test.earshot.evaluation.cancel("default", submitted.id);
  });
});
