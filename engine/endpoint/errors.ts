import { defineError } from '../base/errors.ts';

export const noSuchTarget = defineError<{ name: string }>('NO_SUCH_SSH_TARGET', 404, (p) => `There is no dev container ${p.name} to connect to. Make it with: berth up; berth ssh-config --print lists what there is`);
export const invalidPublicKey = defineError<Record<string, never>>('INVALID_PUBLIC_KEY', 400, () => 'publicKey is not an ed25519 public key (ssh-ed25519 AAAA…)');
export const upgradeRequired = defineError<{ path: string }>('UPGRADE_REQUIRED', 426, (p) => `${p.path} gives a raw connection: ask for it with Connection: Upgrade and Upgrade: tcp`);
export const agentFailed = defineError<{ detail: string }>('ENDPOINT_AGENT_FAILED', 500, (p) => `The endpoint's helper process failed: ${p.detail}. See berth engine logs`);
