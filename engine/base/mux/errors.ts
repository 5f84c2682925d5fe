import { defineError } from '../errors.ts';

/** The peer broke the protocol, or ours did: the session cannot go on. */
export const muxProtocol = defineError<{ detail: string }>('MUX_PROTOCOL', 502, (p) => `The two ends of the link do not understand each other: ${p.detail}. Update Berth on both sides, and report this if they are the same version.`);
export const muxStreamReset = defineError<{ code: string; detail: string }>('MUX_STREAM_RESET', 502, (p) => `The other end of the link broke this connection off: ${p.detail} [${p.code}]`);
export const muxSessionEnded = defineError<{ code: string; detail: string }>('MUX_SESSION_ENDED', 502, (p) => `The session with the host's engine is over: ${p.detail} [${p.code}]`);
export const muxResumeImpossible = defineError<{ detail: string }>('MUX_RESUME_IMPOSSIBLE', 410, (p) => `The session with the host's engine cannot be resumed: ${p.detail}. Connect anew.`);
