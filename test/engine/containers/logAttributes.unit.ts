import assert from 'node:assert/strict';
import { attributeOptions, logAttributes } from '../../../engine/containers/logAttributes.ts';
import { LogDecoder } from '../../../engine/host/containerLog.ts';

const record = (options: Record<string, string>) => ({
  id: 'abcdef0123456789',
  name: 'web',
  imageId: 'sha256:0123456789abcdef',
  imageRef: 'debian:bookworm',
  config: { Labels: { 'com.x': 'a b', other: '1' }, Env: ['ONE=1=2', 'TWO=ü', 'EMPTY='] },
  hostConfig: { LogConfig: { Type: 'json-file', Config: options } },
});

describe('details of logs', () => {
  it('are the labels and variables that the options name, sorted and escaped as docker does', () => {
    assert.equal(logAttributes(record({})), '');
    assert.equal(logAttributes(record({ labels: 'com.x, none', env: 'TWO,ONE' })), 'ONE=1%3D2,TWO=%C3%BC,com.x=a+b');
    assert.equal(logAttributes(record({ 'labels-regex': '^oth', 'env-regex': '^EM' })), 'EMPTY=,other=1');
    assert.equal(logAttributes(record({ tag: '{{.Name}}/{{.ID}} {{ .ImageName }}' })), 'tag=web%2Fabcdef012345+debian%3Abookworm');
  });

  it('refuse expressions and templates that mean nothing', () => {
    assert.throws(() => logAttributes(record({ 'env-regex': '(' })), /env-regex/);
    assert.throws(() => logAttributes(record({ tag: '{{.Nothing}}' })), /tag=.*\{\{\.Name\}\}/);
    assert.ok(attributeOptions.includes('tag'));
  });

  it('stand before each line, behind its time, and once in a line of several records', () => {
    const log = ['2024-01-01T00:00:00.000000000+00:00 stdout P one ', '2024-01-01T00:00:01.000000000+00:00 stdout F line', '2024-01-01T00:00:02.000000000+00:00 stdout F two', ''].join('\n');
    const decoded = (timestamps: boolean) => new LogDecoder({ stdout: true, stderr: true, timestamps, details: 'a=b' }).decode(Buffer.from(log)).map(({ data }) => data.toString()).join('');
    assert.equal(decoded(false), 'a=b one line\na=b two\n');
    assert.equal(decoded(true), '2024-01-01T00:00:00.000000000Z a=b one line\n2024-01-01T00:00:02.000000000Z a=b two\n');
  });
});
