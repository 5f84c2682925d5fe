import type { Command } from 'commander';
import type { CliContext } from '../../context.ts';
import { registerInspect } from '../container/inspect.ts';
import { registerAttestations } from './attestations.ts';
import { registerBootstrap } from './bootstrap.ts';
import { registerBuild } from './build.ts';
import { registerImageDiff } from './diff.ts';
import { registerImages } from './images.ts';
import { registerLoad } from './load.ts';
import { registerPull } from './pull.ts';
import { registerPush } from './push.ts';
import { registerRmi } from './rmi.ts';
import { registerSave } from './save.ts';
import { registerTag } from './tag.ts';

/** `berth image …`, and the same commands at the top level. */
export function registerImageCommands(program: Command, context: CliContext): void {
  const group = program.command('image').description('images: the same commands as at the top level, and bootstrap');
  for (const parent of [program, group]) {
    registerBuild(parent, context);
    registerPull(parent, context);
    registerPush(parent, context);
    registerLoad(parent, context);
    registerSave(parent, context);
    registerTag(parent, context);
  }
  registerImages(program, context);
  registerImages(group, context, 'ls');
  registerRmi(program, context);
  registerRmi(group, context, 'rm');
  registerInspect(group, context, 'image');
  registerBootstrap(group, context);
  registerImageDiff(group, context);
  registerAttestations(group, context);
}
