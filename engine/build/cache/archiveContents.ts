const MOST = 64;

/**
 * What the last archives were found to hold, by their digest: a client that sends the same context again has it neither
 * unpacked nor digested a second time. In memory: it spares work and decides nothing.
 */
export class ArchiveContents {
  readonly #known = new Map<string, Map<string, string>>();

  /** Operation → digest of what it copies, for one archive; empty for a new one. The longest unused is forgotten first. */
  of(archive: string): Map<string, string> {
    const contents = this.#known.get(archive) ?? new Map<string, string>();
    this.#known.delete(archive);
    this.#known.set(archive, contents);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
    return contents;
  }
}
