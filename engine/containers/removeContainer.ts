import type { Container } from './container.ts';
import { isRunning, removalInProgress } from './errors.ts';
import type { ContainerParts } from './parts.ts';
import type { Remover } from './removal.ts';
import type { Stopper } from './stopping.ts';

interface RemovalWish {
  /** End it first. */
  readonly force?: boolean;
  /** Its anonymous volumes too. */
  readonly volumes?: boolean;
}

/** Others may start a container each time it was ended: how often it is ended again. */
const TRIES = 3;

/** Removes a container that its user wants gone. What runs is never removed: a start that is under way is waited for, then ended too. Throws CONTAINER_RUNNING, REMOVAL_IN_PROGRESS. */
export async function removeContainer(locks: ContainerParts['locks'], stopper: Stopper, remover: Remover, container: Container, { force = false, volumes = false }: RemovalWish): Promise<void> {
  if (container.state.status === 'removing') throw removalInProgress({ id: container.id });
  for (let tries = 0; tries < (force ? TRIES : 1); tries++) {
    if (force && (container.running || locks.busy(container.id))) await stopper.end(container);
    const removed = await locks.run(container.id, async () => {
      if (!container.running) await remover.removeLocked(container, { volumes });
      return !container.running;
    });
    if (removed) return;
  }
  throw isRunning({ id: `/${container.record.name}`, what: 'remove' });
}
