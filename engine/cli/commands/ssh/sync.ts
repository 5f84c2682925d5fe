import type { SshTarget } from '../../../api/berth/ssh.ts';
import { sshTargetSchema } from '../../../api/berth/ssh.ts';
import type { ApiClient } from '../../../api/client.ts';
import { publicKeyBlob } from '../../../base/sshKey.ts';
import { SshFiles } from './configFiles.ts';
import { replaceSection } from './configText.ts';
import type { HostEntry } from './configText.ts';
import { readSettings } from './settings.ts';
import type { SshSettings } from './settings.ts';
import { aliasOf, listTargets } from './target.ts';

/** How this command can be run again: program and first arguments, absolute. */
export interface OwnCommand {
  readonly words: readonly string[];
  /** The remote host that this command is about. */
  readonly host: string | undefined;
}

export interface SyncedTarget {
  readonly alias: string;
  readonly target: SshTarget;
}

/** Brings our files up to date with what the engine has, and lets our keys log in. Returns every host alias. */
export async function syncSshConfig(client: ApiClient, env: NodeJS.ProcessEnv, own: OwnCommand): Promise<SyncedTarget[]> {
  const files = new SshFiles(env);
  const section = own.host ?? 'local';
  const settings = await readSettings(files);
  const targets = await listTargets(client);
  const synced: SyncedTarget[] = [];
  const entries: HostEntry[] = [];
  for (const found of targets) {
    const alias = aliasOf(found.name, own.host);
    const identityFile = files.key(section, found.id);
    const target = await authorized(client, found, await files.publicKey(identityFile, `berth ${alias}`));
    synced.push({ alias, target });
    entries.push(entryOf(target, alias, { identityFile, knownHostsFile: files.knownHosts(section) }, own, settings));
  }
  await files.write(files.knownHosts(section), synced.map(({ alias, target }) => `${alias} ${target.hostKey}\n`).join(''));
  await files.write(files.config, replaceSection(await files.readConfig(), section, entries));
  await files.setIncluded(true);
  return synced;
}

/** The text of our file as it would be with these targets; writes nothing. */
export async function previewSshConfig(client: ApiClient, env: NodeJS.ProcessEnv, own: OwnCommand): Promise<string> {
  const files = new SshFiles(env);
  const section = own.host ?? 'local';
  const settings = await readSettings(files);
  const entries = (await listTargets(client)).map((one) => entryOf(one, aliasOf(one.name, own.host), { identityFile: files.key(section, one.id), knownHostsFile: files.knownHosts(section) }, own, settings));
  return replaceSection(await files.readConfig(), section, entries);
}

async function authorized(client: ApiClient, target: SshTarget, publicKey: string): Promise<SshTarget> {
  if (target.authorized.includes(publicKeyBlob(publicKey) ?? '')) return target;
  return client.json('POST', '/berth/v1/ssh/authorize', sshTargetSchema, { json: { kind: target.kind, id: target.id, publicKey } });
}

function entryOf(target: SshTarget, alias: string, files: Pick<HostEntry, 'identityFile' | 'knownHostsFile'>, own: OwnCommand, settings: SshSettings): HostEntry {
  const host = own.host === undefined ? [] : ['--host', own.host];
  const switches = [...(settings.up ? [] : ['--no-up']), ...(settings.git ? [] : ['--no-git'])];
  return {
    alias,
    user: target.user,
    ...files,
    proxy: [...own.words, ...host, 'ssh-proxy', ...switches, target.name],
    forwardAgent: settings.forwardAgent,
    ...(settings.gpgSocket === '' ? {} : { remoteSocket: { inside: `/${target.user === 'root' ? 'root' : `home/${target.user}`}/.gnupg/S.gpg-agent`, here: settings.gpgSocket } }),
  };
}
