import { baseTar } from './base.ts';
import { TestEngine } from './engine.ts';

// A test run that is going to be killed: an engine with a network, a port and a container that goes on. Usage: killedRunChild.ts <instance>; says its folder when all is there.
const engine = await TestEngine.start({ instance: process.argv[2] ?? '' });
await engine.docker(['import', await baseTar(), 'debian:bookworm']);
await engine.docker(['network', 'create', 'mine']);
await engine.docker(['run', '-d', '--network', 'mine', '-p', '127.0.0.1:0:80', '--restart', 'always', 'debian:bookworm', 'sleep', 'infinity']);
process.stdout.write(`${engine.root}\n`);
setInterval(() => undefined, 60_000);
