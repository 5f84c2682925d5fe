import { readFileSync } from 'node:fs';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { badRequest } from '../../base/errors.ts';
import { resolveInRoot } from '../context/resolveInRoot.ts';
import type { StepMount } from '../ports.ts';

/** Where distributions keep the authorities that are trusted. */
const BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/ca-bundle.pem', '/etc/ssl/cert.pem'];
const MOST_BYTES = 8 * 1024 * 1024;

const FOLDER = '/run/berth-certificates';
const BUNDLE = `${FOLDER}/ca.crt`;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The variables by which OpenSSL, curl, git, Node, Python's requests and pip, cargo, the AWS tools, wget and apt are told of a bundle. Nothing of an image's own is in the way: a package manager may replace that meanwhile. */
const ENV = [
  ...['SSL_CERT_FILE', 'CURL_CA_BUNDLE', 'GIT_SSL_CAINFO', 'NODE_EXTRA_CA_CERTS', 'REQUESTS_CA_BUNDLE', 'PIP_CERT', 'CARGO_HTTP_CAINFO', 'AWS_CA_BUNDLE'].map((name) => `${name}=${BUNDLE}`),
  `APT_CONFIG=${FOLDER}/apt.conf`,
  `WGETRC=${FOLDER}/wgetrc`,
];

export interface Trust {
  readonly mounts: readonly StepMount[];
  readonly env: readonly string[];
}

/** Authorities of this host that RUN trusts too. They are mounted while a command runs, and count for no key: no layer and no image has anything of them. */
export class BuildCertificates {
  readonly #own: readonly string[];

  private constructor(own: readonly string[]) {
    this.#own = own;
  }

  /** BERTH_BUILD_CERTIFICATES: `host` (those that this host trusts), or a file (PEM), whose authorities come beside those. Absent: none. Throws BAD_REQUEST. */
  static of(env: NodeJS.ProcessEnv, host: () => readonly string[]): BuildCertificates | undefined {
    const setting = env['BERTH_BUILD_CERTIFICATES'] ?? '';
    if (setting === '') return undefined;
    return new BuildCertificates(setting === 'host' ? host() : [...host(), ...certificatesIn(setting)]);
  }

  /** What a command on these layers (topmost first) sees: this host's authorities, and those that its own files name. */
  async forStep(lowerDirs: readonly string[]): Promise<Trust> {
    const bundle = [...new Set([...(await inLayers(lowerDirs)), ...this.#own])].join('\n');
    const file = (name: string, text: string): StepMount => ({ kind: 'file', target: `${FOLDER}/${name}`, content: Buffer.from(`${text}\n`), mode: 0o444, uid: 0, gid: 0 });
    return { mounts: [file('ca.crt', bundle), file('apt.conf', `Acquire::https::CaInfo "${BUNDLE}";`), file('wgetrc', `ca_certificate = ${BUNDLE}`)], env: ENV };
  }
}

function certificatesIn(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw badRequest({ what: 'BERTH_BUILD_CERTIFICATES', detail: error instanceof Error ? error.message : String(error) });
  }
  const found = text.match(CERTIFICATE);
  if (!found) throw badRequest({ what: 'BERTH_BUILD_CERTIFICATES', detail: `${path} has no certificate (PEM) in it` });
  return found;
}

/** The topmost bundle of the files below a step; no link leads out of a layer. */
async function inLayers(lowerDirs: readonly string[]): Promise<string[]> {
  for (const bundle of BUNDLES) {
    for (const layer of lowerDirs) {
      const path = join(layer, await resolveInRoot(lowerDirs, bundle).catch(() => bundle));
      const stats = await lstat(path).catch(() => undefined);
      if (stats?.isFile() && stats.size <= MOST_BYTES) return (await readFile(path, 'utf8')).match(CERTIFICATE) ?? [];
    }
  }
  return [];
}
