import findMyWay from 'find-my-way';
import { routeNotFound } from '../base/errors.ts';
import type { Handler, Route } from './route.ts';

export interface Match {
  readonly handle: Handler;
  readonly params: Readonly<Record<string, string | undefined>>;
}

/** One table for ordinary and upgrade requests. */
export class Router {
  readonly #table = findMyWay({ ignoreTrailingSlash: true, maxParamLength: 1024 });

  constructor(routes: readonly Route[]) {
    for (const route of routes) this.#table.on(route.method, route.path, () => undefined, route.handle);
  }

  /** The handler of a request; throws ROUTE_NOT_FOUND. HEAD falls back to GET, as Docker's routes do. */
  find(method: string, path: string): Match {
    const found = this.#table.find(method as 'GET', path) ?? (method === 'HEAD' ? this.#table.find('GET', path) : null);
    if (!found) throw routeNotFound({ method, path });
    return { handle: found.store as Handler, params: found.params };
  }
}
