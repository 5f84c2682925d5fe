import { randomBytes } from 'node:crypto';
import { chmod, chown, stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { webEditorUrl } from '../../api/berth/webEditor.ts';
import type { WebAddress, WebRequest } from '../../api/berth/webEditor.ts';
import { KeyedMutex } from '../../base/keyedMutex.ts';
import type { Log } from '../../base/log.ts';
import { oneTimeRedirect } from '../../base/oneTimeRedirect.ts';
import { keepIdMaps, outsideOwner } from '../../host/keepId.ts';
import { run } from '../../host/process.ts';
import type { HostLoopback } from '../../host/rootless/hostLoopback.ts';
import { editorCannotRun, editorDidNotStart, editorMountMissing } from '../errors.ts';
import { editorDataFolder, toolsFolder } from '../plan/planTools.ts';
import type { DevExecs } from '../ports.ts';
import type { RunningDevContainer } from '../running.ts';
import { step } from '../tell.ts';
import type { Tell } from '../tell.ts';
import { editorCustomizations } from './customizations.ts';
import type { EditorBundle } from './editorBundle.ts';
import { galleryEnv } from './editorProgram.ts';
import type { EditorProgram } from './editorProgram.ts';
import { execText } from './execText.ts';
import { installExtensions } from './installExtensions.ts';
import { launchCommand } from './launch.ts';
import type { LaunchAnswer, LaunchRequest } from './launch.ts';
import { LoopbackProxy } from './loopbackProxy.ts';
import { connectIn } from './serverSocket.ts';
import { WebRecords } from './webRecords.ts';
import type { WebRecord } from './webRecords.ts';

const START_MS = 30_000;
const SOCKET = 'server.sock';

export interface WebEditorParts {
  readonly dataRoot: string;
  readonly log: Log;
  readonly execs: DevExecs;
  readonly bundle: EditorBundle;
  readonly loopback: HostLoopback;
  /** The running dev container that a request names; throws DEVCONTAINER_NOT_UP. */
  readonly running: (request: WebRequest, signal: AbortSignal) => Promise<RunningDevContainer>;
}

/**
 * Editors in the browser. The server runs inside the dev container, from our read-only folder, and listens on a socket in its volume; a port of
 * 127.0.0.1 leads there. It is started when somebody comes, also again after the container was restarted, and ends with the container.
 */
export class WebEditors {
  readonly #parts: WebEditorParts;
  readonly #records: WebRecords;
  readonly #locks = new KeyedMutex();
  readonly #proxies = new Map<string, LoopbackProxy>();
  /** The environments of those who asked, for servers started later; not kept on disk. */
  readonly #requests = new Map<string, WebRequest>();

  constructor(parts: WebEditorParts) {
    this.#parts = parts;
    this.#records = new WebRecords(parts.dataRoot, parts.log);
  }

  /** Listens again for the editors there were, so that pages that are open in browsers find their way. */
  async restore(): Promise<void> {
    for (const [id, record] of await this.#records.all()) await this.#listen(id, record).catch((error: unknown) => this.#parts.log.warn('an editor has no port', { id, error }));
  }

  /** Starts the editor of a running dev container unless it runs, and tells its address. */
  async open(request: WebRequest, { tell, signal }: { readonly tell: Tell; readonly signal: AbortSignal }): Promise<WebAddress> {
    const running = await this.#parts.running(request, signal);
    const { definition, merged, remote } = running;
    const dataFolder = dataFolderOf(running);
    const node = await this.#parts.bundle.ensure(tell, signal);
    return this.#locks.run(definition.id, async () => {
      signal.throwIfAborted();
      const before = await this.#records.read(definition.id);
      const record: WebRecord = { port: 0, token: randomBytes(32).toString('hex'), extensions: [], ...before, folder: definition.folder, configFile: definition.configFile, dataFolder };
      this.#requests.set(definition.id, request);
      const { extensions } = editorCustomizations(merged.customizations['vscode'] ?? [], remote.cwd);
      if (!(await reaches(dataFolder))) await this.#start(node, running, record, tell, signal);
      const wanted = extensions.filter((one) => !record.extensions.includes(one));
      const added = wanted.length === 0 ? [] : await installExtensions({ execs: this.#parts.execs, running, node, wanted, tell, signal });
      const port = await this.#listen(definition.id, record);
      const after = { ...record, port, extensions: [...record.extensions, ...added] };
      if (JSON.stringify(after) !== JSON.stringify(before)) await this.#records.write(definition.id, after);
      const address = { host: '127.0.0.1', port, token: after.token, folder: remote.cwd };
      return { ...address, once: await oneTimeRedirect((server) => this.#parts.loopback.listen(server, 0), webEditorUrl(address)) };
    });
  }

  /** The dev container is no more. */
  async forget(id: string): Promise<void> {
    await this.#locks.run(id, async () => {
      await this.#proxies.get(id)?.close();
      this.#proxies.delete(id);
      this.#requests.delete(id);
      await this.#records.remove(id);
    });
  }

  /** The dev containers that editors were opened for. */
  async ids(): Promise<string[]> {
    return [...(await this.#records.all()).keys()];
  }

  async close(): Promise<void> {
    const proxies = [...this.#proxies.values()];
    this.#proxies.clear();
    await Promise.all(proxies.map((proxy) => proxy.close()));
  }

  async #listen(id: string, record: WebRecord): Promise<number> {
    const proxy = this.#proxies.get(id) ?? (await LoopbackProxy.listen(this.#parts.loopback, record.port, () => this.#connect(id)));
    this.#proxies.set(id, proxy);
    return proxy.port;
  }

  /** A connection to the server, which is started if it does not run: its container may have been restarted. */
  async #connect(id: string): Promise<Socket> {
    const record = await this.#records.read(id);
    if (!record) throw new Error('the editor is not there any more');
    return connectIn(record.dataFolder, SOCKET).catch(() =>
      this.#locks.run(id, async () => {
        if (!(await reaches(record.dataFolder))) {
          const { signal } = new AbortController();
          const running = await this.#parts.running(this.#requests.get(id) ?? { folder: record.folder, config: record.configFile }, signal);
          const tell: Tell = (event) => this.#parts.log.debug('an editor is started again', { id, event: event.type });
          await this.#start(await this.#parts.bundle.ensure(tell, signal), running, record, tell, signal);
        }
        return connectIn(record.dataFolder, SOCKET);
      }),
    );
  }

  async #start(node: EditorProgram, running: RunningDevContainer, record: WebRecord, tell: Tell, signal: AbortSignal): Promise<void> {
    const { definition, details, remote, merged } = running;
    const { execs } = this.#parts;
    await step(tell, 'editorServer', 'Starting the editor in the container', async () => {
      await this.#ownData(node, running, record.dataFolder, signal);
      const request: LaunchRequest = { entry: node.entry, data: editorDataFolder, token: record.token, settings: editorCustomizations(merged.customizations['vscode'] ?? [], remote.cwd).settings, timeoutMs: START_MS };
      const { stdout, stderr } = await execText(execs, details.Id, { command: launchCommand(node.node), user: remote.user, env: [...remote.env, ...galleryEnv(process.env), 'DO_NOT_TRACK=1'], cwd: remote.cwd, input: JSON.stringify(request) }, signal);
      const answer = parseAnswer(stdout);
      if (!answer?.ok) throw editorDidNotStart({ folder: definition.folder, detail: answer?.detail ?? (`${stdout}${stderr}`.trim() || 'it said nothing') });
      if (answer.warning !== undefined) tell({ type: 'warning', message: answer.warning });
    });
  }

  /** Makes the volume the remote user's, and shows on the way that our Node runs in this container. */
  async #ownData({ node }: EditorProgram, { definition, details, remote }: RunningDevContainer, dataFolder: string, signal: AbortSignal): Promise<void> {
    const script = 'console.log(process.getuid() + ":" + process.getgid())';
    const { status, stdout, stderr } = await execText(this.#parts.execs, details.Id, { command: [node, '-e', script], user: remote.user, env: [], cwd: '/' }, signal);
    const ids = /^(\d+):(\d+)$/.exec(stdout.trim());
    if (status !== 0 || !ids) throw editorCannotRun({ folder: definition.folder, detail: `${stdout}${stderr}`.trim().split('\n').at(-1) || `status ${status}` });
    // As the volume has them, outside of the container.
    const keepId = details.UserNamespace?.KeepId;
    const { uid, gid } = outsideOwner({ uid: Number(ids[1]), gid: Number(ids[2]) }, keepId && keepIdMaps({ uid: keepId.Uid, gid: keepId.Gid })) ?? { uid: 0, gid: 0 };
    const now = await stat(dataFolder);
    // A rebuild may have brought another user. chown follows no links out of the volume.
    if (now.uid !== uid || now.gid !== gid) await run('chown', ['-R', '-P', '--no-dereference', `${uid}:${gid}`, dataFolder], { signal });
    await chown(dataFolder, uid, gid);
    await chmod(dataFolder, 0o700);
  }
}

function dataFolderOf({ definition, details }: RunningDevContainer): string {
  const volume = details.Mounts.find((mount) => mount.Destination === editorDataFolder && mount.Type === 'volume');
  const tools = details.Mounts.some((mount) => mount.Destination === toolsFolder);
  if (!volume || !tools) throw editorMountMissing({ folder: definition.folder });
  return volume.Source;
}

async function reaches(dataFolder: string): Promise<boolean> {
  return connectIn(dataFolder, SOCKET).then(
    (socket) => {
      socket.destroy();
      return true;
    },
    () => false,
  );
}

function parseAnswer(text: string): LaunchAnswer | undefined {
  try {
    return JSON.parse(text) as LaunchAnswer;
  } catch {
    return undefined;
  }
}
