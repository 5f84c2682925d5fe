import { createHash, createPrivateKey, createPublicKey, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';

export interface TokenRequest {
  readonly method: string;
  readonly scopes: readonly string[];
  readonly grant: string | undefined;
}

/** Gives the tokens that docker-registry wants: signed, for a user's name and password or for the refresh token that it gave. */
export class TokenServer {
  readonly realm: string;
  readonly asked: TokenRequest[] = [];
  /** Seconds. */
  life = 300;
  /** So many requests are told to come again at once. */
  busy = 0;
  readonly #close: () => void;
  readonly #key: string;
  readonly #user: { readonly name: string; readonly password: string };
  static readonly refreshToken = 'refresh-secret';

  private constructor(realm: string, key: string, user: { name: string; password: string }, close: () => void) {
    this.realm = realm;
    this.#key = key;
    this.#user = user;
    this.#close = close;
  }

  static async start(keyFile: string, user: { name: string; password: string }): Promise<TokenServer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const tokens = new TokenServer(`http://127.0.0.1:${(server.address() as AddressInfo).port}/token`, await readFile(keyFile, 'utf8'), user, () => {
      server.closeAllConnections();
      server.close();
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void tokens.#answer(request, response));
    return tokens;
  }

  close(): void {
    this.#close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.busy > 0) {
      this.busy -= 1;
      response.writeHead(this.busy % 2 === 0 ? 429 : 503, { 'Retry-After': '0' }).end();
      return;
    }
    let body = '';
    for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString();
    const query = request.method === 'POST' ? new URLSearchParams(body) : new URL(request.url ?? '/', 'http://x').searchParams;
    const scopes = query.getAll('scope').flatMap((scope) => scope.split(' '));
    this.asked.push({ method: request.method ?? '', scopes, grant: query.get('grant_type') ?? undefined });
    const basic = `Basic ${Buffer.from(`${this.#user.name}:${this.#user.password}`).toString('base64')}`;
    const allowed = request.method === 'POST' ? query.get('refresh_token') === TokenServer.refreshToken : request.headers.authorization === basic;
    if (!allowed) {
      response.writeHead(401, { 'Content-Type': 'application/json' }).end('{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}');
      return;
    }
    const token = this.#token(scopes);
    response.end(JSON.stringify({ token, access_token: token, expires_in: this.life, ...(query.get('offline_token') === 'true' ? { refresh_token: TokenServer.refreshToken } : {}) }));
  }

  #token(scopes: readonly string[]): string {
    const access = scopes.map((scope) => {
      const [type, name, actions = ''] = scope.split(':');
      return { type, name, actions: actions.split(',') };
    });
    const now = Math.floor(Date.now() / 1000);
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { iss: 'test', sub: this.#user.name, aud: 'test', exp: now + this.life, nbf: now - 10, iat: now, jti: randomUUID(), access };
    const text = `${encode({ typ: 'JWT', alg: 'ES256', kid: keyId(this.#key) })}.${encode(claims)}`;
    return `${text}.${sign('sha256', Buffer.from(text), { key: createPrivateKey(this.#key), dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }
}

/** libtrust's name of a key: 30 bytes of the digest of the public key, in groups of four letters. */
function keyId(privateKey: string): string {
  const der = createPublicKey(createPrivateKey(privateKey)).export({ type: 'spki', format: 'der' });
  const bytes = createHash('sha256').update(der).digest().subarray(0, 30);
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xffff;
    for (bits += 8; bits >= 5; bits -= 5) text += letters[(value >> (bits - 5)) & 31] ?? '';
  }
  return (text.match(/.{4}/g) ?? []).join(':');
}
