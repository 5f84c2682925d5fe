import assert from 'node:assert/strict';
import type { CreateBody } from '../../../engine/api/docker/run/createBody.ts';
import { BerthError } from '../../../engine/base/errors.ts';
import { ConfigDocument } from '../../../engine/devcontainers/config/configDocument.ts';
import { mergeMetadata } from '../../../engine/devcontainers/config/metadata.ts';
import type { MetadataEntry } from '../../../engine/devcontainers/config/schema.ts';
import { validateConfig } from '../../../engine/devcontainers/config/validate.ts';
import type { HostVariables } from '../../../engine/devcontainers/config/substitute.ts';
import { planContainer } from '../../../engine/devcontainers/plan/planContainer.ts';
import type { ContainerPlanInput } from '../../../engine/devcontainers/plan/planContainer.ts';
import { containerName, definitionDigest, planImage } from '../../../engine/devcontainers/plan/planImage.ts';
import { planWorkspace } from '../../../engine/devcontainers/plan/workspace.ts';

const variables: HostVariables = { localEnv: {}, localWorkspaceFolder: '/src/repo/app', devcontainerId: 'id0' };
const file = '/src/repo/app/.devcontainer/devcontainer.json';

interface Options {
  config?: object;
  image?: MetadataEntry[];
  imageConfig?: ContainerPlanInput['image']['config'];
  ids?: ContainerPlanInput['idsOf'];
  tools?: ContainerPlanInput['tools'];
}

function plan(options: Options = {}): { name: string; body: CreateBody } {
  const document = ConfigDocument.parse(file, JSON.stringify({ image: 'debian', ...options.config }));
  const { config } = validateConfig(document);
  return planContainer({
    document,
    config,
    merged: mergeMetadata(options.image ?? [], config),
    workspace: planWorkspace(document, config, variables, '/src/repo'),
    image: { reference: 'debian', config: options.imageConfig ?? {} },
    idsOf: (user, wishes) => options.ids?.(user, wishes) ?? {},
    tools: options.tools ?? [],
    labels: { 'devcontainer.local_folder': '/src/repo/app' },
    name: 'app-1',
    host: { folder: '/src/repo/app', env: () => undefined, readFile: () => '' },
  });
}

