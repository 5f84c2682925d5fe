import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AgentLauncher } from './agentProcess.ts';

/** How to run the agent with this engine's own Node: a bundle beside the engine's, or, run from source, its own file. */
export function agentLauncher(engineScript: string): AgentLauncher {
  const script = realpathSync(engineScript);
  const agent = script.endsWith('.ts') ? 'endpoint/agent/main.ts' : 'endpoint-agent.cjs';
  return { program: process.execPath, args: ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1', join(dirname(script), agent)] };
}
