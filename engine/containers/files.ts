import type { Writable } from 'node:stream';
import { announce } from './attributes.ts';
import { listChanges } from './changes.ts';
import type { Change } from './changes.ts';
import { commitContainer } from './committing.ts';
import type { CommitRequest } from './committing.ts';
import { exportContainer } from './exporting.ts';
import type { ContainerParts } from './parts.ts';
import { withImageView, withRootfs } from './rootfsView.ts';

/** What became of a container's files, and what can be made of them. */
export class ContainerFiles {
  readonly #parts: ContainerParts;

  constructor(parts: ContainerParts) {
    this.#parts = parts;
  }

  /** What a container changed of its image's files, sorted by path. */
  async changes(ref: string): Promise<readonly Change[]> {
    const container = this.#parts.store.find(ref);
    const found: Change[] = [];
    await withRootfs(this.#parts, container, (after) =>
      withImageView(this.#parts, container, async (before) => {
        for await (const change of listChanges({ upper: container.paths.upper, before, after })) found.push(change);
      }),
    );
    return found;
  }

  /** Writes a container's root filesystem as a tar. */
  async export(ref: string, begin: () => Writable, signal: AbortSignal): Promise<void> {
    const container = this.#parts.store.find(ref);
    await exportContainer(this.#parts, container, begin, signal);
    announce(this.#parts.events, container, 'export');
  }

  /** Makes an image of a container's files. Throws INVALID_CHANGE, INVALID_REFERENCE. */
  async commit(ref: string, request: CommitRequest): Promise<{ readonly id: string }> {
    const container = this.#parts.store.find(ref);
    const image = await commitContainer(this.#parts, container, request);
    announce(this.#parts.events, container, 'commit', { comment: request.comment, imageID: image.id, imageRef: request.name });
    return image;
  }
}
