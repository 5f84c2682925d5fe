import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from '../api/client.ts';
import { ConnectError } from '../api/client.ts';
import { start } from '../host/process.ts';

/** How to start an engine: the program and its first arguments, for instance `node dist/berth.cjs`. */
export interface EngineLauncher {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/**
 * A client of a running engine. When nothing serves the socket, starts one in the background (its own session, so that it
 * survives this terminal) and waits until it says that it serves, or why it does not.
 */
export async function connectOrStart(client: ApiClient, launcher: EngineLauncher): Promise<ApiClient> {
  try {
    await client.send('GET', '/_ping');
    return client;
  } catch (error) {
    if (!(error instanceof ConnectError) || (error.reason !== 'ENOENT' && error.reason !== 'ECONNREFUSED')) throw error;
  }
  try {
    await launch(launcher);
  } catch (error) {
    // Another command is starting one at this very moment: wait for that one to serve.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENGINE_ALREADY_RUNNING')) throw error;
    await waitForSocket(client);
  }
  await client.send('GET', '/_ping');
  return client;
}

async function waitForSocket(client: ApiClient): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    try {
      await client.send('GET', '/_ping');
      return;
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      await delay(50);
    }
  }
}

async function launch(launcher: EngineLauncher): Promise<void> {
  const child = start(launcher.program, [...launcher.args, 'engine', '--on-demand', '--ready-fd', '3'], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: launcher.env,
    cwd: '/',
  });
  const failed = new Promise<never>((_resolve, reject) => child.once('error', reject));
  const said = await Promise.race([readAll(child.stdio[3] as Readable), failed]);
  child.unref();
  const line = said.trim();
  if (line === 'ready') return;
  throw startError(line);
}

function startError(line: string): Error {
  try {
    const { message, code } = JSON.parse(line) as { message: string; code: string };
    return Object.assign(new Error(message), { code, params: {} });
  } catch {
    return Object.assign(new Error(`The engine did not start${line === '' ? '' : `: ${line}`}. See berth engine logs`), { code: 'ENGINE_DID_NOT_START', params: {} });
  }
}

async function readAll(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
