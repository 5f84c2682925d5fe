import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { removeTempFiles, writeFileAtomic } from '../base/atomicFile.ts';
import { defineError, systemCode } from '../base/errors.ts';
import { waitForProcessLock } from '../base/processLock.ts';

export const noSuchHost = defineError<{ name: string; known: string }>('NO_SUCH_HOST', 404, (p) => `There is no host called ${p.name}. ${p.known === '' ? 'Add one: berth host add ssh://user@host' : `There are: ${p.known}`}`);
export const hostExists = defineError<{ name: string; url: string }>('HOST_EXISTS', 409, (p) => `There is a host called ${p.name} already (${p.url}). Choose another by --name, or remove that one: berth host rm ${p.name}`);
export const invalidHostName = defineError<{ name: string }>('INVALID_HOST_NAME', 400, (p) => `"${p.name}" is no name for a host: use up to 32 letters, digits, ., - and _, beginning with a letter or digit, and not "local"`);
export const hostsUnreadable = defineError<{ path: string; detail: string }>('HOSTS_UNREADABLE', 500, (p) => `The list of hosts in ${p.path} cannot be read: ${p.detail}. Correct the file, or remove it and add the hosts again`);
export const hostsBusy = defineError<{ path: string; lock: string }>('HOSTS_BUSY', 503, (p) => `The list of hosts in ${p.path} is being changed by another process, which does not come to an end. Try again; if no berth is at work, remove ${p.lock}`);

/** Longer than many at once take. */
const PATIENCE_MS = 30_000;

/** The name of this machine's own engine, wherever a host is named. */
export const localHost = 'local';

const hostSchema = z.looseObject({
  name: z.string(),
  /** As the user gave it: `ssh://user@host:port`, or an alias of ssh_config. */
  url: z.string(),
  /** `auto`: the built-in SSH, and the system's `ssh` where that cannot. */
  transport: z.enum(['auto', 'ssh2', 'system']),
  /** Where Berth is on the host; absent: .berth in the user's home. */
  dir: z.string().optional(),
  /** Everything there is done as root, by sudo. */
  sudo: z.boolean().optional(),
});
export type Host = z.infer<typeof hostSchema>;
export const transports = hostSchema.shape.transport.options;

const fileSchema = z.looseObject({ version: z.literal(1), default: z.string().optional(), hosts: z.array(hostSchema) });
type HostFile = z.infer<typeof fileSchema>;

/** The user's hosts, in one file (0600) that is replaced whole, by one process after the other. What a later version put into it is kept. */
export class HostList {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async list(): Promise<readonly Host[]> {
    return (await this.#read()).hosts;
  }

  /** The host that is meant when none is named; `undefined`: this machine. */
  async default(): Promise<string | undefined> {
    return (await this.#read()).default;
  }

  /** Throws NO_SUCH_HOST. */
  async find(name: string): Promise<Host> {
    return findIn(await this.#read(), name);
  }

  /** Throws HOST_EXISTS, INVALID_HOST_NAME. */
  async add(host: Host): Promise<void> {
    checkHostName(host.name);
    await this.#change((file) => {
      const known = file.hosts.find(({ name }) => name === host.name);
      if (known) throw hostExists({ name: known.name, url: known.url });
      return { ...file, hosts: [...file.hosts, host] };
    });
  }

  /** Throws NO_SUCH_HOST. */
  async remove(name: string): Promise<void> {
    await this.#change((file) => {
      findIn(file, name);
      const { default: chosen, ...rest } = file;
      return { ...rest, ...(chosen === undefined || chosen === name ? {} : { default: chosen }), hosts: file.hosts.filter((host) => host.name !== name) };
    });
  }

  /** Makes a host the one that is meant when none is named; `local`: this machine again. Throws NO_SUCH_HOST. */
  async use(name: string): Promise<void> {
    await this.#change((file) => {
      const { default: _former, ...rest } = file;
      if (name !== localHost) findIn(file, name);
      return name === localHost ? rest : { ...rest, default: name };
    });
  }

  async #read(): Promise<HostFile> {
    let text: string;
    try {
      text = await readFile(this.path, 'utf8');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return { version: 1, hosts: [] };
      throw hostsUnreadable({ path: this.path, detail: systemCode(error) ?? String(error) }, { cause: error });
    }
    try {
      return fileSchema.parse(JSON.parse(text));
    } catch (error) {
      throw hostsUnreadable({ path: this.path, detail: error instanceof z.ZodError ? z.prettifyError(error) : String(error) }, { cause: error });
    }
  }

  /** Reads, changes and writes while nobody else does. Throws what `change` throws, and then changes nothing. */
  async #change(change: (file: HostFile) => HostFile): Promise<void> {
    const lockFile = `${this.path}.lock`;
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
      const lock = await waitForProcessLock(lockFile, end - Date.now());
      if (!lock) break;
      try {
        const changed = change(await this.#read());
        if (!(await lock.holds())) continue; // this process was stopped for so long that it was taken for gone
        await removeTempFiles(dirname(this.path), basename(this.path)); // of one that was killed
        return await writeFileAtomic(this.path, `${JSON.stringify(changed, null, 2)}\n`);
      } finally {
        await lock.release();
      }
    }
    throw hostsBusy({ path: this.path, lock: lockFile });
  }
}

function findIn(file: HostFile, name: string): Host {
  const host = file.hosts.find((one) => one.name === name);
  if (!host) throw noSuchHost({ name, known: file.hosts.map((one) => one.name).join(', ') });
  return host;
}

/** Names become file names, names of pipes and parts of ssh aliases. Throws INVALID_HOST_NAME. */
export function checkHostName(name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/.test(name) || name === localHost || name.endsWith('.ctl')) throw invalidHostName({ name });
}

/** A name for a host that was given none: the first label of its name, or its address. */
export function nameFromUrl(url: string): string {
  const authority = url.replace(/^[a-z0-9+.-]+:\/\//i, '').replace(/^.*@/, '').replace(/\/.*$/, '');
  const address = /^\[([^\]]*)\]/.exec(authority)?.[1] ?? authority.replace(/:\d+$/, '');
  const label = /^[\d.]+$/.test(address) || address.includes(':') ? address : (address.split('.')[0] ?? '');
  return label.replaceAll(/[^A-Za-z0-9_-]/g, '-').replace(/^[^A-Za-z0-9]+/, '').slice(0, 32);
}
