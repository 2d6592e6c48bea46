import { parse, subscribe, type ExecutionResult, type GraphQLSchema } from "graphql";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { toGlobalId } from "../../../src/graphql/ids.js";
import { ALL_RIGHTS, type ViewerOptions } from "../../../src/graphql/viewer.js";
import { openTestEarshot, type AnyData, type TestEarshot } from "../../fixtures/earshot.js";
import { OtherProcess } from "../../fixtures/stored-evaluations.js";

const DOCUMENT = parse(`
  subscription ($id: ID!) { evaluationProgress(id: $id) { id state stage progress attempts metrics { direction } } }
`);

describe("evaluationProgress", () => {
  let test: TestEarshot;
  let other: OtherProcess;
  const follow = (id: string, viewer: ViewerOptions = {}, schema: GraphQLSchema = test.earshot.schema) =>
    subscribe({ schema, document: DOCUMENT, variableValues: { id }, contextValue: { hostUser: viewer } });
  /** The stream of a subscription that began. */
  const begun = async (id: string, viewer: ViewerOptions = {}) => {
    const stream = await follow(id, viewer);
    if (!(Symbol.asyncIterator in stream)) throw new Error(JSON.stringify(stream));
    return {
      next: async () => {
        const { value, done } = await stream.next();
        return done === true ? "end" : shown(value);
      },
      end: () => stream.return(),
    };
  };
  const shown = ({ data, errors }: ExecutionResult<AnyData>): AnyData => {
    if (errors !== undefined) return { codes: errors.map(({ extensions }) => extensions["code"]) };
    return data!["evaluationProgress"] as AnyData;
  };
  const refusal = async (id: string, viewer: ViewerOptions = {}) => {
    const refused = await follow(id, viewer);
    if (!("errors" in refused)) throw new Error("the subscription began");
    return refused.errors.map(({ extensions }) => extensions["code"]);
  };
  const globalId = ({ id }: { id: string }): string => toGlobalId("Evaluation", id);
  const listeners = () => test.earshot.evaluation.events.listenerCount("evaluation");

  beforeAll(async () => {
    test = await openTestEarshot({
      evaluation: { pollSeconds: 0.05 },
      context: (context) => (context as { hostUser: ViewerOptions }).hostUser,
    });
    other = new OtherProcess(test);
  });
  afterAll(() => test.end());

  it("tells the present state at once, then what another process does, and ends with the final state", async () => {
    const submitted = await other.submit();
    const { next } = await begun(globalId(submitted));
    expect(await next()).toMatchObject({ id: globalId(submitted), state: "PENDING", stage: "QUEUED", progress: 0 });
    const taken = await other.take();
    expect(await next()).toMatchObject({ state: "RUNNING", stage: "QUEUED", attempts: 1 });
    await other.report(taken.id, { stage: "ENCODING_CLIPS", progress: 0.4 });
    expect(await next()).toMatchObject({ state: "RUNNING", stage: "ENCODING_CLIPS", progress: 0.4, metrics: null });
    await other.complete(taken);
    expect(await next()).toMatchObject({ state: "COMPLETED", progress: 1, metrics: [{ direction: "T2A" }] });
    expect(await next()).toBe("end");
    expect(listeners()).toBe(0);
  });

  it("tells what this process does as it happens, and never goes back to what the row says", async () => {
    const submitted = await other.submit();
    const { next } = await begun(globalId(submitted));
    await next();
    const running = await other.take();
    await next();
    const { events } = test.earshot.evaluation;
    events.emit("evaluation", { ...running, stage: "ENCODING_CLIPS", progress: 0.25 });
    expect(await next()).toMatchObject({ stage: "ENCODING_CLIPS", progress: 0.25 });
    // The row still says 0.1: progress is written less often than it is told.
    await other.report(running.id, { stage: "ENCODING_CLIPS", progress: 0.1 });
    const last = next();
    await test.earshot.evaluation.cancel("default", running.id);
    expect(await last).toMatchObject({ state: "CANCELLED", progress: 0.1 });
    expect(await next()).toBe("end");
  });

  it("of an evaluation that has ended is its state alone", async () => {
    const { next } = await begun(globalId(await other.run()));
    expect(await next()).toMatchObject({ state: "COMPLETED" });
    expect(await next()).toBe("end");
  });

  it("can be left at any time, also while nothing happens", async () => {
    const submitted = await other.submit();
    const unread = await begun(globalId(submitted));
    await unread.end();
    expect(await unread.next()).toBe("end");
    const waiting = await begun(globalId(submitted));
    await waiting.next();
    const never = waiting.next();
    await waiting.end();
    expect(await never).toBe("end");
    expect(listeners()).toBe(0);
    await test.earshot.evaluation.cancel("default", submitted.id);
  });

  it("ends with a masked error when the database fails", async () => {
    const submitted = await other.submit();
    const { next } = await begun(globalId(submitted));
    await next();
    const broken = vi.spyOn(test.earshot.catalog.evaluations, "find").mockRejectedValue(new Error("secret"));
    expect(await next()).toEqual({ codes: ["INTERNAL_SERVER_ERROR"] });
    broken.mockRestore();
    expect(await next()).toBe("end");
    expect(listeners()).toBe(0);
    await test.earshot.evaluation.cancel("default", submitted.id);
  });

  it("is refused with the codes of queries", async () => {
    const id = globalId(await other.run({ tenant: "red" }));
    expect(await refusal(id, { tenant: "blue" })).toEqual(["EVALUATION_NOT_FOUND"]);
    expect(await refusal("made up")).toEqual(["INVALID_ID"]);
    const others = ALL_RIGHTS.filter((right) => right !== "evaluator");
    expect(await refusal(id, { tenant: "red", rights: others })).toEqual(["FORBIDDEN"]);
    expect(await refusal(id, { tenant: "red", rights: ["evaluator"] }).catch(String)).toContain("began");
  });
});
