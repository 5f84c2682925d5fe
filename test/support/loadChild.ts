import { ImageWorld } from './imageWorld.ts';

/** `node loadChild.ts <data root> <archive>`: loads an archive, to be killed while it does. */
const [root = '', archive = ''] = process.argv.slice(2);
const world = await ImageWorld.on(root);
await world.load(archive);
