import { describeError } from './cli/program.ts';
import { runCli } from './mainCli.ts';
import { sshReach } from './mainRemote.ts';

/** `berth …`, once it is known which Node runs it: in a bundle of its own, which main.ts loads when compiled code is kept. */
export async function runCommand(script: string, argv: readonly string[]): Promise<void> {
  try {
    await runCli(script, argv, sshReach(script, process.env));
  } catch (error) {
    process.stderr.write(`berth: ${describeError(error)}\n`);
    process.exit(1);
  }
}
