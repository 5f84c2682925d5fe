import type { Doctor } from './cli/doctor.ts';
import type { EngineProcess } from './cli/engineCommands.ts';
import type { RemoteHosts } from './cli/commands/host/remoteHosts.ts';
import type { EveryEngine } from './cli/commands/system/diskUsage.ts';
import type { OwnCommand } from './cli/commands/ssh/sync.ts';
import type { Registration } from './cli/program.ts';
import type { Launcher } from './remote/sync/background.ts';

/** Commands that come from one place. */
export interface CommandGroup {
  /** Those of the top level that it makes, or adds to. */
  readonly names: readonly string[];
  readonly load: () => Promise<Registration>;
}

/** What commands are given. */
export interface CommandParts {
  readonly own: OwnCommand;
  readonly launcher: Launcher;
  readonly every: EveryEngine;
  readonly remote: RemoteHosts;
  readonly doctor: Doctor;
  readonly engine: EngineProcess;
}

/** All commands. What a group needs is evaluated when it is loaded: a fifth of the time of a short command. */
export function commandGroups({ own, launcher, every, remote, doctor, engine }: CommandParts): readonly CommandGroup[] {
  return [
    { names: ['up', 'open', 'exec', 'shell', 'stop', 'down', 'list', 'ls', 'ports'], load: async () => (await import('./cli/commands/devcontainer/register.ts')).registerDevContainerCommands(own) },
    { names: ['ssh-config', 'ssh-proxy'], load: async () => (await import('./cli/commands/ssh/register.ts')).registerSshCommands(own) },
    { names: ['editor'], load: async () => (await import('./cli/commands/editor/install.ts')).registerEditorCommands },
    { names: ['sync'], load: async () => (await import('./cli/commands/sync/register.ts')).registerSyncCommands(launcher) },
    { names: ['clone'], load: async () => (await import('./cli/commands/clone.ts')).registerClone },
    {
      names: ['container', 'run', 'create', 'start', 'restart', 'kill', 'pause', 'unpause', 'rename', 'rm', 'wait', 'logs', 'attach', 'diff', 'export', 'commit', 'ps', 'inspect'],
      load: async () => (await import('./cli/commands/container/register.ts')).registerContainerCommands,
    },
    { names: ['image', 'build', 'pull', 'push', 'load', 'save', 'tag', 'images', 'rmi'], load: async () => (await import('./cli/commands/image/register.ts')).registerImageCommands },
    { names: ['volume'], load: async () => (await import('./cli/commands/volume/register.ts')).registerVolumeCommands },
    { names: ['network'], load: async () => (await import('./cli/commands/network/register.ts')).registerNetworkCommands },
    { names: ['login', 'logout', 'tags', 'search', 'manifest', 'registry'], load: async () => (await import('./cli/commands/registry/register.ts')).registerRegistryCommands },
    { names: ['events', 'version', 'info', 'system'], load: async () => (await import('./cli/commands/system/register.ts')).registerSystemCommands(every) },
    { names: ['host', 'link', 'image'], load: async () => (await import('./cli/commands/host/register.ts')).registerHostCommands(remote) },
    { names: ['doctor'], load: async () => (await import('./cli/doctor.ts')).registerDoctorCommand(doctor) },
    { names: ['engine'], load: async () => (await import('./cli/engineCommands.ts')).registerEngineCommands(engine) },
  ];
}

/** The groups that a command line needs: those of its command; all of them where it is about none, as for help; none for the version. */
export function neededGroups(groups: readonly CommandGroup[], argv: readonly string[]): readonly CommandGroup[] {
  if (argv.length === 1 && ['-v', '--version'].includes(argv[0] ?? '')) return [];
  const command = argv[0] === '--host' ? argv[2] : /^--host=/.test(argv[0] ?? '') ? argv[1] : argv[0];
  const needed = groups.filter(({ names }) => command !== undefined && names.includes(command));
  return needed.length > 0 ? needed : groups;
}

/** In the order of the table, which is that of the help. */
export async function loadGroups(groups: readonly CommandGroup[]): Promise<Registration[]> {
  return Promise.all(groups.map(({ load }) => load()));
}
