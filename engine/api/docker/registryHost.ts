/** Docker Hub as people write it, and the address that Docker's clients key its credentials by. */
const HUB = 'docker.io';
export const hubAddress = 'https://index.docker.io/v1/';

/** The registry that `docker login` means: a host, an address, Docker Hub's old address. */
export function registryDomain(address: string): string {
  const host = address.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return host === '' || host === 'index.docker.io' || host === 'registry-1.docker.io' || host === 'registry.hub.docker.com' ? HUB : host;
}

/** The registry of an image's name. */
export function registryOf(image: string): string {
  const slash = image.indexOf('/');
  const first = slash < 0 ? '' : image.slice(0, slash);
  return /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase() ? registryDomain(first) : HUB;
}

/** What credentials of a registry are kept under. */
export function credentialKey(domain: string): string {
  return domain === HUB ? hubAddress : domain;
}
