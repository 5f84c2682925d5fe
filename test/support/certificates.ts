import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../engine/host/process.ts';

export interface Authority {
  readonly ca: string;
  /** Makes a key and a certificate; returns the files. */
  issue(name: string): Promise<{ readonly cert: string; readonly key: string }>;
}

/** A certificate authority of the test's own, and what it signs: for `localhost` and 127.0.0.1. */
export async function makeAuthority(folder: string): Promise<Authority> {
  const file = (name: string): string => join(folder, name);
  const openssl = (args: readonly string[]): Promise<unknown> => run('openssl', args, { cwd: folder });
  await openssl(['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=Test authority', '-keyout', 'ca.key', '-out', 'ca.crt']);
  return {
    ca: file('ca.crt'),
    issue: async (name) => {
      await writeFile(file(`${name}.ext`), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
      await openssl(['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`]);
      await openssl(['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`, '-out', `${name}.crt`]);
      await readFile(file(`${name}.crt`));
      return { cert: file(`${name}.crt`), key: file(`${name}.key`) };
    },
  };
}
