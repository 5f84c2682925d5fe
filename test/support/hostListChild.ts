import { HostList } from '../../engine/remote/hosts.ts';

/** Adds hosts to a list, one after the other, and prints each that is in it. Arguments: the list's file, and the beginning of the names. */
const [path = '', prefix = ''] = process.argv.slice(2);
const hosts = new HostList(path);
for (let index = 0; index < 25; index += 1) {
  const name = `${prefix}${index}`;
  await hosts.add({ name, url: `ssh://${name}.example`, transport: 'auto' });
  process.stdout.write(`${name}\n`);
}