describe('the container of a dev container', () => {
  it('mounts the git root, carries the labels, and waits in a shell', () => {
    const { name, body } = plan();
    assert.equal(name, 'app-1');
    assert.deepEqual(body.HostConfig.Mounts, [{ Type: 'bind', Source: '/src/repo', Target: '/workspaces/repo' }]);
    assert.equal(body.Labels?.['devcontainer.local_folder'], '/src/repo/app');
    assert.deepEqual(body.Entrypoint, ['/bin/sh']);
    assert.match(body.Cmd?.[1] ?? '', /trap "exit 0" TERM/);
  });

  it('leaves the image’s command alone with overrideCommand false, and always says what it is', () => {
    const imageConfig = { Entrypoint: ['/entry'], Cmd: ['serve'] };
    const { body } = plan({ config: { overrideCommand: false }, imageConfig });
    assert.deepEqual([body.Entrypoint, body.Cmd], [undefined, undefined]);
    assert.equal(body.Labels?.['berth.image.command'], '["/entry","serve"]');
    assert.equal(plan({ imageConfig }).body.Labels?.['berth.image.command'], '["/entry","serve"]');
  });

  it('maps ids on the workspace’s bind only', () => {
    const idmap = { onDisk: { uid: 1000, gid: 1000 }, inside: { uid: 501, gid: 501 } };
    const { body } = plan({ ids: () => ({ idmap }), config: { mounts: ['type=bind,source=/other,target=/o'] } });
    assert.deepEqual(body.HostConfig.Mounts, [
      { Type: 'bind', Source: '/src/repo', Target: '/workspaces/repo', BindOptions: { Idmap: idmap } },
      { Type: 'bind', Source: '/other', Target: '/o' },
    ]);
  });

  it('is in the user namespace that its workspace needs, given whom it runs as and what runArgs say, else in the engine’s own', () => {
    const asked: unknown[] = [];
    const userns = (runArgs: string[], mode?: string): string | undefined | null => plan({ config: { containerUser: 'sailor', runArgs }, ids: (...given) => (asked.push(given), mode === undefined ? {} : { userns: mode }) }).body.HostConfig.UsernsMode;
    assert.deepEqual([userns([]), userns(['--userns=keep-id'], 'keep-id:uid=1,gid=2'), userns(['--network=container:x'], '')], ['host', 'keep-id:uid=1,gid=2', '']);
    assert.deepEqual(asked, [['sailor', { asked: '', joins: false }], ['sailor', { asked: 'keep-id', joins: false }], ['sailor', { asked: '', joins: true }]]);
    assert.throws(() => userns(['--userns=auto']), { code: 'DEVCONTAINER_UNSUPPORTED' });
  });

  it('takes environment, user, capabilities and options from all sources; runArgs come last', () => {
    const { name, body } = plan({
      image: [{ containerEnv: { A: 'image', B: 'image' }, capAdd: ['SYS_PTRACE'], init: true }],
      config: { containerEnv: { B: 'config' }, containerUser: 'sailor', securityOpt: ['seccomp=unconfined'], privileged: true, runArgs: ['-e', 'B=run', '--cap-add=NET_ADMIN', '--name', 'mine', '--label', 'devcontainer.local_folder=/not', '--memory', '1g', '--hostname=box'] },
    });
    assert.equal(name, 'mine');
    assert.deepEqual(body.Env, ['A=image', 'B=config', 'B=run']);
    assert.equal(body.User, 'sailor');
    assert.equal(body.Hostname, 'box');
    assert.equal(body.Labels?.['devcontainer.local_folder'], '/src/repo/app', 'labels that find the container cannot be taken away');
    assert.deepEqual(body.HostConfig.CapAdd, ['SYS_PTRACE', 'NET_ADMIN']);
    assert.deepEqual([body.HostConfig.Init, body.HostConfig.Privileged, body.HostConfig.Memory], [true, true, 1024 ** 3]);
    assert.deepEqual(body.HostConfig.SecurityOpt, ['seccomp=unconfined']);
  });

  it('falls back to the image’s user, and runArgs win over both', () => {
    assert.equal(plan({ imageConfig: { User: 'app' } }).body.User, 'app');
    assert.equal(plan({ config: { containerUser: 'x', runArgs: ['-u', 'y'] } }).body.User, 'y');
  });

  it('publishes appPort, and leaves forwardPorts to forwarding', () => {
    const { body } = plan({ config: { appPort: [3000, '9000:9001'], forwardPorts: [8000, 3000, 'localhost:8002', 'db:5432'] } });
    assert.deepEqual(body.HostConfig.PortBindings, {
      '3000/tcp': [{ HostIp: '127.0.0.1', HostPort: '3000' }],
      '9001/tcp': [{ HostIp: '', HostPort: '9000' }],
    });
    assert.equal(plan({ config: { appPort: [8000], runArgs: ['--network=host'] } }).body.HostConfig.PortBindings, undefined);
  });

  const wrong: Array<[object, string, string, RegExp]> = [
    [{ runArgs: ['--init', '--wat'] }, 'DEVCONTAINER_INVALID', '/runArgs/1', /--wat is not a flag/],
    [{ runArgs: ['--gpus', 'all'] }, 'DEVCONTAINER_UNSUPPORTED', '/runArgs/0', /--gpus is not supported/],
    [{ runArgs: ['-p', 'x'] }, 'DEVCONTAINER_INVALID', '/runArgs/1', /expected/],
    [{ runArgs: ['image'] }, 'DEVCONTAINER_INVALID', '/runArgs/0', /expected a flag/],
    [{ mounts: ['type=bind,target=/x'] }, 'DEVCONTAINER_INVALID', '/mounts/0', /needs a source/],
    [{ appPort: '1:2:3:4' }, 'DEVCONTAINER_INVALID', '/appPort', /expected a port/],
    [{ workspaceFolder: 'relative' }, 'DEVCONTAINER_INVALID', '/workspaceFolder', /absolute path/],
    [{ workspaceFolder: '/w', workspaceMount: 'type=bind,target=/w' }, 'DEVCONTAINER_INVALID', '/workspaceMount', /needs a source/],
  ];
  for (const [config, code, pointer, message] of wrong) {
    it(`${JSON.stringify(config)}: ${code} at ${pointer}`, () => {
      assert.throws(() => plan({ config }), (error) => error instanceof BerthError && error.code === code && error.params['pointer'] === pointer && message.test(error.message));
    });
  }
});

describe('the workspace', () => {
  const workspace = (config: object, root: string) => {
    const document = ConfigDocument.parse(file, JSON.stringify({ image: 'a', ...config }));
    return planWorkspace(document, validateConfig(document).config, variables, root);
  };
  it('is the project’s place below the git root', () => assert.deepEqual(workspace({}, '/src/repo'), { folder: '/workspaces/repo/app', mount: { Type: 'bind', Source: '/src/repo', Target: '/workspaces/repo' } }));
  it('is the project itself outside a repository', () => assert.deepEqual(workspace({}, '/src/repo/app'), { folder: '/workspaces/app', mount: { Type: 'bind', Source: '/src/repo/app', Target: '/workspaces/app' } }));
  it('is where the definition says', () => assert.deepEqual(workspace({ workspaceFolder: '/w/${localWorkspaceFolderBasename}', workspaceMount: 'source=${localWorkspaceFolder},target=${containerWorkspaceFolder},type=bind,consistency=cached' }, '/src/repo'), { folder: '/w/app', mount: { Type: 'bind', Source: '/src/repo/app', Target: '/w/app' } }));
  it('is not mounted when workspaceMount is empty', () => assert.deepEqual(workspace({ workspaceFolder: '/w', workspaceMount: '' }, '/src/repo'), { folder: '/w', mount: undefined }));
});

