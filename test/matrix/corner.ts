import { once } from 'node:events';
import { mkdir, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { mountBind, unmount } from '../../engine/host/mounts.ts';
import { start } from '../../engine/host/process.ts';
import { rootlesskitArguments } from '../../engine/host/rootless/rootlesskit.ts';
import { baseTar, enginesTar, systemdTar } from '../support/base.ts';
import { bundle } from '../support/engine.ts';
import { OrdinaryUser } from '../support/ordinaryUser.ts';

// Runs test files of the behaviour suite in one corner of the matrix. Usage: corner.ts root|rootless crun|runc <arguments of mocha…>
// Each corner has names of its own in the kernel, and a network namespace of its own: corners can run at once, and beside other tests.

const repository = resolve(import.meta.dirname, '../..');
const [who = '', runtime = '', ...args] = process.argv.slice(2);
if (!['root', 'rootless'].includes(who) || !['crun', 'runc'].includes(runtime)) throw new Error('usage: corner.ts root|rootless crun|runc <arguments of mocha…>');
const prefixes: Readonly<Record<string, string>> = { 'root crun': 'w', 'root runc': 'x', 'rootless crun': 'y', 'rootless runc': 'z' };
const prefix = prefixes[`${who} ${runtime}`] ?? '';
const settings = { BERTH_RUNTIME: runtime, BERTH_TEST_PREFIX: prefix };

function mocha(node: string, clone: string): string[] {
  return [node, '--disable-warning=ExperimentalWarning', join(clone, 'node_modules/mocha/bin/mocha.js'), '--no-config', '--exit', ...args];
}

async function statusOf(command: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<number> {
  const [program = '', ...rest] = command;
  const child = start(program, rest, { cwd, stdio: 'inherit', env });
  process.once('SIGTERM', () => child.kill('SIGTERM'));
  const [status] = (await once(child, 'exit')) as [number | null];
  return status ?? 1;
}

/** In a network namespace with its loopback up. */
function asRoot(): Promise<number> {
  return statusOf(['unshare', '--net', '--', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...mocha(process.execPath, repository)], repository, { ...process.env, ...settings });
}

/** As an ordinary user, in namespaces as that user's engine has them. */
async function asOrdinaryUser(): Promise<number> {
  const user = await OrdinaryUser.create(`rtlmtx${prefix}`, { bundle, subIds: true });
  // A clone may be where only root gets: here the user finds it.
  const clone = join(user.root, 'clone');
  await mkdir(clone);
  await mountBind(repository, clone);
  try {
    const inside = ['sh', '-c', 'rm -f /run/netns /run/xtables.lock && exec "$@"', 'sh', ...mocha(join(user.root, 'bin/node'), clone)];
    const command = ['setpriv', '--reuid', user.name, '--regid', user.name, '--init-groups', '--', 'rootlesskit', ...rootlesskitArguments(join(user.root, 'work/kit')), ...inside];
    return await statusOf(command, clone, { ...user.env, ...settings, TMPDIR: join(user.root, 'work') });
  } finally {
    await unmount(clone);
    await rmdir(clone);
    await user.remove();
  }
}

// The user may not write where they are kept, and what is run in a network namespace of its own has no way to Debian's packages.
await baseTar();
if (args.some((path) => path.includes('/nested.'))) await enginesTar();
if (args.some((path) => path.includes('/systemd.'))) await systemdTar();
process.exitCode = await (who === 'root' ? asRoot() : asOrdinaryUser());
