import { MountSpecError, parseMount } from '../../api/docker/run/mountSpec.ts';
import type { Mount } from '../../api/docker/run/createBody.ts';
import type { ConfigDocument, Path } from '../config/configDocument.ts';
import type { Sourced } from '../config/metadata.ts';
import type { MountEntry } from '../config/schema.ts';
import { invalidAt } from '../config/validate.ts';

/** `mounts` as Docker's. Relative sources are resolved against `folder`. Throws DEVCONTAINER_INVALID at the mount. */
export function planMounts(document: ConfigDocument, mounts: ReadonlyArray<Sourced<MountEntry>>, folder: string): Mount[] {
  return mounts.map(({ value, origin }) => {
    try {
      return parseMount(typeof value === 'string' ? value : specOf(value), folder);
    } catch (error) {
      if (!(error instanceof MountSpecError)) throw error;
      const path: Path = origin === 'image' ? [] : ['mounts', origin];
      throw invalidAt(document, path, origin === 'image' ? `a mount in the image's metadata: ${error.message}` : error.message);
    }
  });
}

function specOf(mount: Exclude<MountEntry, string>): string {
  const fields = [`type=${mount.type}`, ...(mount.source === undefined ? [] : [`"source=${mount.source}"`]), `"target=${mount.target}"`];
  return fields.join(',');
}
