import { defineError, hostCommandFailed } from '../base/errors.ts';
import { mountBind } from './mounts.ts';
import { run } from './process.ts';
import { inUserNamespace } from './userNamespace.ts';

export const idmapUnavailable = defineError<{ what: string; detail: string }>(
  'IDMAP_UNAVAILABLE',
  500,
  (p) => `${p.what} needs an idmapped mount, which this host cannot make: ${p.detail}. Needed: root, Linux 5.19 or later with a file system that allows it (ext4, xfs, btrfs), and util-linux 2.39 or later, or perl.`,
);

/** Which program makes idmapped mounts here. */
type IdmapTool = 'mount' | 'perl' | 'none';

let found: Promise<IdmapTool> | undefined;

export function idmapTool(): Promise<IdmapTool> {
  return (found ??= inUserNamespace() ? Promise.resolve('none') : findTool()); // the kernel lets only the root of a file system's own user namespace map it
}

async function findTool(): Promise<IdmapTool> {
  const works = (program: string, args: readonly string[], said: (text: string) => boolean): Promise<boolean> => run(program, args).then(({ stdout }) => said(stdout), () => false);
  if (await works('mount', ['--version'], canMount)) return 'mount';
  return (await works('perl', ['-e', 'print pack "Q", 1'], () => true)) ? 'perl' : 'none';
}

/** util-linux knows X-mount.idmap from 2.39 on. */
export function canMount(versionText: string): boolean {
  const [, major = '0', minor = '0'] = /util-linux (\d+)\.(\d+)/.exec(versionText) ?? [];
  return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 39);
}

/** Mounts a folder or file a second time, its owners seen through the map of a user namespace: what is `inside` there is on disk, `outside` is seen. Throws IDMAP_UNAVAILABLE. */
export async function mountIdmapped(source: string, target: string, userNamespace: string): Promise<void> {
  const tool = await idmapTool();
  const fail = (detail: string, options?: ErrorOptions): never => {
    throw idmapUnavailable({ what: source, detail }, options);
  };
  if (tool === 'none') return fail(inUserNamespace() ? 'the engine has no root' : 'neither program is there');
  const done = tool === 'mount' ? mountBind(source, target, [`X-mount.idmap=${userNamespace}`]) : run('perl', ['-e', SCRIPT, userNamespace, source, target]);
  await done.catch((error: unknown) => fail(hostCommandFailed.is(error) ? String(error.params['stderr']) : String(error), { cause: error }));
}

/** open_tree, mount_setattr and move_mount have the same numbers on every architecture; older C libraries have no names for them. */
const SCRIPT = `use strict;
my ($userns, $source, $target) = @ARGV;
my $empty = '';
open my $map, '<', $userns or die "open $userns: $!\\n";
my $tree = syscall 428, -100, $source, 0x80001;
$tree >= 0 or die "open_tree: $!\\n";
my $attributes = pack 'QQQQ', 0x100000, 0, 0, fileno $map;
syscall(442, $tree, $empty, 0x1000, $attributes, 32) == 0 or die "mount_setattr: $!\\n";
syscall(429, $tree, $empty, -100, $target, 4) == 0 or die "move_mount: $!\\n";
`;
