import { argv, readCommand } from '../dockerfile/command.ts';
import type { Command } from '../dockerfile/command.ts';
import { flagValue, readFlags } from '../dockerfile/flags.ts';
import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import type { BuildNetwork, RunMount } from '../plan/graph.ts';
import type { StageState } from '../plan/stageState.ts';
import { parseMount, resolveMount } from './runMount.ts';
import type { MountFlag } from './runMount.ts';

export interface RunInstruction {
  readonly kind: 'run';
  readonly at: Statement;
  readonly command: Command;
  /** Overrides the build's network. */
  readonly network?: BuildNetwork;
  readonly mounts: readonly MountFlag[];
  /** Asked for with `--security=insecure`. */
  readonly insecure?: Token;
  /** A document that names its own interpreter: it is the command. */
  readonly script?: { readonly name: string; readonly content: string };
}

const SCRIPTS = '/dev/pipes';

export function parseRun(at: Statement): RunInstruction {
  const flags = readFlags(at, { network: 'value', security: 'value', mount: 'value', device: 'unsupported' });
  const security = flagValue(flags, 'security');
  if (security && security.text !== 'sandbox' && security.text !== 'insecure') return at.fail(`security "${security.text}" is not valid: it must be sandbox or insecure`, security);
  if (flags.end >= at.source.text.length) return at.fail('RUN requires a command');
  const network = flagValue(flags, 'network');
  if (network && network.text !== 'default' && network.text !== 'none' && network.text !== 'host') return at.fail(`unsupported network mode "${network.text}": it must be default, none or host`, network);
  const command = readCommand(at, flags.end);
  const script = command.form === 'shell' ? scriptOf(at, command.text) : undefined;
  return {
    kind: 'run',
    at,
    command: command.form === 'shell' && !script ? { ...command, text: withDocuments(at, command.text) } : command,
    mounts: flags.all.filter(({ name }) => name === 'mount').map((flag) => parseMount(at, flag)),
    ...(script ? { script } : {}),
    ...(security?.text === 'insecure' ? { insecure: security } : {}),
    ...(network?.text === 'default' || network?.text === 'none' || network?.text === 'host' ? { network: network.text } : {}),
  };
}

function scriptOf(at: Statement, text: string): RunInstruction['script'] {
  const [first] = at.heredocs;
  return first && text === first.marker.text && first.content.startsWith('#!') ? { name: first.name, content: first.content } : undefined;
}

/** Documents go to the shell as they are; a command that is nothing but a document is that document. */
function withDocuments(at: Statement, text: string): string {
  const [first] = at.heredocs;
  if (!first) return text;
  if (text === first.marker.text) return first.content;
  return `${text}\n${at.heredocs.map((document) => `${document.content}${document.name}\n`).join('')}`;
}

export function applyRun(node: RunInstruction, stage: StageState): void {
  const { at, script } = node;
  const own: RunMount[] = script ? [{ kind: 'script', target: `${SCRIPTS}/${script.name}`, content: script.content }] : [];
  const args = script ? [...stage.shell, `${SCRIPTS}/${script.name}`] : argv(node.command, stage.shell);
  const scope = [...stage.args].filter(([name]) => !stage.env.has(name)).map(([name, value]) => `${name}=${value}`);
  const shown = `RUN ${scope.length > 0 ? `|${scope.length} ${scope.join(' ')} ` : ''}${script ? `<<${script.name}` : args.join(' ')}`;
  if (node.insecure && !stage.scope.allowsInsecure) at.fail('RUN --security=insecure is not allowed by this build: berth build --allow security.insecure', node.insecure);
  const sshAgents = node.mounts.filter(({ type }) => type === 'ssh');
  const sources = node.mounts.map(({ from }) => (from ? stage.scope.copySource(from, at, stage.index) : undefined));
  const mounts = node.mounts.map((flag, index) => withContext(resolveMount(at, flag, stage, sshAgents.indexOf(flag)), sources[index]?.context));
  const foreign = stage.scope.foreign(stage.platform);
  const op = {
    kind: 'run' as const,
    args,
    env: [...stage.environment(), ...scope],
    hiddenEnv: stage.scope.ambient(),
    cwd: stage.config.WorkingDir || '/',
    user: stage.config.User ?? '',
    network: node.network ?? stage.scope.network,
    mounts: [...mounts, ...own],
    insecure: node.insecure !== undefined,
    ...(foreign ? { platform: foreign } : {}),
  };
  stage.step(at, shown, op, { mounts: sources.map((source) => source?.step) });
}

function withContext(mount: RunMount, context: string | undefined): RunMount {
  return context !== undefined && (mount.kind === 'bind' || mount.kind === 'cache') ? { ...mount, context } : mount;
}
