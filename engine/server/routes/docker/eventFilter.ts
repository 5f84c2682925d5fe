import { z } from 'zod';
import { badRequest } from '../../../base/errors.ts';
import type { BusEvent } from '../../../base/eventBus.ts';

/** Docker sends filters as `{"type":["container"]}` or, from old clients, `{"type":{"container":true}}`. */
const filtersSchema = z.record(z.string(), z.union([z.array(z.string()), z.record(z.string(), z.boolean())]));

/** A test for `GET /events?filters=…`: values of one key are alternatives, keys add up. */
export function eventMatcher(text: string | null): (event: BusEvent) => boolean {
  const tests = Object.entries(parseFilters(text)).map(([key, values]) => keyTest(key, values));
  return (event) => tests.every((test) => test(event));
}

/** Filters of a query as lists; throws BAD_REQUEST. */
export function parseFilters(text: string | null): Record<string, string[]> {
  if (text === null || text === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badRequest({ what: 'filters', detail: 'not valid JSON' }, { cause: error });
  }
  const parsed = filtersSchema.safeParse(value);
  if (!parsed.success) throw badRequest({ what: 'filters', detail: 'expected an object of lists, such as {"type":["container"]}' });
  return Object.fromEntries(Object.entries(parsed.data).map(([key, list]) => [key, Array.isArray(list) ? list : Object.keys(list).filter((name) => list[name])]));
}

function keyTest(key: string, values: readonly string[]): (event: BusEvent) => boolean {
  switch (key) {
    case 'type':
      return (event) => values.includes(event.type);
    case 'event':
      return (event) => values.some((value) => event.action === value || event.action.startsWith(`${value}:`));
    case 'container':
    case 'image':
    case 'network':
    case 'volume':
      return (event) => values.some((value) => isSubject(event, key, value));
    case 'label':
      return (event) => values.every((value) => hasLabel(event, value));
    case 'scope':
      return () => values.includes('local'); // no event of ours is a swarm's
    case 'daemon':
      return (event) => values.some((value) => isSubject(event, key, value));
    case 'plugin':
    case 'service':
    case 'node':
    case 'secret':
    case 'config':
      return () => false; // Docker has them, and there are none here
    default:
      throw badRequest({ what: 'filters', detail: `unknown filter "${key}"` });
  }
}

function isSubject(event: BusEvent, kind: string, value: string): boolean {
  if (event.type === kind) return event.id === value || (value.length >= 4 && event.id.startsWith(value)) || event.attributes['name'] === value;
  return kind === 'image' && event.type === 'container' && event.attributes['image'] === value;
}

function hasLabel(event: BusEvent, label: string): boolean {
  const split = label.indexOf('=');
  return split < 0 ? label in event.attributes : event.attributes[label.slice(0, split)] === label.slice(split + 1);
}

/** The wire form of an event; the top-level `status`, `id` and `from` are what older clients read. */
export function toDockerEvent(event: BusEvent): object {
  const legacy = event.type === 'container' || event.type === 'image' ? { status: event.action, id: event.id, ...(event.attributes['image'] ? { from: event.attributes['image'] } : {}) } : {};
  return {
    ...legacy,
    Type: event.type,
    Action: event.action,
    Actor: { ID: event.id, Attributes: event.attributes },
    scope: 'local',
    time: Math.floor(event.time / 1000),
    timeNano: Math.round(event.time * 1000) * 1000,
  };
}
