import { toolsFolder } from '../plan/planTools.ts';

/** Where the editor's programs are inside. */
export interface EditorProgram {
  readonly node: string;
  readonly entry: string;
}

export function programIn(bundle: string): EditorProgram {
  return { node: `${toolsFolder}/${bundle}/bin/node`, entry: `${toolsFolder}/${bundle}/server/out/server-main.js` };
}

/** Where extensions come from, if the engine's host says so: a mirror, or (`{}`) from nowhere. */
export function galleryEnv(env: NodeJS.ProcessEnv): string[] {
  const gallery = env['EXTENSIONS_GALLERY'];
  return gallery === undefined ? [] : [`EXTENSIONS_GALLERY=${gallery}`];
}
