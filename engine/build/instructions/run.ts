import { argv, readCommand } from '../dockerfile/command.ts';
import type { Command } from '../dockerfile/command.ts';
import { flagValue, readFlags } from '../dockerfile/flags.ts';
import type { Statement } from '../dockerfile/statement.ts';
import type { BuildNetwork } from '../plan/graph.ts';
import type { StageState } from '../plan/stageState.ts';

export interface RunInstruction {
  readonly kind: 'run';
  readonly at: Statement;
  readonly command: Command;
  /** Overrides the build's network. */
  readonly network?: BuildNetwork;
}

export function parseRun(at: Statement): RunInstruction {
  const flags = readFlags(at, { network: 'value', security: 'value', mount: 'unsupported', device: 'unsupported' });
  const security = flagValue(flags, 'security');
  if (security && security.text !== 'sandbox') at.unsupported(`RUN --security=${security.text}`, security);
  if (flags.end >= at.source.text.length) return at.fail('RUN requires a command');
  const network = flagValue(flags, 'network');
  const command = readCommand(at, flags.end);
  const base = { kind: 'run' as const, at, command: command.form === 'shell' ? { ...command, text: withDocuments(at, command.text) } : command };
  if (!network) return base;
  if (network.text !== 'default' && network.text !== 'none' && network.text !== 'host') return at.fail(`unsupported network mode "${network.text}": it must be default, none or host`, network);
  return { ...base, network: network.text };
}

/** Documents go to the shell as they are; a command that is nothing but a document is that document. */
function withDocuments(at: Statement, text: string): string {
  const [first] = at.heredocs;
  if (!first) return text;
  if (text === first.marker.text) {
    if (first.content.startsWith('#!')) return at.unsupported('RUN with a document that names its own interpreter', first.marker);
    return first.content;
  }
  return `${text}\n${at.heredocs.map((document) => `${document.content}${document.name}\n`).join('')}`;
}

export function applyRun(node: RunInstruction, stage: StageState): void {
  const args = argv(node.command, stage.shell);
  const scope = [...stage.args].filter(([name]) => !stage.env.has(name)).map(([name, value]) => `${name}=${value}`);
  const shown = `RUN ${scope.length > 0 ? `|${scope.length} ${scope.join(' ')} ` : ''}${args.join(' ')}`;
  stage.step(node.at, shown, {
    kind: 'run',
    args,
    env: [...stage.environment(), ...scope],
    hiddenEnv: stage.scope.proxies(),
    cwd: stage.config.WorkingDir || '/',
    user: stage.config.User ?? '',
    network: node.network ?? stage.scope.network,
  });
}
