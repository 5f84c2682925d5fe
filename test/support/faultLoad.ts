import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ApiError } from '../../engine/api/client.ts';
import type { ApiClient } from '../../engine/api/client.ts';
import { createdSchema } from '../../engine/api/docker/container.ts';

type Fate = 'absent' | 'created' | 'running' | 'exited';

const inspected = z.looseObject({ Id: z.string(), State: z.looseObject({ Status: z.string(), Pid: z.number() }) });
export type Inspected = z.infer<typeof inspected>;

/** A container as its user knows it: what it may be, given what the engine has acknowledged and what was cut short. */
interface Known {
  readonly name: string;
  readonly autoRemove: boolean;
  may: ReadonlySet<Fate>;
  /** What was done with it, for people: `?` what was cut short. */
  readonly history: string[];
  /** Written into it by the last exec that was acknowledged. */
  proof?: string;
  /** By execs that were cut short: their processes go on without the engine, and may write even after a later one. */
  readonly cutShort: Set<string>;
}

/** The engine under load, which dies now and then: who works on it waits until it is there again. */
export interface Patient {
  readonly client: ApiClient;
  up(): Promise<void>;
  /** How often it has been killed. */
  deaths(): number;
  /** Builds an image of this tag; false if it failed. */
  build(tag: string): Promise<boolean>;
  /** Pulls an image, looks at it and removes it; false if one of these failed. */
  pull(): Promise<boolean>;
}

/** How many of its containers a user leaves behind. */
const KEPT = 6;

/** Users who each work on one container after another, and remember what they were told. */
export class FaultLoad {
  readonly known: Known[] = [];
  readonly builtTags: string[] = [];
  readonly violations: string[] = [];
  readonly done: Record<string, number> = {};
  readonly #patient: Patient;
  readonly #random: () => number;
  #stopped = false;

  constructor(patient: Patient, random: () => number) {
    this.#patient = patient;
    this.#random = random;
  }

