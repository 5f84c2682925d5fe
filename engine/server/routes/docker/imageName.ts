import { routeNotFound } from '../../../base/errors.ts';
import type { RequestContext } from '../../route.ts';

/** Names of images contain slashes, so the router gives the rest of the path: the name, and the last part if it is one of `actions`. Throws ROUTE_NOT_FOUND. */
export function splitImagePath<A extends string>({ method, path, params }: Pick<RequestContext, 'method' | 'path' | 'params'>, actions: readonly A[]): { name: string; action: A } {
  const rest = params['*'] ?? '';
  const action = actions.find((one) => rest.endsWith(`/${one}`) && rest.length > one.length + 1);
  if (action === undefined) throw routeNotFound({ method, path });
  return { name: rest.slice(0, -action.length - 1), action };
}
