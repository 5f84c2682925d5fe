import { createHash } from 'node:crypto';
import type { Mount } from '../../api/docker/run/createBody.ts';

/** Where every dev container sees our tools, read-only. They are the host's: nothing of them is in the container's own files. */
export const toolsFolder = '/opt/berth';

/** Where the editor in the browser keeps its extensions, settings and socket: a volume of the dev container's own. */
export const editorDataFolder = '/var/opt/berth';

/** The volume outlives its container, so that a rebuild needs no extension anew. */
export function editorVolume(id: string): string {
  return `berth-editor-${createHash('sha256').update(id).digest('hex').slice(0, 12)}`;
}

/**
 * What every dev container mounts from birth, as mounts cannot be added later: a folder of the host's, in which tools may appear at any
 * time, and the editor's volume. Pure.
 */
export function toolMounts(hostFolder: string, id: string): Mount[] {
  return [
    { Type: 'bind', Source: hostFolder, Target: toolsFolder, ReadOnly: true },
    { Type: 'volume', Source: editorVolume(id), Target: editorDataFolder, VolumeOptions: { NoCopy: true } },
  ];
}
