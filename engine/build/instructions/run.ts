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
  readonly devices: readonly DeviceFlag[];
  /** A document that names its own interpreter: it is the command. */
  readonly script?: { readonly name: string; readonly content: string };
}

/** `--device=vendor.com/class=name[,required]`. */
export interface DeviceFlag {
  readonly name: string;
  readonly required: boolean;
  readonly token: Token;
}

const SCRIPTS = '/dev/pipes';
const DEVICE = /^[a-z0-9][\w.-]*\/[\w.-]+(=[\w.:-]+)?$/i;

export function parseRun(at: Statement): RunInstruction {
  const flags = readFlags(at, { network: 'value', security: 'value', mount: 'value', device: 'value' });
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
    devices: flags.all.flatMap(({ name, value }) => (name === 'device' && value ? [parseDevice(at, value)] : [])),
    ...(script ? { script } : {}),
    ...(security?.text === 'insecure' ? { insecure: security } : {}),
    ...(network?.text === 'default' || network?.text === 'none' || network?.text === 'host' ? { network: network.text } : {}),
  };
}

function parseDevice(at: Statement, token: Token): DeviceFlag {
  const fields = token.text.split(',');
  const name = (fields.find((field) => field !== 'required' && !field.startsWith('required=')) ?? '').replace(/^name=/, '');
  if (!DEVICE.test(name)) at.fail(`invalid device "${token.text}": expected vendor.com/class=name, and ",required" if need be`, token);
  return { name, required: fields.includes('required') || fields.includes('required=true'), token };
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
  if (node.devices[0] && !stage.scope.allowsDevices) at.fail('RUN --device is not allowed by this build: berth build --allow device', node.devices[0].token);
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
    ...(stage.scope.settings ? { settings: stage.scope.settings } : {}),
    mounts: [...mounts, ...own],
    insecure: node.insecure !== undefined,
    ...(foreign ? { platform: foreign } : {}),
    ...(node.devices.length > 0 ? { devices: node.devices.map(({ name, required }) => ({ name, required })) } : {}),
  };
  stage.step(at, shown, op, { mounts: sources.map((source) => source?.step) });
}

function withContext(mount: RunMount, context: string | undefined): RunMount {
  return context !== undefined && (mount.kind === 'bind' || mount.kind === 'cache') ? { ...mount, context } : mount;
}
