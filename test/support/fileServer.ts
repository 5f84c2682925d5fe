import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { run, start } from '../../engine/host/process.ts';

/** A web server at 127.0.0.1 until it is disposed. */
export interface TestServer extends AsyncDisposable {
  /** Of a path that begins with `/`. */
  url(path: string): string;
}

/** Serves the files of a folder: those that end with `.txt` as text, others as bytes of no type, as most servers do with what they do not know. */
export function serveFiles(folder: string): Promise<TestServer> {
  return serve(createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://x');
    const type = pathname.endsWith('.txt') ? 'text/plain' : 'application/octet-stream';
    readFile(join(folder, pathname)).then((data) => response.writeHead(200, { 'Content-Type': type }).end(data), () => response.writeHead(404).end());
  }));
}

/** Serves the Git repositories of a folder by HTTP, with Git's own program for it. */
export function serveRepositories(folder: string): Promise<TestServer> {
  return serve(createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://x');
    const env = { ...process.env, GIT_PROJECT_ROOT: folder, GIT_HTTP_EXPORT_ALL: '1', PATH_INFO: pathname, QUERY_STRING: search.slice(1), REQUEST_METHOD: request.method ?? 'GET', CONTENT_TYPE: request.headers['content-type'] ?? '', HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '', GIT_PROTOCOL: String(request.headers['git-protocol'] ?? '') };
    const child = start('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
    if (child.stdin) request.pipe(child.stdin);
    const parts: Buffer[] = [];
    child.stdout?.on('data', (part: Buffer) => void parts.push(part));
    child.once('close', () => {
      const answer = Buffer.concat(parts);
      const end = answer.indexOf('\r\n\r\n');
      const headers = new Map(answer.subarray(0, end).toString('latin1').split('\r\n').map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
      response.writeHead(Number.parseInt(headers.get('status') ?? '200', 10), { 'Content-Type': headers.get('content-type') ?? '' }).end(answer.subarray(end + 4));
    });
  }));
}

async function serve(server: ReturnType<typeof createServer>): Promise<TestServer> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (path) => `http://127.0.0.1:${port}${path}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

/** Both, in the network namespace at this path (`''`: ours). */
export async function serveIn(netns: string, folder: string): Promise<{ readonly files: string; readonly repositories: string } & AsyncDisposable> {
  const [program = '', ...args] = [...(netns === '' ? [] : ['nsenter', `--net=${netns}`]), process.execPath, '--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'fileServerChild.ts'), folder];
  const child = start(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  if (!child.stdout) throw new Error('it has no output');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const [files = '', repositories = ''] = JSON.parse(line.toString()) as string[];
  return {
    files,
    repositories,
    [Symbol.asyncDispose]: async () => {
      child.stdin?.end();
      await closed;
    },
  };
}

/** A repository with one commit of what the folder holds; `ref` names it. */
export async function commitAll(folder: string, ref: string): Promise<void> {
  const git = (...args: string[]): Promise<unknown> => run('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args]);
  await git('init', '-q', '-b', ref);
  await git('add', '.');
  await git('commit', '-qm', 'one');
}
