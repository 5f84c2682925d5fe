/**
 * The environment of a process that outlives the editor: what belongs to the editor stays behind. NODE_OPTIONS too: it was
 * meant for the editor's own processes.
 */
export function engineEnvironment(env: Readonly<NodeJS.ProcessEnv>, extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !/^(VSCODE_|ELECTRON_|CHROME_)/.test(name) && name !== 'NODE_OPTIONS');
  return { ...Object.fromEntries(kept), ...extra };
}
