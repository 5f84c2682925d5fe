import { posix } from 'node:path';

export interface EditorCustomizations {
  /** Ids (`publisher.name`, `…@version`) and absolute paths of `.vsix` files inside, in order, each once. */
  readonly extensions: readonly string[];
  readonly settings: Readonly<Record<string, unknown>>;
}

/**
 * What `customizations.vscode` of image and devcontainer.json ask of the editor, later entries last: `-id` takes back what an earlier one
 * asked for, a setting replaces an earlier one. Pure. `folder`: the workspace folder inside, to which paths are relative.
 */
export function editorCustomizations(entries: readonly unknown[], folder: string): EditorCustomizations {
  const extensions = new Map<string, string>();
  const settings: Record<string, unknown> = {};
  for (const entry of entries.filter(isRecord)) {
    for (const one of strings(entry['extensions'])) {
      if (one.startsWith('-')) extensions.delete(keyOf(one.slice(1)));
      else extensions.set(keyOf(one), one.endsWith('.vsix') ? posix.resolve(folder, one) : one);
    }
    if (isRecord(entry['settings'])) Object.assign(settings, entry['settings']);
  }
  return { extensions: [...extensions.values()], settings };
}

/** The same extension whatever its version and its letters' case. */
function keyOf(extension: string): string {
  return extension.endsWith('.vsix') ? extension : (extension.split('@')[0] ?? '').toLowerCase();
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string' && one.trim() !== '').map((one) => one.trim()) : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
