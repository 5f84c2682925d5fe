import type { SshEnvironment } from '../../engine/remote/ssh/environment.ts';
import { matchesPattern } from '../../engine/remote/ssh/patterns.ts';

/** A user's machine in memory: home, files, and which commands succeed. */
export function memoryEnvironment(files: Readonly<Record<string, string>>, overrides: Partial<SshEnvironment> = {}): SshEnvironment & { readonly ran: string[] } {
  const ran: string[] = [];
  return {
    platform: 'linux',
    home: '/home/me',
    localUser: 'me',
    localHost: 'laptop.example.org',
    uid: '1000',
    env: {},
    readFile: (path) => Promise.resolve(files[path]),
    glob: (pattern) => Promise.resolve(Object.keys(files).filter((path) => matchesPattern(path, pattern)).sort()),
    succeeds: (command) => {
      ran.push(command);
      return Promise.resolve(command.startsWith('true'));
    },
    ...overrides,
    ran,
  };
}
