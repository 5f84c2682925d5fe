import { z } from 'zod';
import { devContainerRefSchema, upErrorSchema, upNewsSchemas } from './devcontainer.ts';

/** The body of `POST /berth/v1/devcontainers/web`: the editor in the browser, served from inside a running dev container. */
export const webRequestSchema = devContainerRefSchema.extend({
  /** As in `up`: for `${localEnv:…}` in `remoteEnv`. */
  localEnv: z.record(z.string(), z.string()).optional(),
});
export type WebRequest = z.infer<typeof webRequestSchema>;

const webSuccessSchema = z.looseObject({
  type: z.literal('result'),
  outcome: z.literal('success'),
  /** An address of the engine's host itself: 127.0.0.1. */
  host: z.string(),
  port: z.number(),
  /** Whoever has it has the container: never to be logged. */
  token: z.string(),
  /** The workspace folder inside. */
  folder: z.string(),
  /** Leads there once, within a minute: for browsers, whose arguments every user of the host can see. */
  once: z.string(),
});
export type WebAddress = Pick<z.infer<typeof webSuccessSchema>, 'host' | 'port' | 'token' | 'folder' | 'once'>;

/** What the lines of `web` say; the last is the result. */
export const webEventSchema = z.discriminatedUnion('type', [...upNewsSchemas, z.discriminatedUnion('outcome', [webSuccessSchema, upErrorSchema])]);
export type WebEvent = z.infer<typeof webEventSchema>;

const installedSchema = z.looseObject({ type: z.literal('result'), outcome: z.literal('success'), version: z.string(), folder: z.string() });

/** What the lines of `POST /berth/v1/editor/install` say; the last is the result. */
export const editorInstallEventSchema = z.discriminatedUnion('type', [...upNewsSchemas, z.discriminatedUnion('outcome', [installedSchema, upErrorSchema])]);
export type EditorInstallEvent = z.infer<typeof editorInstallEventSchema>;

/** Where a browser finds the editor, with the folder open. */
export function webEditorUrl(address: Omit<WebAddress, 'once'>): string {
  return `http://${address.host}:${address.port}${webEditorPath(address)}`;
}

/** The part of that address that stays the same wherever it is forwarded to. */
export function webEditorPath({ token, folder }: Pick<WebAddress, 'token' | 'folder'>): string {
  return `/?tkn=${encodeURIComponent(token)}&folder=${encodeURIComponent(folder)}`;
}
