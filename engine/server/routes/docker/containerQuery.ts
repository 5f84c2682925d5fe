import { badRequest } from '../../../base/errors.ts';
import type { RequestContext } from '../../route.ts';

/** Docker's query parameters: absent, empty, `0` and `false` are no; everything else is yes. */
export function flagOf({ query }: Pick<RequestContext, 'query'>, name: string, otherwise = false): boolean {
  const value = query.get(name);
  if (value === null) return otherwise;
  return !['', '0', 'no', 'false', 'none'].includes(value.toLowerCase());
}

/** A whole number; `undefined` when absent or empty. Throws BAD_REQUEST. */
export function numberOf({ query }: Pick<RequestContext, 'query'>, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^-?\d+$/.test(value)) throw badRequest({ what: name, detail: `"${value}" is not a number` });
  return Number(value);
}

/** Unix seconds, with a fraction if any, or RFC 3339, as milliseconds; `undefined` when absent, empty or 0. */
export function timeOf({ query }: Pick<RequestContext, 'query'>, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '' || value === '0') return undefined;
  const time = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value);
  if (Number.isNaN(time)) throw badRequest({ what: name, detail: `"${value}" is neither Unix seconds nor an RFC 3339 time` });
  return time;
}

/** The path parameter `id`: an id, the beginning of one, or a name. */
export function refOf({ params }: Pick<RequestContext, 'params'>): string {
  return params['id'] ?? '';
}

/** The size of a terminal: `h` rows, `w` columns. */
export function sizeOf(context: Pick<RequestContext, 'query'>): { readonly rows: number; readonly columns: number } {
  return { rows: numberOf(context, 'h') ?? 0, columns: numberOf(context, 'w') ?? 0 };
}

/** The content type of a connection that was taken over. */
export function streamType(tty: boolean): string {
  return tty ? 'application/vnd.docker.raw-stream' : 'application/vnd.docker.multiplexed-stream';
}
