import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { compare } from 'bcryptjs';
import { badRequest } from '../../base/errors.ts';

/** The users of a file that `htpasswd -B` writes. It is read again for each login that is not known yet, so that changes count at once. */
export class Htpasswd {
  readonly #path: string;
  /** Headers that were right, by their digest, with the line that they were checked against. */
  readonly #checked = new Map<string, string>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Throws BAD_REQUEST for a file that cannot be read, or has another kind of hash. */
  async users(): Promise<ReadonlyMap<string, string>> {
    const text = await readFile(this.#path, 'utf8').catch((error: unknown) => {
      throw badRequest({ what: this.#path, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
    });
    const users = new Map<string, string>();
    for (const line of text.split('\n').map((one) => one.trim()).filter((one) => one !== '' && !one.startsWith('#'))) {
      const at = line.indexOf(':');
      const hash = line.slice(at + 1);
      if (at < 1 || !/^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/.test(hash)) throw badRequest({ what: this.#path, detail: `the line of "${line.slice(0, Math.max(0, at))}" has no bcrypt hash. Make it with htpasswd -B` });
      users.set(line.slice(0, at), hash);
    }
    return users;
  }

  /** Whether the value of an Authorization header names a user and their password. */
  async allows(header: string | undefined): Promise<boolean> {
    const encoded = /^Basic\s+([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1];
    if (encoded === undefined) return false;
    const text = Buffer.from(encoded, 'base64').toString('utf8');
    const at = text.indexOf(':');
    const hash = at < 1 ? undefined : (await this.users()).get(text.slice(0, at));
    if (hash === undefined) return false;
    // bcrypt is slow on purpose, and a client logs in with each of its hundred requests.
    const key = createHash('sha256').update(text).digest('hex');
    if (this.#checked.get(key) === hash) return true;
    const right = await compare(text.slice(at + 1), hash.replace(/^\$2y/, '$2b'));
    if (right) this.#checked.set(key, hash);
    return right;
  }
}
