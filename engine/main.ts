import { realpathSync } from 'node:fs';
import { keepCompiledCode } from './cli/codeCache.ts';
import { handOver } from './cli/pinnedNode.ts';

/** What runs before the program itself is loaded. It is compiled with every start, so it stays small. */
async function begin(): Promise<void> {
  // A link in a folder of PATH leads here: what belongs to the bundle is beside the file itself.
  const script = realpathSync(process.argv[1] ?? '');
  const handed = await handOver(script, process.argv.slice(2));
  if (handed !== undefined) process.exit(handed);
  keepCompiledCode(script, process.env);
  // In dist a file beside this one (webpack.config.js), so that Node can keep its code.
  const { runCommand } = await import('./mainCommand.ts');
  await runCommand(script, process.argv.slice(2));
}

void begin().catch((error: unknown) => {
  process.stderr.write(`berth: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
