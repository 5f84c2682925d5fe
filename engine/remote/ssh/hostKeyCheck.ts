import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { defineError } from '../../base/errors.ts';
import type { Ask } from '../connection.ts';
import type { SshEnvironment } from './environment.ts';
import type { HostConfig } from './hostConfig.ts';
import { fingerprintOf, hasCertificateAuthority, judgeHostKey, keyTypeOf, knownHostLine, knownKeyTypes, knownName, parseKnownHosts } from './knownHosts.ts';
import type { KnownHost } from './knownHosts.ts';

export const hostKeyChanged = defineError<{ host: string; file: string; line: number; keyType: string; fingerprint: string }>(
  'HOST_KEY_CHANGED',
  403,
  (p) => `The key of ${p.host} is not the one in ${p.file}:${p.line}. Someone may be listening in, or the host was set up anew. Its key now: ${p.keyType} ${p.fingerprint}. Compare it with what the host's administrator says; only then remove that line and connect again`,
);
export const hostKeyRevoked = defineError<{ host: string; file: string; line: number; fingerprint: string }>('HOST_KEY_REVOKED', 403, (p) => `${p.host} showed the key ${p.fingerprint}, which ${p.file}:${p.line} declares revoked. Do not connect before its administrator has replaced it`);
export const hostKeyUnknown = defineError<{ host: string; keyType: string; fingerprint: string; reason: string }>(
  'HOST_KEY_UNKNOWN',
  403,
  (p) => `The key of ${p.host} is not known here: ${p.keyType} ${p.fingerprint}. ${p.reason}. Add it to known_hosts (by ssh to that host, once) or answer yes when asked`,
);

/** Checks the keys of one host against known_hosts, asks about an unknown one, and remembers what was accepted. */
export class HostKeyCheck {
  readonly #config: HostConfig;
  readonly #lines: readonly KnownHost[];
  readonly #name: string;

  private constructor(config: HostConfig, lines: readonly KnownHost[]) {
    this.#config = config;
    this.#lines = lines;
    this.#name = config.hostKeyAlias?.toLowerCase() ?? knownName(config.hostName, config.port);
  }

  static async load(config: HostConfig, environment: SshEnvironment): Promise<HostKeyCheck> {
    const files = [...config.userKnownHostsFiles, ...config.globalKnownHostsFiles];
    const lines = await Promise.all(files.map(async (file) => parseKnownHosts((await environment.readFile(file)) ?? '', file)));
    return new HostKeyCheck(config, lines.flat());
  }

  get hasCertificateAuthority(): boolean {
    return hasCertificateAuthority(this.#lines, this.#name);
  }

  /** Types of key to ask the host for first. */
  get knownTypes(): readonly string[] {
    return knownKeyTypes(this.#lines, this.#name);
  }

  /** Returns when the key may be trusted. Throws HOST_KEY_CHANGED, HOST_KEY_REVOKED, HOST_KEY_UNKNOWN. */
  async check(key: Buffer, ask: Ask, signal: AbortSignal): Promise<void> {
    const fingerprint = fingerprintOf(key);
    const verdict = judgeHostKey(this.#lines, this.#name, key);
    if (verdict.kind === 'known') return;
    if (verdict.kind === 'revoked') throw hostKeyRevoked({ host: this.#name, file: verdict.by.file, line: verdict.by.line, fingerprint });
    if (verdict.kind === 'changed') throw hostKeyChanged({ host: this.#name, file: verdict.by.file, line: verdict.by.line, keyType: keyTypeOf(key), fingerprint });
    if (this.#knownWithoutPort(key)) return;
    await this.#decide(key, fingerprint, ask, signal);
    await this.#remember(key);
  }

  /** As OpenSSH: a key known for the host on port 22 is good on its other ports. */
  #knownWithoutPort(key: Buffer): boolean {
    const { hostName, hostKeyAlias } = this.#config;
    return hostKeyAlias === undefined && judgeHostKey(this.#lines, hostName.toLowerCase(), key).kind === 'known';
  }

  async #decide(key: Buffer, fingerprint: string, ask: Ask, signal: AbortSignal): Promise<void> {
    const { strictHostKeyChecking: strict, batchMode } = this.#config;
    if (strict === 'no' || strict === 'accept-new') return;
    const refuse = (reason: string): never => {
      throw hostKeyUnknown({ host: this.#name, keyType: keyTypeOf(key), fingerprint, reason });
    };
    if (strict === 'yes') refuse('StrictHostKeyChecking is yes, so nobody was asked');
    if (batchMode) refuse('BatchMode is yes, so nobody was asked');
    const answers = await ask({ kind: 'host-key', host: this.#name, keyType: keyTypeOf(key), fingerprint }, signal);
    if (answers === undefined) refuse('It was not accepted');
    const answer = answers?.[0]?.trim() ?? '';
    // As with OpenSSH, the fingerprint itself is a yes.
    if (!/^(yes|y)$/i.test(answer) && answer !== fingerprint) refuse('It was not accepted');
  }

  /** One write to the end of the first file: beside other clients that append at the same time no line is lost or mixed. */
  async #remember(key: Buffer): Promise<void> {
    const path = this.#config.userKnownHostsFiles[0];
    if (path === undefined || path === '/dev/null' || path.toLowerCase() === 'nul') return;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, 'a+', 0o600);
    try {
      const { size } = await file.stat();
      const last = size === 0 ? '\n' : (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer.toString();
      await file.appendFile(`${last === '\n' ? '' : '\n'}${knownHostLine(this.#name, key, this.#config.hashKnownHosts)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}
