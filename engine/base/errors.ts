/**
 * The one table of coded errors. Every error a user can meet has a stable code, an HTTP status, parameters from which
 * clients make localised words, and an English message that names what was wrong, where, and what to do.
 */

export type ErrorParams = Readonly<Record<string, string | number | boolean | undefined>>;

/** An error from the table. `code` is stable across versions; `params` are plain values, never secrets. */
export class BerthError extends Error {
  override readonly name = 'BerthError';
  readonly code: string;
  readonly status: number;
  readonly params: ErrorParams;

  constructor(code: string, status: number, message: string, params: ErrorParams, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = status;
    this.params = params;
  }
}

/** A constructor of one kind of error, with `.is` to recognise it. */
export interface ErrorKind<P extends ErrorParams> {
  (params: P, options?: ErrorOptions): BerthError;
  readonly code: string;
  is(error: unknown): error is BerthError;
}

/** Defines one row of the table: code, HTTP status, and the English message made from the parameters. */
export function defineError<P extends ErrorParams>(code: string, status: number, message: (params: P) => string): ErrorKind<P> {
  const make = (params: P, options?: ErrorOptions): BerthError => new BerthError(code, status, message(params), params, options);
  const is = (error: unknown): error is BerthError => error instanceof BerthError && error.code === code;
  return Object.assign(make, { code, is });
}

export const badRequest = defineError<{ what: string; detail: string }>('BAD_REQUEST', 400, (p) => `${p.what}: ${p.detail}`);
export const invalidJson = defineError<{ where: string; detail: string }>('INVALID_JSON', 400, (p) => `${p.where} is not valid JSON: ${p.detail}`);
export const notFound = defineError<{ kind: string; id: string }>('NOT_FOUND', 404, (p) => `No such ${p.kind}: ${p.id}`);
export const routeNotFound = defineError<{ method: string; path: string }>('ROUTE_NOT_FOUND', 404, (p) => `page not found: ${p.method} ${p.path}`);
export const apiVersionUnsupported = defineError<{ version: string; min: string; max: string }>('API_VERSION_UNSUPPORTED', 400, (p) => `client version ${p.version} is not supported. This engine speaks API ${p.min} to ${p.max}`);
export const conflict = defineError<{ what: string; detail: string }>('CONFLICT', 409, (p) => `Conflict. ${p.what}: ${p.detail}`);
export const nameInUse = defineError<{ kind: string; name: string; by: string }>('NAME_IN_USE', 409, (p) => `Conflict. The ${p.kind} name "/${p.name}" is already in use by ${p.kind} "${p.by}". Remove (or rename) that ${p.kind} to reuse the name.`);
export const notImplemented = defineError<{ what: string }>('NOT_IMPLEMENTED', 501, (p) => `${p.what} is not supported by this version of Berth`);
export const hostToolMissing = defineError<{ tool: string; hint: string }>('HOST_TOOL_MISSING', 500, (p) => `${p.tool} was not found on this host. ${p.hint}`);
export const hostCommandFailed = defineError<{ command: string; status: number; stderr: string }>('HOST_COMMAND_FAILED', 500, (p) => `${p.command} failed with status ${p.status}: ${p.stderr}`);
export const diskFull = defineError<{ path: string }>('DISK_FULL', 507, (p) => `No space left on device while writing ${p.path}. Free some disk space (berth images, berth rmi) and try again; nothing was changed.`);
export const cancelled = defineError<{ what: string }>('CANCELLED', 499, (p) => `${p.what} was cancelled`);
export const internalError = defineError<{ detail: string }>('INTERNAL', 500, (p) => `Internal error: ${p.detail}. See berth engine logs`);

/** The system error code (`ENOENT`, `ENOSPC`, …) of an error or of what caused it. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code)) return error.code;
  return systemCode(error.cause);
}

/** Whether there was no room on a disk, said by the system or by a program of the host. */
export function isFull(error: unknown): boolean {
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT' || diskFull.is(error)) return true;
  if (!(error instanceof Error)) return false;
  return (error instanceof BerthError && /No space left on device|Disk quota exceeded/.test(error.message)) || isFull(error.cause);
}

/** Any thrown value as a row of the table: full disks and missing permission keep their meaning, the rest is INTERNAL. */
export function asBerthError(error: unknown): BerthError {
  if (error instanceof BerthError) return hostCommandFailed.is(error) && isFull(error) ? diskFull({ path: 'the data folder' }, { cause: error }) : error;
  const path = error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : 'the data folder';
  if (isFull(error)) return diskFull({ path }, { cause: error });
  if (error instanceof Error && error.name === 'AbortError') return cancelled({ what: 'The operation' }, { cause: error });
  return internalError({ detail: error instanceof Error ? error.message : String(error) }, { cause: error });
}
