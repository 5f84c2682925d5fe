import * as vscode from 'vscode';
import { lastSegment } from '../model/devContainers.ts';
import type { DevContainerConfig } from '../model/devContainers.ts';

/** What may make or end a definition. A folder that is removed is told as itself, not as the files in it. */
const pattern = '{.devcontainer.json,.devcontainer,.devcontainer/*,.devcontainer/*/devcontainer.json}';

/** Finds the dev container definitions of the workspace folders, and tells when there are others. */
export class ConfigFinder implements vscode.Disposable {
  readonly #onConfigs: (configs: DevContainerConfig[]) => void;
  readonly #onProblem: (error: unknown) => void;
  readonly #folders: vscode.Disposable;
  #watchers: vscode.Disposable[] = [];

  constructor(onConfigs: (configs: DevContainerConfig[]) => void, onProblem: (error: unknown) => void) {
    this.#onConfigs = onConfigs;
    this.#onProblem = onProblem;
    this.#folders = vscode.workspace.onDidChangeWorkspaceFolders(() => this.#watch());
    this.#watch();
  }

  dispose(): void {
    this.#folders.dispose();
    vscode.Disposable.from(...this.#watchers).dispose();
  }

  #watch(): void {
    vscode.Disposable.from(...this.#watchers).dispose();
    this.#watchers = localFolders().map((folder) => {
      const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, pattern));
      for (const event of [watcher.onDidCreate, watcher.onDidDelete, watcher.onDidChange]) event(() => this.#look());
      return watcher;
    });
    this.#look();
  }

  #look(): void {
    void Promise.all(localFolders().map((folder) => definitionsIn(folder.uri, folder.name))).then((found) => this.#onConfigs(found.flat()), this.#onProblem);
  }
}

/** Only folders of the engine's own file system can be mounted into a container. */
function localFolders(): vscode.WorkspaceFolder[] {
  return (vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === 'file');
}

/** The definitions in a folder, in the order in which the standard looks for them. */
export async function definitionsIn(folder: vscode.Uri, name: string = lastSegment(folder.path)): Promise<DevContainerConfig[]> {
  const own = vscode.Uri.joinPath(folder, '.devcontainer');
  const kinds = (await entries(own)).filter(([, type]) => type & vscode.FileType.Directory).map(([kind]) => kind).sort();
  const candidates = [
    vscode.Uri.joinPath(own, 'devcontainer.json'),
    vscode.Uri.joinPath(folder, '.devcontainer.json'),
    ...kinds.map((kind) => vscode.Uri.joinPath(own, kind, 'devcontainer.json')),
  ];
  const files = (await Promise.all(candidates.map(async (file) => ((await isFile(file)) ? [file] : [])))).flat();
  return files.map((file) => ({ folder: folder.fsPath, file: file.fsPath, name: nameOf(folder, name, file) }));
}

async function entries(folder: vscode.Uri): Promise<Array<[string, vscode.FileType]>> {
  try {
    return await vscode.workspace.fs.readDirectory(folder);
  } catch {
    return [];
  }
}

async function isFile(file: vscode.Uri): Promise<boolean> {
  try {
    return ((await vscode.workspace.fs.stat(file)).type & vscode.FileType.File) !== 0;
  } catch {
    return false;
  }
}

/** The folder's name; with the definition's own folder when it is one of several kinds (`.devcontainer/<kind>/…`). */
function nameOf(folder: vscode.Uri, name: string, file: vscode.Uri): string {
  const parts = file.path.slice(folder.path.length).split('/').filter(Boolean);
  const kind = parts.length === 3 ? parts[1] : undefined;
  return kind === undefined ? name : `${name} (${kind})`;
}
