import { sameOwner } from '../host/userNamespace.ts';
import type { Owner } from '../host/userNamespace.ts';

interface Claim {
  readonly keepId: Owner | undefined;
  readonly container: string;
  readonly released: Promise<void>;
}

/**
 * Which volumes are wanted with which ids by containers that start: not yet among those that run, they have what is in the volume mounted, or are about to.
 * Those with the same ids go together; others wait for them. Whoever takes several takes them in the order of their names, so that nobody waits in a ring.
 */
export class IdClaims {
  readonly #claims = new Map<string, Set<Claim>>();

  /** Waits for those with other ids. Returns what lets go of it. */
  async take(volume: string, keepId: Owner | undefined, container: string): Promise<() => void> {
    for (let others = this.#others(volume, keepId); others.length > 0; others = this.#others(volume, keepId)) await Promise.all(others.map(({ released }) => released));
    const { promise: released, resolve } = Promise.withResolvers<void>();
    const claim: Claim = { keepId, container, released };
    const claims = this.#claims.get(volume) ?? new Set();
    this.#claims.set(volume, claims.add(claim));
    return () => {
      claims.delete(claim);
      if (claims.size === 0 && this.#claims.get(volume) === claims) this.#claims.delete(volume);
      resolve();
    };
  }

  /** Containers that start with this volume. */
  holders(volume: string): string[] {
    return [...(this.#claims.get(volume) ?? [])].map(({ container }) => container);
  }

  #others(volume: string, keepId: Owner | undefined): Claim[] {
    return [...(this.#claims.get(volume) ?? [])].filter((claim) => !sameOwner(claim.keepId, keepId));
  }
}
