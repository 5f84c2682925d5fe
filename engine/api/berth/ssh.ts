import { z } from 'zod';

/** An item of `GET /berth/v1/ssh/targets`, and the answer of `authorize`: something that one can connect to by SSH. */
export const sshTargetSchema = z.looseObject({
  kind: z.enum(['devcontainer', 'container']),
  /** A dev container's id, which outlives its container; or a container's. */
  id: z.string(),
  containerId: z.string(),
  /** The first part of its host alias. */
  name: z.string(),
  /** Whom a session runs as. */
  user: z.string(),
  /** On the engine's host; empty for a container. */
  folder: z.string(),
  /** Relative names of a definition are within the folder; empty for a container. */
  configFile: z.string(),
  /** Docker's word: `running`, `exited`, … */
  state: z.string(),
  /** `ssh-ed25519 AAAA…` */
  hostKey: z.string(),
  /** base64 of the public keys that may log in. */
  authorized: z.array(z.string()),
});
export type SshTarget = z.infer<typeof sshTargetSchema>;

/** The body of `POST /berth/v1/ssh/authorize`: lets a key log in. Who may use this API may do anything with the container anyway. */
export const sshAuthorizeSchema = z.strictObject({
  kind: z.enum(['devcontainer', 'container']),
  /** For a container: also its name, or the beginning of its id. */
  id: z.string().min(1),
  publicKey: z.string(),
});
export type SshAuthorize = z.infer<typeof sshAuthorizeSchema>;

/** What git in a container gets of the client's: values by environment, credentials by asking on the client link. */
const gitSchema = z.strictObject({ config: z.record(z.string(), z.string()), credentials: z.boolean() });

/** The body of `POST /berth/v1/devcontainers/:id/ssh` and `/berth/v1/containers/:id/ssh`, which become a raw SSH connection. */
export const sshConnectSchema = z.strictObject({
  /** For `${localEnv:…}` in `remoteEnv`. */
  localEnv: z.record(z.string(), z.string()).optional(),
  git: gitSchema.optional(),
  /** The id under which the client has opened `POST /berth/v1/ssh/client/:id`. */
  clientLink: z.string().optional(),
});
export type SshConnect = z.infer<typeof sshConnectSchema>;

/** The body of `POST /berth/v1/ssh/client/:id/share`: for processes that are started otherwise than by SSH, as long as the client link is open. */
export const shareRequestSchema = z.strictObject({ containerId: z.string(), user: z.string(), git: gitSchema.optional(), agent: z.boolean() });
export type ShareRequest = z.infer<typeof shareRequestSchema>;

/** Environment for such processes: `NAME=value`. */
export const shareResultSchema = z.looseObject({ env: z.array(z.string()) });

const questionId = z.number();

/** What the engine asks of the client on a client link: one JSON object a line. */
export const clientQuestionSchema = z.discriminatedUnion('kind', [
  /** `input`: git's own `key=value` lines. */
  z.strictObject({ id: questionId, kind: z.literal('gitCredential'), action: z.enum(['fill', 'approve', 'reject']), input: z.string() }),
  /** `input`: a message to the ssh-agent with its length, in base64; so is the answer. */
  z.strictObject({ id: questionId, kind: z.literal('sshAgent'), input: z.string() }),
]);
export type ClientQuestion = z.infer<typeof clientQuestionSchema>;
export type GitAction = Extract<ClientQuestion, { kind: 'gitCredential' }>['action'];

/** And what the client answers; `output` is empty when it has nothing. */
export const clientAnswerSchema = z.strictObject({ id: questionId, output: z.string() });
export type ClientAnswer = z.infer<typeof clientAnswerSchema>;
