import { defineError } from '../../base/errors.ts';

export const linkNeedsAnswer = defineError<{ host: string; question: string }>('LINK_NEEDS_ANSWER', 401, (p) => `${p.host} asks for ${p.question}, and nobody is there to answer. Run: berth host connect ${p.host}`);
export const linkFailed = defineError<{ host: string; detail: string }>('LINK_FAILED', 502, (p) => `Cannot reach ${p.host}: ${p.detail}`);
export const linkDidNotStart = defineError<{ host: string; detail: string }>('LINK_DID_NOT_START', 500, (p) => `The link to ${p.host} did not start: ${p.detail}. Its log is beside its socket; see berth host doctor ${p.host}`);
export const relayRefused = defineError<{ status: number; detail: string }>('RELAY_REFUSED', 502, (p) => `The engine on the host refused the link (status ${p.status}): ${p.detail}. If it is older than this Berth, stop it there: berth engine stop`);
export const relaySessionOver = defineError<{ detail: string }>('RELAY_SESSION_OVER', 410, (p) => p.detail);