describe('the image of a definition', () => {
  const image = (config: object) => {
    const document = ConfigDocument.parse(file, JSON.stringify(config));
    const host = { resolve: (path: string) => `/p/My App!/${path}`, env: () => undefined, readFile: () => Buffer.from('') };
    return planImage({ document, config: validateConfig(document).config, configFile: file, folder: '/p/My App!', id: 'i', host });
  };
  const built = (build: object) => {
    const planned = image({ build: { dockerfile: 'Dockerfile', ...build } });
    return planned.kind === 'build' ? planned : assert.fail('it is not built');
  };
  it('is the one named', () => assert.deepEqual(image({ image: 'debian:12' }), { kind: 'image', reference: 'debian:12' }));
  it('is built from paths relative to the definition; the context is the Dockerfile’s folder unless said', () => {
    const shape = (build: object) => {
      const { request, tag } = built(build);
      return [request.dockerfile, request.context.kind === 'directory' && request.context.path, tag.split(':')[0]];
    };
    assert.deepEqual(shape({ dockerfile: '../Dockerfile' }), ['/src/repo/app/Dockerfile', '/src/repo/app', 'berth-my-app']);
    assert.deepEqual(shape({ dockerfile: 'Dockerfile', context: '..' }), ['/src/repo/app/.devcontainer/Dockerfile', '/src/repo/app', 'berth-my-app']);
    assert.deepEqual(shape({ dockerfile: '/abs/Dockerfile' }), ['/abs/Dockerfile', '/abs', 'berth-my-app']);
  });
  it('is built with the caches and the flags that the definition names; what the flags say comes later', () => {
    const { request, tag, warnings } = built({ args: { A: '1', B: '2' }, target: 'dev', cacheFrom: 'r/app:cache', options: ['--build-arg', 'B=3', '--target=test', '-t', 'mine', '--add-host', 'h:1.2.3.4', '--cache-from', 'type=local,src=c'] });
    assert.deepEqual([request.buildArgs, request.target, request.tags, request.extraHosts], [{ A: '1', B: '3' }, 'test', [tag, 'mine'], ['h:1.2.3.4']]);
    assert.deepEqual([request.cacheFrom, warnings], [[{ type: 'image', ref: 'r/app:cache' }, { type: 'local', folder: '/p/My App!/c' }], []]);
    const foreign = built({ cacheFrom: ['type=gha', 'r/a', 'type=registry,ref=r/b'] });
    assert.deepEqual(foreign.request.cacheFrom, [{ type: 'image', ref: 'r/a' }, { type: 'registry', ref: 'r/b' }]);
    assert.deepEqual(foreign.warnings, ['the build cache type=gha is not used: caches of type gha are not supported']);
  });
  it('is refused, at its place, where a flag is not known or would make something else of the build', () => {
    const at = (code: string, pointer: string, message: RegExp) => (error: unknown): boolean => error instanceof BerthError && error.code === code && error.params['pointer'] === pointer && message.test(error.message);
    assert.throws(() => built({ options: ['--label', 'a=b', '--sekret', 'x'] }), at('DEVCONTAINER_INVALID', '/build/options/2', /--sekret is not a flag of docker build/));
    assert.throws(() => built({ options: ['--squash'] }), at('DEVCONTAINER_UNSUPPORTED', '/build/options/0', /The option --squash: layers are not put together, is not supported/));
  });
  it('names containers that Docker accepts', () => {
    for (const folder of ['/p/My App!', '/p/..', '/', '/p/한글', '/p/-a-']) assert.match(containerName(folder, 'x'), /^[a-z0-9][a-z0-9-]*-[0-9a-f]{6}$/);
  });
  it('has a digest that changes with what the container is made of, and not with what tools read', () => {
    const digest = definitionDigest({ image: 'a', init: true }, undefined);
    assert.equal(digest, definitionDigest({ init: true, image: 'a', name: 'n', postCreateCommand: 'x', customizations: {} }, undefined));
    assert.notEqual(digest, definitionDigest({ image: 'a', init: false }, undefined));
    assert.notEqual(definitionDigest({ dockerFile: 'D' }, 'FROM a'), definitionDigest({ dockerFile: 'D' }, 'FROM b'));
  });
});
