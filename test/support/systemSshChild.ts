// Connects by the system's ssh and stays: for a test that kills it.
import { connectToHost } from '../../engine/remote/ssh/connect.ts';

const [target = '', home = ''] = process.argv.slice(2);
await connectToHost(target, { transport: 'system', home, configFile: `${home}/.ssh/config`, ask: () => Promise.resolve(undefined) });
process.stdout.write('connected\n');
setInterval(() => undefined, 60_000);
