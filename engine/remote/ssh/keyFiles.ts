import { createPrivateKey } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { ParsedKey } from 'ssh2';
import { systemCode } from '../../base/errors.ts';

/** What ssh2 gives to read keys with; passed in because ssh2 is loaded only when a connection is made. */
export type ParseKey = (data: Buffer | string, passphrase?: Buffer | string) => ParsedKey | Error | readonly ParsedKey[];

/** A key file as far as it can be read without its passphrase. */
export type KeyFile =
  | { readonly kind: 'ready'; readonly file: string; readonly key: ParsedKey }
  /** Encrypted, but its public half is known: the passphrase is asked for only when the server wants this key. */
  | { readonly kind: 'locked'; readonly file: string; readonly publicKey: ParsedKey }
  /** Encrypted, and only the passphrase tells which key it is. */
  | { readonly kind: 'sealed'; readonly file: string }
  /** Only the public half is here: an agent may have the other. */
  | { readonly kind: 'public'; readonly file: string; readonly publicKey: ParsedKey }
  /** There, but not for us. `system`: OpenSSH's own client can use it. */
  | { readonly kind: 'unusable'; readonly file: string; readonly why: string; readonly system: boolean };

/** Reads an identity file, with the `.pub` and `-cert.pub` beside it; empty when nothing is there. */
export async function readKeyFile(file: string, parseKey: ParseKey): Promise<KeyFile[]> {
  const [data, beside, certificate] = await Promise.all([readIfThere(file), readIfThere(`${file}.pub`), readIfThere(`${file}-cert.pub`)]);
  const key = await readKey(file, data, beside, parseKey);
  const found: KeyFile[] = key ? [key] : [];
  // The key may do without its certificate: it is offered all the same.
  return certificate === undefined ? found : [...found, { kind: 'unusable', file: `${file}-cert.pub`, why: 'it is a certificate', system: true }];
}

async function readKey(file: string, data: string | undefined, beside: string | undefined, parseKey: ParseKey): Promise<KeyFile | undefined> {
  const named = publicType(beside) ?? publicType(data) ?? publicType(embeddedLine(data));
  if (named?.startsWith('sk-')) return { kind: 'unusable', file, why: 'it is on a security key', system: true };
  if (named?.includes('-cert-')) return { kind: 'unusable', file, why: 'it is a certificate', system: true };
  if (data === undefined) {
    const publicKey = beside === undefined ? undefined : parsed(parseKey(beside));
    return publicKey ? { kind: 'public', file, publicKey } : undefined;
  }
  return classify(file, data, beside, parseKey);
}

/** Opens an encrypted key file; undefined when the passphrase is wrong. */
export async function unlockKeyFile(file: string, passphrase: string, parseKey: ParseKey): Promise<ParsedKey | undefined> {
  const key = parsed(parseKey(portable((await readFile(file)).toString('latin1'), passphrase), passphrase));
  return key?.isPrivateKey() ? key : undefined;
}

async function classify(file: string, data: string, beside: string | undefined, parseKey: ParseKey): Promise<KeyFile> {
  const key = parsed(parseKey(portable(data)));
  if (key && !key.isPrivateKey()) return { kind: 'public', file, publicKey: key };
  if (await isExposed(file)) return { kind: 'unusable', file, why: 'others may read it: chmod 600', system: false };
  if (key) return { kind: 'ready', file, key };
  const encrypted = /ENCRYPTED|^Encryption: (?!none)/m.test(data) || isEncryptedOpenSsh(data);
  if (!encrypted) return { kind: 'unusable', file, why: 'it is no key that can be read here', system: true };
  const embedded = embeddedKey(data);
  const publicKey = parsed(embedded ? parseKey(embedded) : undefined) ?? parsed(beside === undefined ? undefined : parseKey(beside));
  return publicKey ? { kind: 'locked', file, publicKey } : { kind: 'sealed', file };
}

function parsed(result: ReturnType<ParseKey> | undefined): ParsedKey | undefined {
  if (result === undefined || result instanceof Error) return undefined;
  return 'getPublicSSH' in result ? result : result[0];
}

/** PKCS#8, which OpenSSH reads and ssh2 does not, in the older form of the same key. Anything else as it is. */
function portable(text: string, passphrase?: string): string {
  if (!/BEGIN (ENCRYPTED )?PRIVATE KEY/.test(text)) return text;
  try {
    const key = createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) });
    return key.asymmetricKeyType === 'rsa' ? key.export({ type: 'pkcs1', format: 'pem' }).toString() : key.asymmetricKeyType === 'ec' ? key.export({ type: 'sec1', format: 'pem' }).toString() : text;
  } catch {
    return text;
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file)).toString('latin1');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}

/** As OpenSSH: a private key that others can read is not used. */
async function isExposed(file: string): Promise<boolean> {
  if (process.platform === 'win32') return false;
  const { mode, uid } = await stat(file);
  return uid === process.getuid?.() && (mode & 0o077) !== 0;
}

function publicType(text: string | undefined): string | undefined {
  return /^(?:sk-)?(?:ssh|ecdsa)-[\w.@-]+(?= )/.exec(text ?? '')?.[0];
}

const MAGIC = 'openssh-key-v1\0';

function openSshBody(text: string): Buffer | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(text)?.[1];
  const bytes = body === undefined ? undefined : Buffer.from(body, 'base64');
  return bytes?.subarray(0, MAGIC.length).toString('latin1') === MAGIC ? bytes.subarray(MAGIC.length) : undefined;
}

/** Strings of the SSH wire format at the start of an OpenSSH key: cipher, kdf, its options, then (after a count) the public key. */
function header(text: string): { cipher: string; publicKey: Buffer } | undefined {
  const body = openSshBody(text);
  if (!body) return undefined;
  const strings: Buffer[] = [];
  let at = 0;
  for (const skip of [0, 0, 0, 4]) {
    at += skip;
    if (at + 4 > body.length) return undefined;
    const length = body.readUInt32BE(at);
    strings.push(body.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  const [cipher, , , publicKey] = strings;
  return cipher && publicKey ? { cipher: cipher.toString('latin1'), publicKey } : undefined;
}

function isEncryptedOpenSsh(text: string): boolean {
  const found = header(text);
  return found !== undefined && found.cipher !== 'none';
}

function embeddedKey(text: string): Buffer | undefined {
  return header(text)?.publicKey;
}

/** The public key inside a private key file, as a line of a `.pub` file. */
function embeddedLine(text: string | undefined): string | undefined {
  const key = text === undefined ? undefined : embeddedKey(text);
  if (!key || key.length < 4) return undefined;
  return `${key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1')} ${key.toString('base64')}`;
}
