import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { z } from 'zod';
import { systemCode } from '../base/errors.ts';
import { registrySettingsInvalid } from './errors.ts';
import { isLoopback } from './hosts.ts';

const settingsSchema = z.strictObject({
  /** Hosts that may be asked over plain HTTP. */
  insecure: z.array(z.string().min(1)).optional(),
  /** Asked before the registry itself, in this order. */
  mirrors: z.record(z.string(), z.array(z.url({ protocol: /^https?$/ }))).optional(),
  /** Layers of one image that come at the same time. */
  parallelDownloads: z.number().int().min(1).max(32).optional(),
});

/** What is needed to speak TLS to a host, as PEM. */
export interface HostCertificates {
  readonly ca: readonly string[];
  /** The client's, where the registry wants one. */
  readonly client: { readonly cert: string; readonly key: string } | undefined;
}

export interface RegistrySettings {
  isPlain(host: string): boolean;
  /** Addresses such as `https://mirror.example`. */
  mirrorsOf(domain: string): readonly string[];
  certificatesOf(host: string): HostCertificates;
  readonly parallelDownloads: number;
}

/** Where settings are, the first of a kind wins: a folder of ours, then those of Docker and Podman for certificates. */
export function settingsFolders(env: NodeJS.ProcessEnv, uid: number = process.getuid?.() ?? -1): string[] {
  if (env['BERTH_REGISTRY_CONFIG']) return [env['BERTH_REGISTRY_CONFIG']];
  const own = uid === 0 ? [] : [join(env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? '/', '.config'), 'berth')];
  return [...own, '/etc/berth', '/etc/docker', '/etc/containers'];
}

/** Reads `registries.json` and remembers where certificates are. Throws REGISTRY_SETTINGS_INVALID. */
export function readSettings(folders: readonly string[]): RegistrySettings {
  const { insecure = [], mirrors = {}, parallelDownloads = 3 } = readFirst(folders.map((folder) => join(folder, 'registries.json')));
  return {
    parallelDownloads,
    isPlain: (host) => (isLoopback(host) && !folders.some((folder) => existsSync(join(folder, 'certs.d', host)))) || insecure.includes(host),
    mirrorsOf: (domain) => mirrors[domain] ?? [],
    certificatesOf: (host) => certificatesIn(folders.map((folder) => join(folder, 'certs.d', host))),
  };
}

function readFirst(paths: readonly string[]): z.infer<typeof settingsSchema> {
  const path = paths.find((one) => existsSync(one));
  if (path === undefined) return {};
  try {
    return settingsSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    const detail = error instanceof z.ZodError ? error.issues.map((issue) => `${issue.path.map(String).join('.') || 'it'}: ${issue.message}`).join('; ') : error instanceof Error ? error.message : String(error);
    throw registrySettingsInvalid({ path, detail }, { cause: error });
  }
}

/** Docker's layout of `certs.d/<host>`: every `*.crt` is an authority; `x.cert` and `x.key` are a client's. */
function certificatesIn(folders: readonly string[]): HostCertificates {
  const files = folders.flatMap((folder) => namesIn(folder).map((name) => join(folder, name)));
  const ca = files.filter((file) => file.endsWith('.crt')).map(read);
  const certFile = files.find((file) => file.endsWith('.cert'));
  if (certFile === undefined) return { ca, client: undefined };
  const keyFile = certFile.replace(/\.cert$/, '.key');
  if (!existsSync(keyFile)) throw registrySettingsInvalid({ path: certFile, detail: `its key ${keyFile} is missing` });
  return { ca, client: { cert: read(certFile), key: read(keyFile) } };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw registrySettingsInvalid({ path: folder, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw registrySettingsInvalid({ path, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
}

/** Where distributions keep the authorities that the host's administrator trusts. */
const BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/ca-bundle.pem', '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem', '/etc/ssl/cert.pem'];

/** The authorities of this host; Node's own where it has none. */
export function systemAuthorities(env: NodeJS.ProcessEnv = process.env): readonly string[] {
  const path = [env['SSL_CERT_FILE'], ...BUNDLES].find((one) => one !== undefined && existsSync(one));
  const found = path === undefined ? [] : (read(path).match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []);
  return found.length > 0 ? found : rootCertificates;
}
