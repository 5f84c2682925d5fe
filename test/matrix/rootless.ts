import { once } from 'node:events';
import { mkdir, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { rootlesskitArguments } from '../../engine/host/rootless/rootlesskit.ts';
import { mountBind, unmount } from '../../engine/host/mounts.ts';
import { start } from '../../engine/host/process.ts';
import { baseTar } from '../support/base.ts';
import { bundle } from '../support/engine.ts';
import { OrdinaryUser } from '../support/ordinaryUser.ts';

// Runs test files as an ordinary user, in namespaces as that user's engine has them. Usage: rootless.ts <user name> <arguments of mocha…>

const repository = resolve(import.meta.dirname, '../..');
const [name = 'rtlmtx', ...args] = process.argv.slice(2);

await baseTar();
const user = await OrdinaryUser.create(name, { bundle, subIds: true });
// A clone may be where only root gets: here the user finds it.
const clone = join(user.root, 'clone');
await mkdir(clone);
await mountBind(repository, clone);
try {
  const mocha = [join(user.root, 'bin/node'), '--disable-warning=ExperimentalWarning', join(clone, 'node_modules/mocha/bin/mocha.js'), '--no-config', ...args];
  const inside = ['rootlesskit', ...rootlesskitArguments(join(user.root, 'work/kit')), 'sh', '-c', 'rm -f /run/netns /run/xtables.lock && exec "$@"', 'sh', ...mocha];
  const child = start('setpriv', ['--reuid', user.name, '--regid', user.name, '--init-groups', '--', ...inside], { cwd: clone, stdio: 'inherit', env: { ...user.env, TMPDIR: join(user.root, 'work'), ...(process.env['BERTH_RUNTIME'] ? { BERTH_RUNTIME: process.env['BERTH_RUNTIME'] } : {}) } });
  const [status] = (await once(child, 'exit')) as [number | null];
  process.exitCode = status ?? 1;
} finally {
  await unmount(clone);
  await rmdir(clone);
  await user.remove();
}
