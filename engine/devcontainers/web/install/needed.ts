import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Of no use in a dev container: what runs models, what tells machines apart (and writes that into the user's home), source maps, and programs for other systems. */
const unneeded: readonly RegExp[] = [
  /^extensions\/copilot$/,
  /^node_modules\/@github$/,
  /^node_modules\/@microsoft\/mxc-sdk$/,
  /^node_modules\/@devcontainers$/,
  /^node_modules\/@vscode\/deviceid$/,
  /^node_modules\/@vscode\/windows-[^/]+$/,
  /(^|\/)(prebuilds|bin)\/(win32|darwin|freebsd)[^/]*$/,
  /\.map$/,
];

/** Whether a path of the server's tree is wanted on this kind of processor. Pure. */
export function isNeeded(path: string, arch: string): boolean {
  const processor = /(?:^|\/)(?:prebuilds|bin)\/linux-([^/]+)$/.exec(path)?.[1];
  return (processor === undefined || processor === arch) && !unneeded.some((one) => one.test(path));
}

/** Removes what is not needed from a server's tree. */
export async function prune(root: string, path = ''): Promise<void> {
  for (const entry of await readdir(join(root, path), { withFileTypes: true })) {
    const child = path === '' ? entry.name : `${path}/${entry.name}`;
    if (!isNeeded(child, process.arch)) await rm(join(root, child), { recursive: true });
    else if (entry.isDirectory()) await prune(root, child);
  }
}
