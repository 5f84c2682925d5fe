import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { copyFailed } from '../errors.ts';
import { resolveInRoot } from '../context/resolveInRoot.ts';
import { Copier } from '../copy/copier.ts';
import { lookUpOwner } from '../copy/owner.ts';
import { mountReadable } from '../overlay.ts';
import type { WorkdirOp } from '../plan/graph.ts';
import type { Workspace } from './workspace.ts';

/** Makes the folder, owned by the stage's user. Returns false when it is there already: then there is no layer. */
export async function executeWorkdir(op: WorkdirOp, workspace: Workspace): Promise<boolean> {
  await using view = await mountReadable(workspace.temp, workspace.lowerDirs);
  const location = join(view.root, await resolveInRoot(view.root, op.path));
  const there = await stat(location).catch(() => undefined);
  if (there?.isDirectory()) return false;
  if (there) throw copyFailed({ ...workspace.place, detail: `WORKDIR ${op.path} is a file` });
  const madeBy = await lookUpOwner(view.root, op.owner, workspace.place);
  await new Copier({ view: view.root, upper: workspace.upperDir, madeBy, signal: workspace.signal }).makeFolders(op.path);
  return true;
}
