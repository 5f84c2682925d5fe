import { quietContext } from '../../engine/base/context.ts';
import { ImageWorld } from './imageWorld.ts';

/** `node pullChild.ts <data root> <image>`: pulls an image, to be killed while it does. Says on stdout when it begins. */
export const pullChildPath = import.meta.filename;

if (process.argv[1] === pullChildPath) {
  const [root = '', image = ''] = process.argv.slice(2);
  const world = await ImageWorld.on(root);
  process.stdout.write('pulling\n');
  await world.images.pull(image, {}, quietContext);
}
