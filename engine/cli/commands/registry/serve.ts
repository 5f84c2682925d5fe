import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { badRequest } from '../../../base/errors.ts';
import type { CliContext } from '../../context.ts';
import { Htpasswd } from '../../registry/htpasswd.ts';

interface ServeOptions {
  readonly listen: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly htpasswd?: string;
  readonly write?: boolean;
  readonly quiet?: boolean;
}

/** `berth registry serve`. */
export function registerServe(parent: Command, context: CliContext): void {
  parent
    .command('serve')
    .description('serve the images that are here to other machines, as a registry, until Ctrl+C')
    .option('--listen <[address:]port>', 'where', '127.0.0.1:5000')
    .option('--tls-cert <file>', 'certificate (PEM) for TLS')
    .option('--tls-key <file>', 'its key (PEM)')
    .option('--htpasswd <file>', 'users and their passwords, as htpasswd -B writes them; without it everybody may read')
    .option('--write', 'let clients push and delete')
    .option('-q, --quiet', 'no line for each request')
    .action((options: ServeOptions) => serve(context, options));
}

async function serve(context: CliContext, options: ServeOptions): Promise<void> {
  const { host, port } = parseListen(options.listen);
  const users = options.htpasswd === undefined ? undefined : new Htpasswd(resolve(context.cwd, options.htpasswd));
  await users?.users();
  const tls = await readTls(context, options);
  await context.engine();
  const { createFront } = await import('../../registry/registryFront.ts'); // with TLS, which no other command needs
  const server = createFront({ engine: () => context.engine(), users, tls, write: options.write ?? false, log: (line) => options.quiet === true || context.stderr.write(`${line}\n`) });
  server.listen(port, host);
  await Promise.race([once(server, 'listening'), once(server, 'error').then(([error]) => Promise.reject(error as Error))]);
  const { address, port: bound } = server.address() as AddressInfo;
  warn(context, options, address);
  context.stdout.write(`Serving the images of this engine at ${tls ? 'https' : 'http'}://${address.includes(':') ? `[${address}]` : address}:${bound}${options.write === true ? ', for reading and writing' : ''}\n`);
  if (!context.signal.aborted) await once(context.signal, 'abort');
  server.close();
  server.closeAllConnections();
}

/** What a network may do that its owner perhaps did not mean. */
function warn({ stderr }: CliContext, { tlsCert, htpasswd, write }: ServeOptions, address: string): void {
  if (/^(127\.|::1$)/.test(address)) return;
  if (htpasswd === undefined) stderr.write(`Everybody who reaches ${address} may read all images here${write === true ? ', push and delete' : ''}: --htpasswd asks for a password.\n`);
  if (tlsCert === undefined) stderr.write(`Without --tls-cert, what is sent${htpasswd === undefined ? '' : ', passwords too,'} can be read on the way; clients must name this registry insecure.\n`);
}

async function readTls(context: CliContext, { tlsCert, tlsKey }: ServeOptions): Promise<{ cert: Buffer; key: Buffer } | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) throw badRequest({ what: 'berth registry serve', detail: 'TLS needs both --tls-cert and --tls-key' });
  const [cert, key] = await Promise.all([readFile(resolve(context.cwd, tlsCert)), readFile(resolve(context.cwd, tlsKey))]);
  return { cert, key };
}

/** `5000`, `:5000`, `0.0.0.0:5000`, `[::]:5000`. Throws BAD_REQUEST. */
function parseListen(text: string): { host: string; port: number } {
  const match = /^(?:(\[[0-9a-fA-F:]+\]|[^:[\]]*):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > 65535) throw badRequest({ what: '--listen', detail: `"${text}" is no address and port such as 127.0.0.1:5000` });
  return { host: (match[1] ?? '127.0.0.1').replace(/^\[|\]$/g, '') || '0.0.0.0', port };
}
