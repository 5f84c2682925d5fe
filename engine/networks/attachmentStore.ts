import { renameSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { removeTempFiles } from '../base/atomicFile.ts';
import { shortRandom } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { readJsonFile } from '../state/jsonFile.ts';

const legSchema = z.object({
  networkId: z.string(),
  networkName: z.string(),
  endpointId: z.string(),
  veth: z.string(),
  device: z.string(),
  ip: z.string(),
  prefix: z.number(),
  gateway: z.string(),
  ip6: z.string().default(''),
  prefix6: z.number().default(0),
  gateway6: z.string().default(''),
  mac: z.string(),
  /** What else the container is called in this network. */
  aliases: z.array(z.string()).default([]),
  /** Names by which it alone knows others in this network: `container:alias`. */
  links: z.array(z.string()).default([]),
});

const portSchema = z.object({ protocol: z.enum(['tcp', 'udp']), hostIp: z.string(), hostPort: z.number(), containerPort: z.number() });

const attachmentSchema = z.object({
  containerId: z.string(),
  /** What networks call the container. */
  name: z.string(),
  netns: z.string(),
  hostname: z.string().default(''),
  /** The servers that its names are asked of, instead of the host's. */
  dns: z.array(z.string()).default([]),
  /** The first is the one with the default route. */
  legs: z.array(legSchema),
  ports: z.array(portSchema),
});

export type AttachedLeg = z.infer<typeof legSchema>;
export type Attachment = z.infer<typeof attachmentSchema>;

/**
 * Which container has which namespace: `<runRoot>/netns/<containerId>.json`. Written by temp file and rename without fsync: neither
 * these files nor the namespaces outlive the kernel.
 */
export class AttachmentStore {
  readonly #folder: string;
  readonly #log: Log;
  readonly #records = new Map<string, Attachment>();

  constructor(runRoot: string, log: Log) {
    this.#folder = join(runRoot, 'netns');
    this.#log = log;
  }

  async load(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await removeTempFiles(this.#folder);
    for (const file of (await readdir(this.#folder)).filter((name) => name.endsWith('.json'))) {
      const attachment = await readJsonFile(join(this.#folder, file), attachmentSchema, this.#log);
      if (attachment) this.#records.set(attachment.containerId, attachment);
    }
  }

  list(): Attachment[] {
    return [...this.#records.values()];
  }

  get(containerId: string): Attachment | undefined {
    return this.#records.get(containerId);
  }

  save(attachment: Attachment): void {
    this.#records.set(attachment.containerId, attachment);
    const temp = join(this.#folder, `.tmp-${shortRandom(6)}-${attachment.containerId}.json`);
    // Synchronous: a few hundred bytes into the page cache take less than the way through the thread pool, and a start waits for it.
    writeFileSync(temp, JSON.stringify(attachment), { mode: 0o600 });
    renameSync(temp, this.#path(attachment.containerId));
  }

  async remove(containerId: string): Promise<void> {
    await rm(this.#path(containerId), { force: true });
    this.#records.delete(containerId);
  }

  #path(containerId: string): string {
    return join(this.#folder, `${containerId}.json`);
  }
}
