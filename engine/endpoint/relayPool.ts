import type { AgentLauncher } from './agentProcess.ts';
import type { Account, RunningContainer } from './ports.ts';
import { Relay } from './relay.ts';

interface Shared {
  readonly relay: Promise<Relay>;
  readonly containerId: string;
  users: number;
}

/** A relay that somebody uses; release it once. */
export interface Lease {
  readonly relay: Promise<Relay>;
  release(): void;
}

/** One relay for each user of each container, shared by all connections and gone with the last of them. */
export class RelayPool {
  readonly #launcher: AgentLauncher;
  readonly #shared = new Map<string, Shared>();

  constructor(launcher: AgentLauncher) {
    this.#launcher = launcher;
  }

  take(container: RunningContainer, account: Account): Lease {
    const key = [container.id, container.process.pid, container.process.startTime, account.uid, account.gid, account.groups.join(',')].join(' ');
    const shared = this.#shared.get(key) ?? this.#start(key, container, account);
    shared.users += 1;
    let held = true;
    return {
      relay: shared.relay,
      release: () => {
        if (!held) return;
        held = false;
        shared.users -= 1;
        if (shared.users > 0) return;
        if (this.#shared.get(key) === shared) this.#shared.delete(key);
        void shared.relay.then((relay) => relay.close()).catch(() => undefined);
      },
    };
  }

  /** The container has ended: what holds its file system open must go before it is started again. */
  killAll(containerId: string): void {
    for (const [key, shared] of this.#shared) {
      if (shared.containerId !== containerId) continue;
      this.#shared.delete(key);
      void shared.relay.then((relay) => relay.kill()).catch(() => undefined);
    }
  }

  #start(key: string, container: RunningContainer, account: Account): Shared {
    const relay = Relay.start(this.#launcher, container, account);
    const shared: Shared = { relay, containerId: container.id, users: 0 };
    this.#shared.set(key, shared);
    const forget = (): void => void (this.#shared.get(key) === shared && this.#shared.delete(key));
    void relay.then((one) => one.ended.on(forget), forget);
    return shared;
  }
}
