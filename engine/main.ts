import { realpathSync } from 'node:fs';
import * as modules from 'node:module';
import { handOver } from './cli/pinnedNode.ts';
import { describeError } from './cli/program.ts';
import { runCli } from './mainCli.ts';
import { sshReach } from './mainRemote.ts';

async function begin(): Promise<void> {
  // A link in a folder of PATH leads here: what belongs to the bundle is beside the file itself.
  const script = realpathSync(process.argv[1] ?? '');
  const handed = await handOver(script, process.argv.slice(2));
  if (handed !== undefined) process.exit(handed);
  modules.enableCompileCache();
  await runCli(script, process.argv.slice(2), sshReach(script, process.env));
}

void begin().catch((error: unknown) => {
  process.stderr.write(`berth: ${describeError(error)}\n`);
  process.exit(1);
});
