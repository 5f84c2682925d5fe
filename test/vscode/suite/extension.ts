import assert from 'node:assert/strict';
import * as vscode from 'vscode';

/** The extension under test, active. */
export async function activated(): Promise<vscode.Extension<unknown>> {
  const extension = vscode.extensions.getExtension('berth.berth');
  assert.ok(extension, 'the extension is not installed');
  await extension.activate();
  return extension;
}

/** Waits until something is there, at most 20 seconds. */
export async function eventually<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what}: not within 20 seconds`);
}