  /** Works with containers until `stop`. */
  async work(user: number): Promise<void> {
    const mine: Known[] = [];
    for (let count = 0; !this.#stopped; count++) {
      const container: Known = { name: `user${user}-${count}`, autoRemove: this.#random() < 0.2, may: new Set<Fate>(['absent']), history: [], cutShort: new Set() };
      this.known.push(container);
      for (let step = 0; step < 6 && !this.#stopped; step++) await this.#step(container);
      mine.push(container);
      // A soak is about kills, not about how many containers a host can hold.
      while (mine.length > KEPT && !this.#stopped) if (await this.#clear(mine[0])) mine.shift();
    }
  }

  /** Builds one image after another until `stop`. */
  async buildImages(): Promise<void> {
    for (let count = 0; !this.#stopped; count++) await this.#build(`built${count}`);
  }

  /** Pulls an image again and again until `stop`. */
  async pullImages(): Promise<void> {
    while (!this.#stopped) {
      await this.#patient.up();
      const deaths = this.#patient.deaths();
      if (await this.#patient.pull()) this.done['pull'] = (this.done['pull'] ?? 0) + 1;
      else if (this.#patient.deaths() === deaths) this.violations.push('a pull failed');
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  /** What the engine says of a container, held against what it may say. */
  async settle(container: Known): Promise<Inspected | undefined> {
    const found = await this.#patient.client.json('GET', `/containers/${container.name}/json`, inspected).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    });
    const fate = (found?.State.Status ?? 'absent') as Fate;
    if (!container.may.has(fate)) this.violations.push(`${container.name} is ${fate}, where only ${[...container.may].join(' or ')} is possible: ${container.history.join(' ')}`);
    container.may = new Set([fate]);
    container.history.push(`(${fate} after ${this.#patient.deaths()} deaths)`);
    return found;
  }

  /** Runs a program in a container; its output. */
  async exec(name: string, command: readonly string[]): Promise<{ readonly output: string; readonly exitCode: number | null }> {
    const { client } = this.#patient;
    const { Id } = await client.json('POST', `/containers/${name}/exec`, createdSchema, { json: { Cmd: command, AttachStdout: true, AttachStderr: true, Tty: true } });
    const { socket } = await client.hijack('POST', `/exec/${Id}/start`, { json: { Detach: false, Tty: true } });
    let output = '';
    for await (const chunk of socket) output += String(chunk);
    const { ExitCode } = await client.json('GET', `/exec/${Id}/json`, z.looseObject({ ExitCode: z.number().nullable() }));
    return { output, exitCode: ExitCode };
  }

  async #step(container: Known): Promise<void> {
    await this.#patient.up();
    const deaths = this.#patient.deaths();
    try {
      if (container.may.size > 1) await this.settle(container);
      const [fate] = [...container.may];
      if (fate === 'absent') await this.#create(container);
      else if (fate === 'running') await this.#useRunning(container);
      else if (this.#random() < 0.8) await this.#do('start', container, 'running', () => this.#send('POST', container, 'start'));
      else await this.#remove(container, false);
    } catch (error) {
      if (this.#patient.deaths() === deaths) this.violations.push(`${container.name} (${container.history.join(' ')}): ${String(error)}`);
      // The answer of an engine that dies is no answer; which one it was cannot be told.
      await delay(10);
    }
  }

  async #useRunning(container: Known): Promise<void> {
    const dice = this.#random();
    if (dice < 0.35) return this.#leaveProof(container);
    if (dice < 0.5) return this.#stop(container);
    if (container.autoRemove) return;
    if (dice < 0.6) return this.#do('restart', container, 'running', () => this.#send('POST', container, 'restart', { t: 0 }), ['exited']);
    if (dice < 0.75) return this.#remove(container, true);
    this.done['left running'] = (this.done['left running'] ?? 0) + 1;
    await delay(20);
  }

  /** Removes a container; false if that was cut short. */
  async #clear(container: Known | undefined): Promise<boolean> {
    if (!container) return true;
    await this.#patient.up();
    const deaths = this.#patient.deaths();
    try {
      if (container.may.size > 1) await this.settle(container);
      if (!container.may.has('absent')) await this.#remove(container, true);
      return true;
    } catch (error) {
      if (this.#patient.deaths() === deaths) this.violations.push(`${container.name} (${container.history.join(' ')}): ${String(error)}`);
      await delay(10);
      return false;
    }
  }

  #create(container: Known): Promise<void> {
    delete container.proof;
    container.cutShort.clear();
    const kind = Math.floor(this.#random() * 4);
    const [user = ''] = container.name.split('-');
    const special = [{}, { NetworkMode: 'own' }, { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } }, { Binds: [`${user}:/data`, '/anonymous'] }][kind];
    const json = { Image: 'debian:bookworm', Cmd: ['sleep', '1000'], HostConfig: { AutoRemove: container.autoRemove, Memory: 64 * 1024 * 1024, ...special } };
    return this.#do('create', container, 'created', () => this.#patient.client.send('POST', '/containers/create', { query: { name: container.name }, json }));
  }

  async #stop(container: Known): Promise<void> {
    if (!container.autoRemove) return this.#do('stop', container, 'exited', () => this.#send('POST', container, 'stop', { t: 0 }));
    const removed = async (): Promise<void> => {
      await this.#send('POST', container, 'stop', { t: 0 });
      // The removal comes after the answer, as with Docker.
      await this.#patient.client.json('POST', `/containers/${container.name}/wait`, z.unknown(), { query: { condition: 'removed' } }).catch((error: unknown) => {
        if (!(error instanceof ApiError && error.status === 404)) throw error;
      });
    };
    return this.#do('stop', container, 'absent', removed, ['exited']);
  }

  async #leaveProof(container: Known): Promise<void> {
    const proof = String(this.#random());
    container.cutShort.add(proof);
    const { exitCode, output } = await this.exec(container.name, ['sh', '-c', `echo ${proof} > /proof`]);
    if (exitCode !== 0) throw new Error(`exec ended with ${exitCode}: ${output}`);
    container.proof = proof;
    container.cutShort.delete(proof);
    this.done['exec'] = (this.done['exec'] ?? 0) + 1;
  }

  #remove(container: Known, force: boolean): Promise<void> {
    return this.#do('remove', container, 'absent', () => this.#patient.client.send('DELETE', `/containers/${container.name}`, { query: { force, v: true } }), ['exited']);
  }

  #send(method: string, { name }: Known, verb: string, query: Record<string, number> = {}): Promise<number> {
    return this.#patient.client.send(method, `/containers/${name}/${verb}`, { query });
  }

  /** `between`: what the container may be found as, besides before and after, if the action is cut short. */
  async #do(what: string, container: Known, after: Fate, action: () => Promise<unknown>, between: readonly Fate[] = []): Promise<void> {
    // One that removes itself and could not be started is removed.
    const selfRemoved: Fate[] = container.autoRemove && what === 'start' ? ['absent'] : [];
    container.may = new Set([...container.may, after, ...between, ...selfRemoved]);
    container.history.push(`${what}?`);
    await action();
    container.history.push(what);
    container.may = new Set([after]);
    this.done[what] = (this.done[what] ?? 0) + 1;
  }

  async #build(tag: string): Promise<void> {
    await this.#patient.up();
    const deaths = this.#patient.deaths();
    if (await this.#patient.build(tag)) {
      this.builtTags.push(tag);
      this.done['build'] = (this.done['build'] ?? 0) + 1;
    } else if (this.#patient.deaths() === deaths) this.violations.push(`the build of ${tag} failed`);
  }
}
