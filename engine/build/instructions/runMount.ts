import { posix } from 'node:path';
import { parseBytes } from '../../api/docker/run/quantities.ts';
import type { Flag } from '../dockerfile/flags.ts';
import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import type { RunMount } from '../plan/graph.ts';
import type { StageState } from '../plan/stageState.ts';
import { mountOptions } from './mountOptions.ts';
import type { MountOption } from './mountOptions.ts';

type MountType = Exclude<RunMount['kind'], 'script'>;

/** One `--mount` of a RUN, checked as far as that can be done before variables are known. */
export interface MountFlag {
  readonly token: Token;
  readonly type: MountType;
  readonly options: ReadonlyMap<string, MountOption>;
  /** The stage or image whose files it shows. */
  readonly from?: Token;
}

const TYPES: Readonly<Record<string, readonly string[]>> = {
  bind: ['target', 'source', 'from', 'rw', 'ro'],
  cache: ['target', 'source', 'from', 'id', 'sharing', 'mode', 'uid', 'gid', 'ro', 'rw'],
  tmpfs: ['target', 'size'],
  secret: ['target', 'id', 'source', 'required', 'mode', 'uid', 'gid', 'env'],
  ssh: ['target', 'id', 'required', 'mode', 'uid', 'gid'],
};

export function parseMount(at: Statement, { token, value }: Flag): MountFlag {
  const options = mountOptions(at, value ?? token);
  const type = options.get('type')?.value ?? 'bind';
  const known = TYPES[type];
  if (!known || !isType(type)) return at.fail(`unsupported mount type "${type}": it must be bind, cache, tmpfs, secret or ssh`, options.get('type')?.token ?? token);
  for (const [name, option] of options) {
    if (name !== 'type' && !known.includes(name)) at.fail(`unexpected key '${name}' for a mount of type ${type}`, option.token);
  }
  const from = options.get('from');
  if (from && (from.value === '' || from.value.includes('$'))) at.fail('the from of a mount must be a stage or an image, variables are not replaced here', from.token);
  const sharing = options.get('sharing');
  if (sharing && !['shared', 'private', 'locked'].includes(sharing.value)) at.fail(`unsupported sharing value "${sharing.value}": it must be shared, private or locked`, sharing.token);
  return { token, type, options, ...(from ? { from: { ...from.token, text: from.value } } : {}) };
}

function isType(text: string): text is MountType {
  return Object.hasOwn(TYPES, text);
}

/** What a mount is in a stage: variables replaced, paths absolute, defaults filled in. */
export function resolveMount(at: Statement, flag: MountFlag, stage: StageState, number: number): RunMount {
  const { options, token } = flag;
  const text = (name: string): string | undefined => {
    const option = options.get(name);
    return option && at.expand({ ...option.token, text: option.value }, stage.lookup);
  };
  const owner = { mode: octal(at, options.get('mode'), text('mode')), uid: whole(at, options.get('uid'), text('uid')), gid: whole(at, options.get('gid'), text('gid')) };
  const target = text('target');
  const absolute = (path: string): string => posix.resolve('/', stage.config.WorkingDir || '/', path);
  const required = isOn(options.get('required'));
  switch (flag.type) {
    case 'secret':
      return secret({ id: text('id') ?? text('source'), target: target === undefined ? undefined : absolute(target), env: text('env'), required, ...owner, at, token });
    case 'ssh':
      return { kind: 'ssh', id: text('id') ?? 'default', target: target === undefined ? `/run/buildkit/ssh_agent.${number}` : absolute(target), required };
    case 'tmpfs':
      return { kind: 'tmpfs', target: place(at, token, target, absolute), ...(options.has('size') ? { size: parseBytes(text('size') ?? '') ?? at.fail(`invalid size "${text('size') ?? ''}"`, options.get('size')?.token) } : {}) };
    case 'cache': {
      const where = place(at, token, target, absolute);
      const sharing = options.get('sharing')?.value ?? 'shared';
      return { kind: 'cache', target: where, id: text('id') ?? where, source: text('source') ?? '', writable: !isOn(options.get('ro')), sharing: sharing === 'private' || sharing === 'locked' ? sharing : 'shared', mode: owner.mode ?? 0o755, uid: owner.uid ?? 0, gid: owner.gid ?? 0 };
    }
    case 'bind':
      return { kind: 'bind', target: place(at, token, target, absolute), source: text('source') ?? '', writable: isOn(options.get('rw')) };
  }
}

function secret(p: { id: string | undefined; target: string | undefined; env: string | undefined; required: boolean; mode: number | undefined; uid: number | undefined; gid: number | undefined; at: Statement; token: Token }): RunMount {
  const id = p.id ?? (p.target === undefined ? undefined : posix.basename(p.target));
  if (id === undefined || id === '') return p.at.fail('a secret needs an id or a target', p.token);
  const target = p.target ?? (p.env === undefined ? `/run/secrets/${posix.basename(id)}` : undefined);
  return { kind: 'secret', id, required: p.required, mode: p.mode ?? 0o400, uid: p.uid ?? 0, gid: p.gid ?? 0, ...(target === undefined ? {} : { target }), ...(p.env === undefined ? {} : { env: p.env }) };
}

function place(at: Statement, token: Token, target: string | undefined, absolute: (path: string) => string): string {
  if (target === undefined || target === '') return at.fail('a mount needs a target', token);
  const path = absolute(target);
  return path === '/' ? at.fail('a mount cannot have the root as its target', token) : path;
}

function isOn(option: MountOption | undefined): boolean {
  return option !== undefined && option.value !== 'false' && option.value !== '0';
}

function octal(at: Statement, option: MountOption | undefined, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^[0-7]{1,5}$/.test(text) ? Number.parseInt(text, 8) : at.fail(`invalid mode "${text}": it must be octal`, option?.token);
}

function whole(at: Statement, option: MountOption | undefined, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^\d{1,10}$/.test(text) ? Number(text) : at.fail(`invalid id "${text}": it must be a number`, option?.token);
}
