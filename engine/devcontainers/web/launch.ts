/**
 * The part of us that runs inside the container, by the editor's own Node, as the remote user: starts the editor's server and says how that
 * went. It is handed over as text, so its functions use nothing but what Node has, and each other. What is secret comes by standard input.
 */
export interface LaunchRequest {
  /** The server's entry. */
  readonly entry: string;
  readonly data: string;
  readonly token: string;
  /** Machine settings of `customizations.vscode.settings`. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
}

export type LaunchAnswer = { readonly ok: true; readonly warning?: string } | { readonly ok: false; readonly detail: string };

/** The command that runs `launch` with the request on its standard input. */
export function launchCommand(node: string): string[] {
  const functions = [launch, writeFiles, startServer, answers].map(String).join('\n');
  return [node, '-e', `${functions}\n${launch.name}(JSON.parse(require('node:fs').readFileSync(0, 'utf8')))`];
}

async function launch(request: LaunchRequest): Promise<void> {
  let answer: LaunchAnswer;
  try {
    const warning = writeFiles(request);
    const detail = await startServer(request);
    answer = detail === undefined ? { ok: true, ...(warning === undefined ? {} : { warning }) } : { ok: false, detail };
  } catch (error) {
    answer = { ok: false, detail: String(error) };
  }
  process.stdout.write(JSON.stringify(answer), () => process.exit(0));
}

/** The token, and our settings over those that are there. Returns what could not be done, for people. */
function writeFiles({ data, token, settings }: LaunchRequest): string | undefined {
  const { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } = process.getBuiltinModule('node:fs');
  process.umask(0o077);
  rmSync(`${data}/token`, { force: true });
  writeFileSync(`${data}/token`, token, { mode: 0o600 });
  rmSync(`${data}/server.sock`, { force: true });
  if (Object.keys(settings).length === 0) return undefined;
  const path = `${data}/data/Machine/settings.json`;
  mkdirSync(`${data}/data/Machine`, { recursive: true });
  let before: object = {};
  try {
    before = JSON.parse(readFileSync(path, 'utf8')) as object;
  } catch (error) {
    // Somebody's comments or mistakes in it are theirs: not ours to throw away.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return `${path} is not plain JSON, so the settings of devcontainer.json were not added to it`;
  }
  writeFileSync(`${path}.new`, JSON.stringify({ ...before, ...settings }, undefined, 2));
  renameSync(`${path}.new`, path);
  return undefined;
}

/** In a session of its own, so that it outlives this process; it ends with the container. Returns why it does not answer. */
async function startServer({ entry, data, timeoutMs }: LaunchRequest): Promise<string | undefined> {
  const { closeSync, openSync, readFileSync } = process.getBuiltinModule('node:fs');
  const { spawn } = process.getBuiltinModule('node:child_process');
  const log = openSync(`${data}/server.log`, 'w', 0o600);
  const where = ['--socket-path', `${data}/server.sock`, '--connection-token-file', `${data}/token`, '--server-data-dir', data, '--extensions-dir', `${data}/extensions`];
  const how = ['--accept-server-license-terms', '--telemetry-level', 'off', '--disable-workspace-trust'];
  process.umask(0o022); // what the user makes in its terminals is as elsewhere
  const child = spawn(process.execPath, [entry, ...where, ...how], { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  let ended = false;
  child.once('error', () => (ended = true));
  child.once('exit', () => (ended = true));
  child.unref();
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline && !ended; ) {
    if (await answers(`${data}/server.sock`)) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  const said = readFileSync(`${data}/server.log`, 'utf8').trim().split('\n').slice(-8).join('\n');
  if (!ended) child.kill('SIGKILL');
  return `${ended ? 'it ended at once' : 'it does not answer'}: ${said}`;
}

function answers(path: string): Promise<boolean> {
  const { connect } = process.getBuiltinModule('node:net');
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
