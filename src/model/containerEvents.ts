import type { EngineEvent } from '../../engine/api/docker/event.ts';

/** What an event means for the list of containers. */
export type ContainerEffect = { readonly kind: 'none' } | { readonly kind: 'remove'; readonly id: string } | { readonly kind: 'look'; readonly id: string };

/** After these a container's row may be different from before. */
const changing = new Set(['create', 'start', 'restart', 'die', 'stop', 'kill', 'pause', 'unpause', 'rename', 'update', 'oom', 'commit']);

/** Pure: what to do with a store of containers when this happened. Events of processes in containers mean nothing to it. */
export function effectOf(event: EngineEvent): ContainerEffect {
  if (event.Type !== 'container') return { kind: 'none' };
  const id = event.Actor.ID;
  if (event.Action === 'destroy') return { kind: 'remove', id };
  return changing.has(event.Action) ? { kind: 'look', id } : { kind: 'none' };
}
