/** Extensions that open folders over SSH, with the editors they are for (`vscode.env.uriScheme`); all resolve `ssh-remote+<alias>`. */
const known = [
  { id: 'ms-vscode-remote.remote-ssh', schemes: ['vscode', 'vscode-insiders'] },
  { id: 'anysphere.remote-ssh', schemes: ['cursor'] },
  { id: 'codeium.windsurf-remote-openssh', schemes: ['windsurf', 'windsurf-next'] },
  { id: 'jeanp413.open-remote-ssh', schemes: ['vscodium', 'codium', 'code-oss'] },
] as const;

const everywhereElse = 'jeanp413.open-remote-ssh';

/** The one that is installed, the editor's own first. Pure. */
export function installedSshExtension(isInstalled: (id: string) => boolean): string | undefined {
  return known.find(({ id }) => isInstalled(id))?.id;
}

/** The one to offer in an editor that has none. Pure. */
export function offeredSshExtension(uriScheme: string): string {
  return known.find(({ schemes }) => (schemes as readonly string[]).includes(uriScheme))?.id ?? everywhereElse;
}
