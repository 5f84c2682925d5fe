import { ImageWorld } from './imageWorld.ts';

/** `node loadChild.ts <data root> <archive>`: loads an archive, to be killed while it does. */
export const loadChildPath = import.meta.filename;

if (process.argv[1] === loadChildPath) {
  const [root = '', archive = ''] = process.argv.slice(2);
  await (await ImageWorld.on(root)).load(archive);
}
