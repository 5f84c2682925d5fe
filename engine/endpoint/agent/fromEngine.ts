import type { AgentOptions, RelayRequest } from './messages.ts';

/*
 * What the agent hears comes from the engine that started it, by schemas that the compiler holds the engine to. Zod would take longer to load than
 * all the rest of the agent: a look at the fields that matter must do.
 */

export function readOptions(text: string): AgentOptions {
  const value: unknown = JSON.parse(text);
  if (!isOptions(value)) throw new Error('the agent is started by the engine only');
  return value;
}

export function readRequest(message: unknown): RelayRequest {
  if (!isRequest(message)) throw new Error('not a request of the engine');
  return message;
}

function isOptions(value: unknown): value is AgentOptions {
  return isObject(value) && ['uid', 'gid'].every((key) => typeof value[key] === 'number') && ['mode', 'cwd', 'home'].every((key) => typeof value[key] === 'string') && ['groups', 'args'].every((key) => Array.isArray(value[key]));
}

function isRequest(value: unknown): value is RelayRequest {
  return isObject(value) && typeof value['kind'] === 'string' && typeof value['id'] === 'number';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
