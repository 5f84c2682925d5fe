import { z } from 'zod';
import { sshTargetSchema } from '../../../api/berth/ssh.ts';
import type { SshTarget } from '../../../api/berth/ssh.ts';
import type { ApiClient } from '../../../api/client.ts';

/** The ending of host aliases: a name of nobody's on any network. */
const ENDING = 'berth';

/** `<name>.berth`, or `<name>.<host>.berth` for what is on a remote host. Pure. */
export function aliasOf(name: string, host: string | undefined): string {
  return [name, ...(host === undefined ? [] : [host.toLowerCase().replaceAll(/[^a-z0-9.-]+/g, '-')]), ENDING].join('.');
}

export function listTargets(client: ApiClient): Promise<SshTarget[]> {
  return client.json('GET', '/berth/v1/ssh/targets', z.array(sshTargetSchema));
}

/** What a name, an alias or a folder means. Pure. */
export function findTarget(targets: readonly SshTarget[], name: string): SshTarget | undefined {
  const plain = name.toLowerCase().endsWith(`.${ENDING}`) ? (name.toLowerCase().split('.')[0] ?? '') : name;
  return targets.find((one) => one.name === plain) ?? targets.find((one) => one.id === name || one.containerId === name || (one.folder !== '' && one.folder === name));
}

export function noSuchTarget(name: string): Error {
  return Object.assign(new Error(`There is no dev container ${name}. berth ssh-config --print lists what one can connect to; berth up makes one`), { code: 'NO_SUCH_SSH_TARGET', params: { name } });
}
