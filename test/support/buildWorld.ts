import assert from 'node:assert/strict';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { BuildEvent } from '../../engine/api/berth/build.ts';
import type { BuildService } from '../../engine/build/buildService.ts';
import type { BuildRequest, BuildResult } from '../../engine/build/request.ts';
import type { BaseImage } from '../../engine/build/ports.ts';
import { run } from '../../engine/host/process.ts';
import { composeBuilder } from './composeBuilder.ts';
import type { ComposedBuilder } from './composeBuilder.ts';
import { leftovers } from './leftovers.ts';
import { removeTestRoot, testRoot } from './testRoots.ts';

export type TestBuild = BuildResult & {
  /** What its commands printed. */
  readonly output: string;
  readonly milliseconds: number;
  /** The instructions that were done and not taken from the cache. */
  ran(): string[];
  readonly events: readonly BuildEvent[];
};

/** A builder on roots of its own, with real images, snapshots, containers and networks, and `debian` as its base image. */
export class BuildWorld {
  readonly root: string;
  readonly #instance: string;
  #composed: ComposedBuilder;

  private constructor(root: string, instance: string, composed: ComposedBuilder) {
    this.root = root;
    this.#instance = instance;
    this.#composed = composed;
  }

  /** Everything new. `instance`: at most 8 characters of [a-z0-9], each test file its own. */
  static async create(instance: string): Promise<BuildWorld> {
    const root = await testRoot(tmpdir(), instance, { instance });
    const composed = await composeBuilder(root, instance);
    await composed.loadBase();
    return new BuildWorld(root, instance, composed);
  }

  /** On roots that another process made. */
  static async open(root: string, instance: string): Promise<BuildWorld> {
    return new BuildWorld(root, instance, await composeBuilder(root, instance));
  }

  get service(): BuildService {
    return this.#composed.service;
  }

  get dataRoot(): string {
    return join(this.root, 'data');
  }

  /** As an engine started anew on the same roots. */
  async restart(): Promise<void> {
    await this.#composed.close();
    this.#composed = await composeBuilder(this.root, this.#instance);
  }

  context(name: string): string {
    return join(this.root, 'contexts', name);
  }

  /** Writes files of a context; returns its folder. */
  async write(name: string, files: Readonly<Record<string, string>>): Promise<string> {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.context(name), path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    return this.context(name);
  }

  build(name: string, request: Omit<BuildRequest, 'context'> = {}, signal?: AbortSignal, onEvent?: (event: BuildEvent) => void): Promise<TestBuild> {
    return this.#build({ ...request, context: { kind: 'directory', path: this.context(name) } }, signal, onEvent);
  }

  buildArchive(file: string): Promise<TestBuild> {
    return this.#build({ context: { kind: 'tar', stream: createReadStream(file) } });
  }

  resolve(ref: string): Promise<BaseImage> {
    return Promise.resolve(ref).then((name) => this.#composed.images.resolve(name));
  }

  /** A file of an image, from the topmost layer that has it. */
  async readFile(ref: string, path: string): Promise<string> {
    const { layers } = await this.resolve(ref);
    for (const layer of [...layers].reverse()) {
      const text = await readFile(join(this.#composed.snapshots.lowerDir(layer.snapshotId), path), 'utf8').catch(() => undefined);
      if (text !== undefined) return text;
    }
    return assert.fail(`${ref} has no ${path}`);
  }

  /** The folder of an image's topmost layer. */
  async layerFolder(ref: string): Promise<string> {
    const layer = (await this.resolve(ref)).layers.at(-1) ?? assert.fail(`${ref} has no layers`);
    return this.#composed.snapshots.lowerDir(layer.snapshotId);
  }

  /** The folder of the topmost layer that has a file. */
  async folderWith(ref: string, path: string): Promise<string> {
    for (const layer of [...(await this.resolve(ref)).layers].reverse()) {
      const folder = this.#composed.snapshots.lowerDir(layer.snapshotId);
      if (existsSync(join(folder, path))) return folder;
    }
    return assert.fail(`${ref} has no ${path}`);
  }

  async removeImage(ref: string): Promise<void> {
    await this.#composed.images.remove(ref, { force: true });
  }

  async host(program: string, args: readonly string[]): Promise<void> {
    await run(program, args);
  }

  /** What a build must not leave: temporary files, mounts, processes. Namespaces, bridge and table belong to the engine. */
  async leftovers(): Promise<string[]> {
    const temps = await readdir(join(this.dataRoot, 'build-cache/tmp')).catch(() => []);
    const host = await leftovers(this.root, this.#instance);
    return [...temps.map((name) => `temp ${name}`), ...host.filter((line) => /^(mount|process) /.test(line))];
  }

  async remove(): Promise<void> {
    await this.#composed.close();
    const left = await leftovers(this.root, this.#instance);
    await removeTestRoot(this.root);
    assert.deepEqual(left, []);
  }

  async #build(request: BuildRequest, signal = new AbortController().signal, heard: (event: BuildEvent) => void = () => undefined): Promise<TestBuild> {
    const events: BuildEvent[] = [];
    const begun = performance.now();
    const result = await this.service.build(request, { signal, report: () => undefined, onEvent: (event) => (heard(event), void events.push(event)) });
    const milliseconds = performance.now() - begun;
    const output = events.map((event) => (event.type === 'log' ? event.text : '')).join('');
    const steps = events.flatMap((event) => (event.type === 'step' && event.status === 'started' ? [event] : []));
    const ran = (): string[] => [...steps].sort((a, b) => a.index - b.index).map((event) => event.text);
    return { ...result, output, milliseconds, ran, events };
  }
}
