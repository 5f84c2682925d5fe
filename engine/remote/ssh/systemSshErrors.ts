import { defineError } from '../../base/errors.ts';
import { hostKeyChanged, hostKeyRevoked, hostKeyUnknown } from './hostKeyCheck.ts';
import { sshAuthFailed, sshClosedAtOnce, sshHandshakeFailed, sshNameUnknown, sshRefused, sshUnreachable, systemSshMissing } from './sshErrors.ts';

export const systemSshFailed = defineError<{ host: string; detail: string }>('SYSTEM_SSH_FAILED', 502, (p) => `${p.host}: ssh ended: ${p.detail}. Run ssh to that host in a terminal to see more`);

const FINGERPRINT = /SHA256:[A-Za-z0-9+/]+/;

/** The first line of ssh's words that is known, as an error; the order is from the cause to its consequences. */
const kinds: ReadonlyArray<readonly [RegExp, (match: RegExpExecArray, host: string, all: string) => Error]> = [
  [/Could not resolve hostname (\S+?): (.*)/i, (m, host) => sshNameUnknown({ host, name: m[1] ?? '', detail: m[2] ?? '' })],
  [/connect to host (\S+) port (\d+): Connection refused/, (m, host) => sshRefused({ host, address: `${m[1]}:${m[2]}` })],
  [/connect to host (\S+) port (\d+): (.*)/, (m, host) => sshUnreachable({ host, address: `${m[1]}:${m[2]}`, detail: m[3] ?? '' })],
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    (_, host, all) => {
      const at = /Offending (\S+) key in (.+):(\d+)/.exec(all);
      return hostKeyChanged({ host, file: at?.[2] ?? 'known_hosts', line: Number(at?.[3] ?? 0), keyType: at?.[1] ?? '', fingerprint: FINGERPRINT.exec(all)?.[0] ?? '' });
    },
  ],
  [/(?:Offending .*key in|key in) (.+):(\d+)[^]*revoked|REVOKED HOST KEY/, (m, host, all) => hostKeyRevoked({ host, file: m[1] ?? 'known_hosts', line: Number(m[2] ?? 0), fingerprint: FINGERPRINT.exec(all)?.[0] ?? '' })],
  [/Host key verification failed|host key is known for/, (_, host, all) => hostKeyUnknown({ host, keyType: /No (\S+) host key/.exec(all)?.[1] ?? '', fingerprint: FINGERPRINT.exec(all)?.[0] ?? '', reason: 'It was not accepted' })],
  [/Too many authentication failures/, (m, host) => sshAuthFailed({ host, tried: 'what the agent and ~/.ssh/config offer', allowed: 'unknown', hint: `${m[0]}: name the right key by IdentityFile in ~/.ssh/config and set IdentitiesOnly yes` })],
  [/Permission denied \(([^)]*)\)/, (m, host) => sshAuthFailed({ host, tried: 'what the agent and ~/.ssh/config offer', allowed: (m[1] ?? '').replaceAll(',', ', '), hint: 'Check the user, and that the key is in ~/.ssh/authorized_keys there, or the password' })],
  [/Unable to negotiate with .*/, (m, host) => sshHandshakeFailed({ host, detail: m[0] })],
  [/(?:kex_exchange_identification: |banner exchange: ).*/, (m, host) => sshClosedAtOnce({ host, said: m[0] })],
];

/** Why the system's ssh did not connect, from what it printed. */
export function systemSshError(host: string, said: string, status: number | undefined): Error {
  if (status === 127) return systemSshMissing({ reason: 'it was not found on PATH' });
  for (const [pattern, make] of kinds) {
    const match = pattern.exec(said);
    if (match) return make(match, host, said);
  }
  return systemSshFailed({ host, detail: said.trim().split('\n').slice(-3).join(' | ') || `status ${status ?? 'unknown'}` });
}
