/**
 * Who asks: tenant and rights, from the host's own context value.
 *
 * The host's context is not changed. The viewer of an operation is made on first use and kept beside
 * the context value, so that data loaders live exactly as long as the operation.
 */
import { randomUUID } from "node:crypto";
import { ForbiddenError } from "../errors.js";
import { createLoaders, type Loaders, type LoaderSources } from "./loaders.js";

/**
 * What a caller may do: `search` videos, `read` videos, jobs and model packs, `ingest` and delete videos, and, as an
 * `evaluator`, run evaluations and read them. Reading evaluations takes that right, too: their queries and hits show
 * the captions of data sets. An `operator` looks after the indexes, which hold the videos of all tenants.
 */
export type Right = "search" | "read" | "ingest" | "evaluator" | "operator";

/** Rights within a tenant. */
const TENANT_RIGHTS: readonly Right[] = ["search", "read", "ingest", "evaluator"];

/** Every right there is. */
export const ALL_RIGHTS: readonly Right[] = [...TENANT_RIGHTS, "operator"];

/** Tenant of everyone when the host tells nothing. */
export const DEFAULT_TENANT = "default";

/** What a host tells of the caller; everything left out has its default. */
export interface ViewerOptions {
  /**
   * Whose videos are seen and written.
   * @default "default"
   */
  tenant?: string;
  /**
   * What the caller may do.
   * @default every right but `operator`, which reaches beyond the tenant and has to be given by name
   */
  rights?: readonly Right[];
  /**
   * Id of the request, repeated in masked errors and in the log.
   * @default `requestId` of the context value when that is a text, else a random UUID
   */
  requestId?: string;
}

/**
 * Tells the tenant and the rights of a caller from the host's context value. Called once per
 * operation. Throw a GraphQLError to refuse the caller altogether.
 */
export type ViewerHook = (hostContext: unknown) => ViewerOptions | Promise<ViewerOptions>;

/** The caller of one operation. */
export interface Viewer {
  readonly tenant: string;
  readonly rights: ReadonlySet<Right>;
  readonly requestId: string;
  readonly loaders: Loaders;
}

/** Finds the viewer of a context value. */
export type ViewerOf = (hostContext: unknown) => Promise<Viewer>;

/** Makes the function that finds the viewer of an operation; one for each schema. */
export function createViewerOf(sources: LoaderSources, hook?: ViewerHook): ViewerOf {
  const viewers = new WeakMap<object, Promise<Viewer>>();
  const create = async (hostContext: unknown): Promise<Viewer> => {
    const options = hook === undefined ? {} : await hook(hostContext);
    const tenant = options.tenant ?? DEFAULT_TENANT;
    return {
      tenant,
      rights: new Set(options.rights ?? (hook === undefined ? ALL_RIGHTS : TENANT_RIGHTS)),
      requestId: options.requestId ?? ownRequestId(hostContext) ?? randomUUID(),
      loaders: createLoaders(sources, tenant),
    };
  };
  return (hostContext) => {
    // Without a context object there is nothing an operation could be recognised by.
    if (typeof hostContext !== "object" || hostContext === null) return create(hostContext);
    let viewer = viewers.get(hostContext);
    if (viewer === undefined) {
      viewer = create(hostContext);
      viewers.set(hostContext, viewer);
    }
    return viewer;
  };
}

function ownRequestId(hostContext: unknown): string | undefined {
  const id = (hostContext as { requestId?: unknown } | null | undefined)?.requestId;
  return typeof id === "string" ? id : undefined;
}

/**
 * Guards a query or mutation: callers without the right get FORBIDDEN.
 *
 * @throws ForbiddenError
 */
export function checkRight(viewer: Viewer, right: Right): void {
  if (!viewer.rights.has(right)) {
    throw new ForbiddenError(`This needs the right "${right}", which the caller does not have.`);
  }
}
