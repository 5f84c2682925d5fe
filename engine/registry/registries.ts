import type { Credentials } from './auth.ts';
import type { Reference } from './reference.ts';
import { RegistryClient } from './registryClient.ts';
import { RegistrySession } from './session.ts';
import type { Action } from './session.ts';
import { readSettings } from './settings.ts';
import type { RegistrySettings } from './settings.ts';

/** Docker Hub's names: what people write, where its registry is, and how Docker's clients key its credentials. */
export const HUB = 'docker.io';
const HUB_REGISTRY = 'registry-1.docker.io';

/** The way to registries, by the settings of this host. They are read anew for each operation: a change needs no restart. */
export class Registries {
  readonly #folders: readonly string[];

  constructor(folders: readonly string[]) {
    this.#folders = folders;
  }

  get settings(): RegistrySettings {
    return readSettings(this.#folders);
  }

  /** For reading a repository. The caller disposes of it. */
  client(reference: Reference, credentials?: Credentials): RegistryClient {
    const { settings } = this;
    const scope = { repository: reference.path, action: 'pull' as const };
    // Credentials are for the registry: a mirror is somebody else.
    const mirrors = settings.mirrorsOf(reference.domain).map((address) => new RegistrySession(new URL(address), settings, scope));
    return new RegistryClient(reference, [...mirrors, this.session(reference.domain, reference.path, 'pull', credentials)]);
  }

  /** Requests to the registry itself. The caller disposes of it. */
  session(domain: string, repository: string, action: Action, credentials?: Credentials): RegistrySession {
    const { settings } = this;
    const host = domain === HUB ? HUB_REGISTRY : domain;
    return new RegistrySession(new URL(`${settings.isPlain(host) ? 'http' : 'https'}://${host}`), settings, { repository, action }, credentials);
  }

  /** Checks credentials. Returns the token to keep in the password's place, if the registry gives one. Throws LOGIN_REFUSED, REGISTRY_*. */
  async login(domain: string, credentials: Credentials, signal: AbortSignal): Promise<string | undefined> {
    using session = this.session(domain, '', 'pull', credentials);
    return await session.login(signal);
  }
}
