import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { apkPackages, dpkgPackages } from '../../../engine/images/imagePackages.ts';
import { makeAttestation, retarget } from '../../../engine/images/attestations.ts';
import { manifestSchema } from '../../../engine/content/oci.ts';
import { rpmPackages } from '../../../engine/images/sbom/rpm.ts';
import { packageUrl, spdxDocument } from '../../../engine/images/sbom/spdx.ts';

const digest = (fill: string): string => `sha256:${fill.repeat(64)}`;

describe('the list of what is installed', () => {
  it('reads what dpkg and apk say, and leaves out what is no longer installed', () => {
    const status = 'Package: bash\nStatus: install ok installed\nArchitecture: amd64\nMaintainer: Matthias Klose <doko@debian.org>\nVersion: 5.2.15-2\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: libgcc-s1\nStatus: install ok installed\nSource: gcc-12 (12.2.0-14)\nVersion: 12.2.0-14\n';
    assert.deepEqual([...dpkgPackages(status)], [{ name: 'bash', version: '5.2.15-2', architecture: 'amd64', maintainer: 'Matthias Klose <doko@debian.org>' }, { name: 'libgcc-s1', version: '12.2.0-14', source: 'gcc-12' }]);
    assert.deepEqual([...apkPackages('C:Q1\nP:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\no:musl\n\n')], [{ name: 'musl', version: '1.2.5-r0', architecture: 'x86_64', license: 'MIT', source: 'musl' }]);
  });

  it("reads a database that rpm itself has written, and leaves nothing beside it", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-rpm-'));
    try {
      const file = join(folder, 'rpmdb.sqlite');
      writeFileSync(file, gunzipSync(readFileSync(resolve(import.meta.dirname, '../../fixtures/rpm/rpmdb.sqlite.gz'))));
      assert.deepEqual(await rpmPackages(file), [{ name: 'berthtest', version: '4:1.2-3', architecture: 'noarch', maintainer: 'Somebody', license: 'MIT', source: 'berthtest-1.2-3.src.rpm' }]);
      assert.deepEqual(readdirSync(folder), ['rpmdb.sqlite']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('names packages as package URLs', () => {
    const debian = { id: 'debian', version: '12' };
    assert.equal(packageUrl({ type: 'deb', name: 'libstdc++6', version: '1:2.3+b1', architecture: 'amd64', source: 'gcc-12', path: '' }, debian), 'pkg:deb/debian/libstdc++6@1:2.3+b1?arch=amd64&distro=debian-12&upstream=gcc-12');
    assert.equal(packageUrl({ type: 'npm', name: '@types/node', version: '1.0.0', path: '' }, debian), 'pkg:npm/%40types/node@1.0.0');
    assert.equal(packageUrl({ type: 'pypi', name: 'Typing_Extensions', version: '4.0', path: '' }, undefined), 'pkg:pypi/typing-extensions@4.0');
  });

  it('is the same document for the same image, each package once', () => {
    const image = { manifestDigest: digest('a'), created: '2020-01-02T03:04:05.678Z', config: { os: 'linux', architecture: 'arm64', rootfs: { type: 'layers' as const, diff_ids: [] } } };
    const found = { packages: [{ type: 'deb' as const, name: 'a b', version: '1', path: '/var/lib/dpkg/status', maintainer: 'A Team <a@b>' }], distribution: { id: 'debian', version: '12' } };
    const document = spdxDocument(image, found) as { creationInfo: { created: string }; packages: Array<{ SPDXID: string; supplier?: string }>; relationships: Array<{ relatedSpdxElement: string }> };
    assert.deepEqual(spdxDocument(image, found), document);
    assert.equal(document.creationInfo.created, '2020-01-02T03:04:05Z');
    assert.equal(document.packages[1]?.supplier, 'Organization: A Team (a@b)');
    assert.match(document.packages[1].SPDXID, /^SPDXRef-Package-deb-a-b-[0-9a-f]{16}$/);
    assert.deepEqual(document.relationships.map(({ relatedSpdxElement }) => relatedSpdxElement), document.packages.map(({ SPDXID }) => SPDXID));
  });
});

describe('an attestation', () => {
  it('speaks of another manifest where the image has one there, and of nothing else', () => {
    const names = ['pkg:docker/app@1?platform=linux%2Famd64'];
    const here = makeAttestation(digest('a'), names, [{ predicateType: 'https://slsa.dev/provenance/v1', predicate: { x: 1 } }]);
    const there = retarget(manifestSchema.parse(JSON.parse(here.manifest.bytes.toString())), here.statements.map(({ bytes }) => bytes), digest('b'));
    assert.deepEqual(there, makeAttestation(digest('b'), names, [{ predicateType: 'https://slsa.dev/provenance/v1', predicate: { x: 1 } }]));
    assert.equal(there.descriptor.annotations?.['vnd.docker.reference.digest'], digest('b'));
    assert.deepEqual(JSON.parse(there.config.bytes.toString()), { architecture: 'unknown', os: 'unknown', config: {}, rootfs: { type: 'layers', diff_ids: there.statements.map((one) => one.digest) } });
  });
});
