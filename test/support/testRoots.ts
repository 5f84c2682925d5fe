import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { systemCode } from '../../engine/base/errors.ts';
import { identify, isAlive } from '../../engine/host/processIdentity.ts';

/** Where it is written down whose the folders of tests are, so that the next run can take away what one that was killed has left. */
const RECORDS = '/run/berth-tests';

const recordSchema = z.object({
  root: z.string(),
  /** What things in the kernel are named after. */
  instance: z.string().optional(),
  /** A user of this host that the test made. */
  user: z.string().optional(),
  owner: z.object({ pid: z.number(), startTime: z.string() }),
});
export type TestRoot = z.infer<typeof recordSchema>;

/** A folder for a test, below `parent`, that is this process's until `forgetTestRoot`. */
export async function testRoot(parent: string, name: string, { instance, user }: Pick<TestRoot, 'instance' | 'user'> = {}): Promise<string> {
  const root = await mkdtemp(join(parent, `berth-${name}-`));
  const owner = identify(process.pid);
  if (owner) await note({ root, owner, ...(instance === undefined ? {} : { instance }), ...(user === undefined ? {} : { user }) });
  return root;
}

/** Removes it, and what was written down of it: last, when nothing in the kernel belongs to it any more. */
export async function removeTestRoot(root: string): Promise<void> {
  await rm(root, { recursive: true, force: true, maxRetries: 10 });
  await rm(recordOf(root), { force: true }).catch(unlessForbidden);
}

/** All there are, and whether the process that made them lives. */
export async function testRoots(): Promise<Array<TestRoot & { readonly alive: boolean }>> {
  const names = (await readdir(RECORDS).catch((): string[] => [])).filter((name) => name.endsWith('.json'));
  const texts = await Promise.all(names.map((name) => readFile(join(RECORDS, name), 'utf8').catch(() => '')));
  return texts.flatMap((text) => {
    const record = text === '' ? undefined : recordSchema.safeParse(parsed(text)).data; // being written, or removed
    return record ? [{ ...record, alive: isAlive(record.owner) }] : [];
  });
}

async function note(record: TestRoot): Promise<void> {
  try {
    await mkdir(RECORDS, { recursive: true });
    await writeFile(recordOf(record.root), JSON.stringify(record));
  } catch (error) {
    unlessForbidden(error); // an ordinary user's tests are part of a run of root's, which has written down the user
  }
}

function recordOf(root: string): string {
  return join(RECORDS, `${basename(root)}.json`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unlessForbidden(error: unknown): void {
  if (!['EACCES', 'EPERM', 'EROFS'].includes(systemCode(error) ?? '')) throw error;
}
