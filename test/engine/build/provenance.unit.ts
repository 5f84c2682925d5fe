import assert from 'node:assert/strict';
import { provenance } from '../../../engine/build/attest/provenance.ts';
import type { ProvenanceFacts } from '../../../engine/build/attest/provenance.ts';
import { parseDockerfile } from '../../../engine/build/dockerfile/parse.ts';
import { outlineBuild } from '../../../engine/build/plan/outline.ts';
import { planBuild } from '../../../engine/build/plan/planBuild.ts';

const platform = { os: 'linux', architecture: 'amd64' };
const text = 'FROM scratch AS a\nARG API_KEY\nRUN make $API_KEY\nADD https://user:pw@files.example/x /x\nFROM scratch\nCOPY --from=a /x /y\n';

function facts(buildArgs: Record<string, string>, more: Partial<ProvenanceFacts> = {}): ProvenanceFacts {
  const options = { buildArgs, labels: {}, network: 'default' as const, platform };
  const plan = planBuild(outlineBuild(parseDockerfile(text), options), new Map(), options);
  return { plan, dockerfile: { name: 'Dockerfile', text }, bases: [], buildArgs, labels: { l: '1' }, contexts: [], secrets: ['token'], sshAgents: [], hidden: ['the-secret'], platform, buildPlatform: platform, started: 1_000, finished: 2_000, ...more };
}

const v1 = { version: 'v1', mode: 'max' } as const;

describe('the provenance of a build', () => {
  it('has the time of everything where there is one, so that it is the same each time', () => {
    const reproducible = { SOURCE_DATE_EPOCH: '86400' };
    assert.deepEqual(provenance(facts(reproducible), v1), provenance(facts(reproducible, { started: 5_000, finished: 9_000 }), v1));
    assert.match(JSON.stringify(provenance(facts(reproducible), v1)), /"startedOn":"1970-01-02T00:00:00.000Z"/);
    assert.match(JSON.stringify(provenance(facts({}), v1)), /"startedOn":"1970-01-01T00:00:01.000Z","finishedOn":"1970-01-01T00:00:02.000Z"/);
  });

  it('min tells no values, neither of arguments nor of labels, and no ids of secrets', () => {
    const min = JSON.stringify(provenance(facts({ MODE: 'a-value' }), { version: 'v1', mode: 'min' }));
    for (const word of ['a-value', 'token', 'label:l', 'llbDefinition', '"data"']) assert.ok(!min.includes(word), word);
    const settings = { hosts: [{ name: 'db', address: '10.1.2.3' }], shmSize: 4096, ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }] };
    assert.ok(!JSON.stringify(provenance(facts({}, { settings }), { version: 'v1', mode: 'min' })).includes('10.1.2.3'));
    const max = JSON.stringify(provenance(facts({ MODE: 'a-value' }, { settings }), v1));
    for (const word of ['"add-hosts":"db=10.1.2.3","shm-size":"4096","ulimit":"nofile=1:2"', '"build-arg:MODE":"a-value"', '"label:l":"1"', '"id":"token"', 'llbDefinition']) assert.ok(max.includes(word), word);
  });

  it('has no secret in any form: not of an argument that is called one, not in what the Dockerfile says, not in an address', () => {
    for (const version of ['v1', 'v0.2'] as const) {
      const document = JSON.stringify(provenance(facts({ API_KEY: 'k3y' }, { dockerfile: { name: 'Dockerfile', text: `${text}# the-secret k3y\n` } }), { version, mode: 'max' }));
      const data = Buffer.from(/"data":"([^"]*)"/.exec(document)?.[1] ?? '', 'base64').toString();
      for (const word of ['k3y', 'the-secret', 'user:pw']) assert.ok(!document.includes(word) && !data.includes(word), word);
      assert.ok(data.includes('FROM scratch AS a'));
    }
  });

  it('is of the form that its version has, and says whether all sources are known', () => {
    const old = provenance(facts({}), { version: 'v0.2', mode: 'max', builderId: 'https://ci.example' });
    assert.equal(old.predicateType, 'https://slsa.dev/provenance/v0.2');
    const document = old.predicate as { builder: unknown; metadata: { completeness: unknown } };
    assert.deepEqual([document.builder, document.metadata.completeness], [{ id: 'https://ci.example' }, { parameters: true, environment: true, materials: false }]);
    const source = { uri: 'https://git.example/app.git', digest: { sha1: 'c'.repeat(40) } };
    const git = provenance(facts({}, { source }), v1).predicate as { buildDefinition: { externalParameters: { configSource: unknown }; resolvedDependencies: unknown[] } };
    assert.deepEqual(git.buildDefinition.externalParameters.configSource, { ...source, path: 'Dockerfile' });
    assert.deepEqual(git.buildDefinition.resolvedDependencies, [source]);
  });
});
