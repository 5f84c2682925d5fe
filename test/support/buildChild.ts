import { BuildWorld } from './buildWorld.ts';

// A process of its own that builds, so that a test can kill it: `buildChild.ts <root> <instance> <context>`. Prints the events.
const [root = '', instance = '', context = ''] = process.argv.slice(2);
const world = await BuildWorld.open(root, instance);
await world.service.build({ context: { kind: 'directory', path: context } }, { signal: new AbortController().signal, report: () => undefined, onEvent: (event) => void process.stdout.write(`${JSON.stringify(event)}\n`) });
