import { createHash } from 'node:crypto';
import { formatPlatform, normalPlatform } from '../../base/platform.ts';
import type { ImageRecord } from '../imageRecord.ts';
import type { FoundPackage, FoundPackages } from './collectPackages.ts';

export const SPDX_PREDICATE = 'https://spdx.dev/Document';
const NONE = 'NOASSERTION';

/** An SPDX 2.3 document of what is in an image. Pure: the same image makes the same document. */
export function spdxDocument(image: Pick<ImageRecord, 'manifestDigest' | 'config' | 'created'>, { packages, distribution }: FoundPackages): object {
  const [, hex = ''] = image.manifestDigest.split(':');
  const root = { SPDXID: 'SPDXRef-Image', name: image.manifestDigest, versionInfo: image.manifestDigest, downloadLocation: NONE, filesAnalyzed: false, licenseConcluded: NONE, licenseDeclared: NONE, copyrightText: NONE, primaryPackagePurpose: 'CONTAINER', checksums: [{ algorithm: 'SHA256', checksumValue: hex }] };
  const rows = packages.map((one) => spdxPackage(one, distribution));
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `${formatPlatform(normalPlatform(image.config))} ${image.manifestDigest}`,
    documentNamespace: `https://spdx.org/spdxdocs/berth-image-${hex}`,
    creationInfo: { creators: ['Organization: Berth', 'Tool: berth'], created: new Date(Math.floor((Date.parse(image.created) || 0) / 1000) * 1000).toISOString().replace('.000Z', 'Z') },
    packages: [root, ...rows],
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relatedSpdxElement: root.SPDXID, relationshipType: 'DESCRIBES' },
      ...rows.map(({ SPDXID }) => ({ spdxElementId: root.SPDXID, relatedSpdxElement: SPDXID, relationshipType: 'CONTAINS' })),
    ],
  };
}

function spdxPackage(one: FoundPackage, distribution: FoundPackages['distribution']): { readonly SPDXID: string } {
  const purl = packageUrl(one, distribution);
  const id = createHash('sha256').update(`${purl} ${one.path}`).digest('hex').slice(0, 16);
  return {
    SPDXID: `SPDXRef-Package-${one.type}-${one.name.replace(/[^A-Za-z0-9.-]/g, '-')}-${id}`,
    name: one.name,
    versionInfo: one.version,
    ...(one.maintainer === undefined ? {} : { supplier: supplierOf(one.maintainer) }),
    downloadLocation: NONE,
    filesAnalyzed: false,
    sourceInfo: `acquired package info from ${one.path}`,
    licenseConcluded: NONE,
    // Only what is written as SPDX wants it is an assertion.
    licenseDeclared: one.license !== undefined && /^[A-Za-z0-9.+-]+$/.test(one.license) && one.type === 'npm' ? one.license : NONE,
    copyrightText: NONE,
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
  } as { readonly SPDXID: string };
}

/** `Name <mail>` is a person, unless it says that it is many. */
function supplierOf(maintainer: string): string {
  const [, name = maintainer, mail] = /^(.*?)\s*<([^>]*)>$/.exec(maintainer) ?? [];
  const kind = mail === undefined || /\b(team|maintainers|developers|project|group|list)\b/i.test(name) ? 'Organization' : 'Person';
  return `${kind}: ${name}${mail === undefined ? '' : ` (${mail})`}`;
}

/** `pkg:deb/debian/bash@5.2.15-2?arch=amd64&distro=debian-12` */
export function packageUrl({ type, name, version, architecture, source }: FoundPackage, distribution: FoundPackages['distribution']): string {
  const part = (text: string): string => encodeURIComponent(text).replaceAll('%3A', ':').replaceAll('%2B', '+');
  if (type === 'npm' || type === 'pypi') {
    const plain = type === 'pypi' ? name.toLowerCase().replaceAll('_', '-') : name;
    return `pkg:${type}/${plain.split('/').map(encodeURIComponent).join('/')}@${part(version)}`;
  }
  const qualifiers = [
    ...(architecture === undefined ? [] : [`arch=${part(architecture)}`]),
    ...(distribution ? [`distro=${part(`${distribution.id}${distribution.version === '' ? '' : `-${distribution.version}`}`)}`] : []),
    ...(source === undefined || source === name ? [] : [`upstream=${part(source)}`]),
  ];
  return `pkg:${type}/${part(distribution?.id ?? type)}/${part(name)}@${part(version)}${qualifiers.length > 0 ? `?${qualifiers.join('&')}` : ''}`;
}
