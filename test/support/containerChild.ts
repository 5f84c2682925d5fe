// Another engine's part: opens a world on given roots, does what stdin's lines say, and answers each with one line of JSON. Killed by its test.
import { createInterface } from 'node:readline';
import { ContainerWorld } from './containerWorld.ts';

const [root = '', instance = ''] = process.argv.slice(2);
const world = await ContainerWorld.open(root, instance);
process.stdout.write('"ready"\n');

for await (const line of createInterface({ input: process.stdin })) {
  const [action = '', ref = '', ...args] = JSON.parse(line) as string[];
  const answer = (value: unknown): boolean => process.stdout.write(`${JSON.stringify(value)}\n`);
  if (action === 'start') answer(await world.start(args, {}, ref));
  else if (action === 'start-rm') answer(await world.start(args, { HostConfig: { AutoRemove: true } }, ref));
  else if (action === 'publish') answer(await world.start(args, { HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '28933' }] } } }, ref));
  else if (action === 'begin') void world.start(args, {}, ref).catch(() => undefined);
  else if (action === 'remove') void world.containers.remove(ref, { force: true }).catch(() => undefined);
}
