import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { SshFiles } from './configFiles.ts';

const settingsSchema = z.object({
  /** Forward the ssh-agent. */
  forwardAgent: z.boolean().default(true),
  /** Bring up what is not running when somebody connects. */
  up: z.boolean().default(true),
  /** Give git in the container the user's name, address and credential helpers. */
  git: z.boolean().default(true),
  /** gpg-agent's extra socket on this machine; empty: gpg is not forwarded. */
  gpgSocket: z.string().default(''),
});
export type SshSettings = z.infer<typeof settingsSchema>;

/** What `berth ssh-config` was told before. */
export async function readSettings(files: SshFiles): Promise<SshSettings> {
  try {
    return settingsSchema.parse(JSON.parse(await readFile(pathOf(files), 'utf8')));
  } catch {
    return settingsSchema.parse({});
  }
}

export async function changeSettings(files: SshFiles, changes: Partial<SshSettings>): Promise<void> {
  const before = await readSettings(files);
  const after = { ...before, ...changes };
  if (JSON.stringify(after) !== JSON.stringify(before)) await files.write(pathOf(files), `${JSON.stringify(after, null, 2)}\n`);
}

function pathOf(files: SshFiles): string {
  return join(files.own, 'settings.json');
}
