import type { ParsedKey } from 'ssh2';
import { listAgentKeys, signWithAgent } from './agentKeys.ts';
import type { AgentKey } from './agentKeys.ts';
import type { HostConfig } from './hostConfig.ts';
import { readKeyFile, unlockKeyFile } from './keyFiles.ts';
import type { KeyFile, ParseKey } from './keyFiles.ts';

/** Asks for the passphrase of a key file; undefined: nobody knows it. */
export type AskPassphrase = (keyFile: string) => Promise<string | undefined>;

/** A key that can be offered to a server. */
export interface Identity {
  readonly key: ParsedKey;
  /** For people. */
  readonly label: string;
  /** The private key, where it lies open: a signature then costs nothing and can go with the offer. */
  readonly open: ParsedKey | undefined;
  /** Throws when the agent declines or the passphrase is not given. */
  sign(data: Buffer, hash: string | undefined, signal: AbortSignal): Promise<Buffer>;
}

export interface Identities {
  /** In the order in which they are to be offered. */
  readonly keys: readonly Identity[];
  /** Key files that only a passphrase makes into keys. */
  readonly sealed: readonly string[];
  /** What was found and cannot be offered here, for people. */
  readonly unusable: readonly string[];
  /** Whether OpenSSH's own client could use some of that. */
  readonly systemCouldMore: boolean;
}

/**
 * What a person has to show to a host, ordered as OpenSSH does: keys of the agent that are also named by IdentityFile, other keys of the agent
 * (not with IdentitiesOnly), then files.
 */
export async function collectIdentities(config: HostConfig, parseKey: ParseKey, ask: AskPassphrase): Promise<Identities> {
  const agent = config.identityAgent;
  const [found, agentKeys] = await Promise.all([
    Promise.all(config.identityFiles.map((file) => readKeyFile(file, parseKey))),
    agent === undefined ? [] : listAgentKeys(agent).catch((): AgentKey[] => []), // an agent that is not there has no keys
  ]);
  const files = found.flat();
  const inAgent = agentKeys.flatMap((held) => {
    const key = oneKey(parseKey(held.blob));
    return key && agent !== undefined ? [agentIdentity(agent, held, key)] : [];
  });
  const named = files.flatMap((file) => inAgent.filter((identity) => sameKey(publicOf(file), identity.key)));
  const others = config.identitiesOnly ? [] : inAgent.filter((identity) => !named.includes(identity));
  const own = files.filter((file) => !named.some((identity) => sameKey(publicOf(file), identity.key)));
  const strange = config.identitiesOnly ? [] : agentKeys.filter((held) => /^sk-|-cert-/.test(held.type));
  return {
    keys: [...named, ...others, ...own.flatMap((file) => fileIdentity(file, parseKey, ask))],
    sealed: own.flatMap((file) => (file.kind === 'sealed' ? [file.file] : [])),
    unusable: [...own.flatMap((file) => (file.kind === 'unusable' ? [`${file.file} (${file.why})`] : [])), ...strange.map((held) => `${held.comment} of the agent (${held.type})`)],
    systemCouldMore: strange.length > 0 || own.some((file) => file.kind === 'unusable' && file.system),
  };
}

function agentIdentity(agent: string, held: AgentKey, key: ParsedKey): Identity {
  return { key, label: `${held.comment || held.type} of the agent`, open: undefined, sign: (data, hash, signal) => signWithAgent(agent, held.blob, data, hash, signal) };
}

function fileIdentity(file: KeyFile, parseKey: ParseKey, ask: AskPassphrase): Identity[] {
  if (file.kind === 'ready') return [{ key: file.key, label: file.file, open: file.key, sign: (data, hash) => Promise.resolve(signed(file.key, data, hash)) }];
  if (file.kind !== 'locked') return [];
  const sign = async (data: Buffer, hash: string | undefined): Promise<Buffer> => {
    const key = await unlock(file.file, parseKey, ask);
    if (!key) throw new Error(`the passphrase of ${file.file} was not given`);
    return signed(key, data, hash);
  };
  return [{ key: file.publicKey, label: file.file, open: undefined, sign }];
}

/** Asks up to three times, as ssh does. */
export async function unlock(file: string, parseKey: ParseKey, ask: AskPassphrase): Promise<ParsedKey | undefined> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const passphrase = await ask(file);
    if (passphrase === undefined || passphrase === '') return undefined;
    const key = await unlockKeyFile(file, passphrase, parseKey);
    if (key) return key;
  }
  return undefined;
}

/** ssh2 returns its errors where its types promise a signature. */
export function signed(key: ParsedKey, data: Buffer, hash: string | undefined): Buffer {
  const signature: Buffer | Error = key.sign(data, hash);
  if (signature instanceof Error) throw signature;
  return signature;
}

function publicOf(file: KeyFile): ParsedKey | undefined {
  return file.kind === 'ready' ? file.key : file.kind === 'locked' || file.kind === 'public' ? file.publicKey : undefined;
}

function sameKey(one: ParsedKey | undefined, other: ParsedKey): boolean {
  return one !== undefined && one.getPublicSSH().equals(other.getPublicSSH());
}

function oneKey(result: ReturnType<ParseKey>): ParsedKey | undefined {
  return result instanceof Error || !('getPublicSSH' in result) ? undefined : result;
}
