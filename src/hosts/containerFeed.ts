import type { EngineEvent } from '../../engine/api/docker/event.ts';
import type { EngineClient } from '../client/engineClient.ts';
import { detailsToContainer, toContainer } from '../client/toContainer.ts';
import { effectOf } from '../model/containerEvents.ts';
import type { ContainerStore } from '../model/containerStore.ts';
import { RowRefresher } from './rowRefresher.ts';

export interface FeedListeners {
  /** The store holds what there is. */
  readonly onReady: () => void;
  readonly onEvent: (event: EngineEvent) => void;
  readonly onProblem: (error: unknown) => void;
}

/**
 * Keeps the store as the engine is: opens the event stream, lists once, then looks again at single containers as events
 * name them. Returns when the engine ends the stream; throws when it breaks. Empties the store at the end.
 */
export async function feedContainers(client: EngineClient, store: ContainerStore, listeners: FeedListeners, signal: AbortSignal): Promise<void> {
  const events = await client.events(signal);
  const rows = new RowRefresher((ids) => look(client, store, ids));
  try {
    store.replaceAll((await client.listContainers()).map(toContainer));
    listeners.onReady();
    for await (const event of events) {
      const effect = effectOf(event);
      if (effect.kind === 'remove') store.remove(effect.id);
      if (effect.kind === 'look') void rows.add(effect.id).catch(listeners.onProblem);
      listeners.onEvent(event);
    }
  } finally {
    store.replaceAll([]);
  }
}

/** Inspects instead of listing: Docker's list may still be as it was before the event that brought us here. */
async function look(client: EngineClient, store: ContainerStore, ids: readonly string[]): Promise<void> {
  await Promise.all(
    ids.map(async (id) => {
      const details = await client.containerDetails(id);
      if (details) store.put(detailsToContainer(details));
      else store.remove(id);
    }),
  );
}
