import assert from 'node:assert/strict';
import { chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunOptions } from '../../engine/host/process.ts';
import { baseTar } from './base.ts';
import { TestEngine } from './engine.ts';
import type { TestEngineOptions } from './engine.ts';

/** What `berth up` prints on stdout, and around it. */
export interface UpResult {
  readonly outcome: 'success' | 'error';
  readonly containerId?: string;
  readonly remoteUser?: string;
  readonly remoteWorkspaceFolder?: string;
  readonly message?: string;
  readonly description?: string;
  readonly log: string;
  readonly status: number;
}

/** The image `users`: the users sailor (501) and user (1000), a profile, and metadata that makes sailor the remote user. */
const dockerfile = `FROM debian:bookworm
RUN useradd -m -u 501 -s /bin/bash sailor && useradd -m -u 1000 -s /bin/bash user && echo "export FROM_PROFILE=yes" >> /home/sailor/.profile
ENV FROM_IMAGE=yes
LABEL devcontainer.metadata='[{"remoteUser":"sailor","remoteEnv":{"META":"\${containerEnv:FROM_IMAGE}"},"onCreateCommand":"echo image-onCreate >> order"}]'
`;

/** An engine of the test's own, with folders that have a devcontainer.json and an image to make containers of. */
export class DevProjects {
  readonly engine: TestEngine;
  /** On a disk, as users' folders are; not in memory, where the engine's own folders may be. */
  readonly root: string;

  private constructor(engine: TestEngine, root: string) {
    this.engine = engine;
    this.root = root;
  }

  /** `base`: the tar of the root file system that its images begin with. */
  static async start(instance: string, { base, ...options }: Omit<TestEngineOptions, 'instance'> & { readonly base?: string } = {}): Promise<DevProjects> {
    const engine = await TestEngine.start({ ...options, instance });
    const projects = new DevProjects(engine, await mkdtemp(join(tmpdir(), `berth-${instance}-projects-`)));
    await engine.docker(['import', base ?? (await baseTar()), 'debian:bookworm']);
    const context = join(projects.root, 'users-image');
    await mkdir(context);
    await writeFile(join(context, 'Dockerfile'), dockerfile);
    await engine.berth(['build', '-q', '-t', 'users', context]);
    return projects;
  }

  async remove(): Promise<void> {
    for (const name of await readdir(this.root)) await this.engine.berth(['down', join(this.root, name)], { okStatus: 'any' });
    await rm(this.root, { recursive: true, force: true });
    await this.engine.remove();
  }

  folder(name: string): string {
    return join(this.root, name);
  }

  /** Makes a project with this devcontainer.json, or gives it another one. */
  async project(name: string, config: object | string, owner?: number): Promise<string> {
    const folder = this.folder(name);
    await mkdir(join(folder, '.devcontainer'), { recursive: true });
    await writeFile(configOf(folder), typeof config === 'string' ? config : JSON.stringify(config, null, 2));
    if (owner !== undefined) for (const path of [folder, join(folder, '.devcontainer'), configOf(folder)]) await chown(path, owner, owner);
    return folder;
  }

  /** Runs `berth up`, whatever comes of it; asserts that stdout is one line. */
  async up(folder: string, args: readonly string[] = [], options: RunOptions = {}): Promise<UpResult> {
    const result = await this.engine.berth(['up', folder, ...args], { okStatus: 'any', ...options });
    const lines = result.stdout.trim().split('\n');
    assert.equal(lines.length, 1, 'stdout is one line');
    return { ...(JSON.parse(lines[0] ?? '') as UpResult), log: result.stderr, status: result.status };
  }

  /** What a script prints in the dev container of a folder. */
  async inside(folder: string, script: string): Promise<string> {
    return (await this.engine.berth(['exec', '--folder', folder, '--', 'sh', '-c', script])).stdout;
  }

  /** Ids of the folder's containers. */
  async containersOf(folder: string): Promise<string[]> {
    return (await this.engine.docker(['ps', '-aq', '--no-trunc', '--filter', `label=devcontainer.local_folder=${folder}`])).stdout.split('\n').filter(Boolean);
  }

  /** Names of all volumes, sorted. */
  async volumes(): Promise<string[]> {
    return (await this.engine.docker(['volume', 'ls', '-q'])).stdout.split('\n').filter(Boolean).sort();
  }

  /** The files in which the engine remembers dev containers. */
  async markers(): Promise<string[]> {
    return readdir(join(this.engine.root, 'data', 'workspaces')).catch(() => []);
  }
}

export const configOf = (folder: string): string => join(folder, '.devcontainer', 'devcontainer.json');
