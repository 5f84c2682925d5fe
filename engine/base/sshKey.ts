import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';

/** An ed25519 key pair in OpenSSH's own formats. */
export interface SshKeyPair {
  /** A private key file, not encrypted. */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA… comment`. */
  readonly publicKey: string;
}

const KIND = Buffer.from('ssh-ed25519');
const BLOCK = 8;

/** Generates a key pair. OpenSSH reads ed25519 keys in no format but its own, which Node does not write. */
export function generateSshKey(comment: string): SshKeyPair {
  const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const seed = Buffer.from(d, 'base64url');
  const point = Buffer.from(x, 'base64url');
  const blob = publicBlob(point);
  const check = randomBytes(4);
  const secret = Buffer.concat([check, check, field(KIND), field(point), field(Buffer.concat([seed, point])), field(Buffer.from(comment))]);
  const padding = Buffer.from(Array.from({ length: (BLOCK - (secret.length % BLOCK)) % BLOCK }, (_none, index) => index + 1));
  const none = field(Buffer.from('none'));
  const one = Buffer.from([0, 0, 0, 1]);
  const file = Buffer.concat([Buffer.from('openssh-key-v1\0'), none, none, field(Buffer.alloc(0)), one, field(blob), field(Buffer.concat([secret, padding]))]);
  const lines = file.toString('base64').match(/.{1,70}/g) ?? [];
  return {
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`,
    publicKey: `${KIND.toString()} ${blob.toString('base64')} ${comment}`,
  };
}

/** The base64 part of an ed25519 public key line; `undefined` when it is none. */
export function publicKeyBlob(line: string): string | undefined {
  const [kind, blob = ''] = line.trim().split(/\s+/);
  if (kind !== KIND.toString()) return undefined;
  const bytes = Buffer.from(blob, 'base64');
  const start = 4 + KIND.length + 4;
  if (bytes.length !== start + 32 || !bytes.subarray(0, start).equals(publicBlob(Buffer.alloc(32)).subarray(0, start))) return undefined;
  try {
    createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: bytes.subarray(start).toString('base64url') } });
    return bytes.toString('base64');
  } catch {
    return undefined;
  }
}

function publicBlob(point: Buffer): Buffer {
  return Buffer.concat([field(KIND), field(point)]);
}

function field(data: Buffer): Buffer {
  const framed = Buffer.alloc(4 + data.length);
  framed.writeUInt32BE(data.length);
  data.copy(framed, 4);
  return framed;
}
