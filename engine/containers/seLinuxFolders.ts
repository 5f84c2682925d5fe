import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomicFile.ts';
import { formatContext } from '../host/seLinux/context.ts';
import { setLabel } from '../host/seLinux/relabel.ts';
import type { SeLinux } from '../host/seLinux/seLinux.ts';

/**
 * Labels the folders of the engine whose files processes of containers use themselves: layers (a program that runs is mapped from there, whatever the file system over it
 * is labelled) and pipes of execs. What is made in a labelled folder is labelled so, by the kernel; what was there before is labelled once, as a note in the data says.
 */
export async function labelFolders({ contexts }: Pick<SeLinux, 'contexts'>, { data, fifos }: { readonly data: string; readonly fifos: string }): Promise<void> {
  const note = join(data, 'selinux');
  if (!contexts) return rm(note, { force: true }); // what is made from now on is labelled as anything
  await setLabel(fifos, formatContext(contexts.file));
  const label = formatContext(contexts.readOnly);
  if ((await readFile(note, 'utf8').catch(() => '')) === label) return;
  for (const name of ['snapshots', 'skeleton']) await setLabel(join(data, name), label);
  await writeFileAtomic(note, label);
}
