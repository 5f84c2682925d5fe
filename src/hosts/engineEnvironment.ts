/**
 * The environment of a process that outlives the editor: what belongs to the editor stays behind. NODE_OPTIONS too: it was
 * meant for the editor's own processes.
 */
export function engineEnvironment(env: Readonly<NodeJS.ProcessEnv>, extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...withoutEditor(env), ...extra };
}

/** What `${localEnv:…}` means: the user's environment. */
export function localEnv(): Record<string, string> {
  return withoutEditor(process.env);
}

function withoutEditor(env: Readonly<NodeJS.ProcessEnv>): Record<string, string> {
  const kept = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && !/^(VSCODE_|ELECTRON_|CHROME_)/.test(entry[0]) && entry[0] !== 'NODE_OPTIONS');
  return Object.fromEntries(kept);
}
