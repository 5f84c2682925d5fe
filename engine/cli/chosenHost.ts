import { Option } from 'commander';
import type { Command } from 'commander';
import type { LinkForwarded } from '../api/berth/link.ts';
import type { ApiClient } from '../api/client.ts';
import { localHost } from '../remote/hosts.ts';
import type { RemoteHosts } from './commands/host/remoteHosts.ts';
import type { CliContext } from './context.ts';
import { stateText } from './commands/host/list.ts';
import { askOnTerminal } from './terminal/askOnTerminal.ts';

/** Which engine a command line is about: this machine's, or one that a link reaches. */
export class ChosenHost {
  readonly #remote: RemoteHosts;
  readonly #local: { readonly client: ApiClient; readonly engine: () => Promise<ApiClient> };
  #name: string | undefined;

  constructor(remote: RemoteHosts, local: { readonly client: ApiClient; readonly engine: () => Promise<ApiClient> }) {
    this.#remote = remote;
    this.#local = local;
  }

  get name(): string | undefined {
    return this.#name;
  }

  get client(): ApiClient {
    return this.#name === undefined ? this.#local.client : this.#remote.link(this.#name).engine;
  }

  /** `--host`, else BERTH_HOST, else what `berth host use` chose, unless a socket is named. Throws NO_SUCH_HOST. */
  async choose(option: string | undefined, env: NodeJS.ProcessEnv): Promise<void> {
    const named = option ?? (env['BERTH_HOST'] === '' ? undefined : env['BERTH_HOST']);
    const name = named ?? (env['BERTH_SOCKET'] === undefined ? await this.#remote.hosts.default() : undefined);
    this.#name = name === undefined || name === localHost ? undefined : (await this.#remote.hosts.find(name)).name;
  }

  /** By port of the engine's host; `undefined`: that is this machine. */
  async portsHere(): Promise<ReadonlyMap<number, number> | undefined> {
    if (this.#name === undefined) return undefined;
    const status = await this.#remote.link(this.#name).status();
    return new Map((status?.ports ?? []).map(({ hostPort, localPort }) => [hostPort, localPort]));
  }

  /** A port of the engine's host, and an address that leads to a path of it once, as they are reached from here. `undefined`: that is this machine. */
  async reachHere(port: number, path: string): Promise<LinkForwarded | undefined> {
    return this.#name === undefined ? undefined : this.#remote.link(this.#name).forward(port, path);
  }

  engine(context: CliContext): Promise<ApiClient> {
    return this.#name === undefined ? this.#local.engine() : this.#reach(context, this.#name);
  }

  /** This machine's engine and those of all hosts, by name. */
  async every(context: CliContext): Promise<Array<readonly [string, () => Promise<ApiClient>]>> {
    const hosts = await this.#remote.hosts.list();
    return [[localHost, this.#local.engine], ...hosts.map(({ name }) => [name, () => this.#reach(context, name)] as const)];
  }

  #reach(context: CliContext, name: string): Promise<ApiClient> {
    const since = Date.now();
    let said = '';
    return this.#remote.link(name).reach({
      ask: askOnTerminal(context),
      report: (status) => {
        // A connection that takes no time needs no words; one that was lost does.
        const text = stateText(status);
        if (!context.stderr.isTTY || text === said || (status.state === 'connecting' && Date.now() - since < 1000)) return;
        context.stderr.write(`berth: ${name}: ${(said = text)}\n`);
      },
      signal: context.signal,
    });
  }
}

/** Commands whose own parser takes the rest of the line; `--host` goes before them. */
const parsesItself = new Set(['run', 'create']);

/** `--host NAME`, before the command or among its options. */
export function addHostOption(program: Command, choose: (option: string | undefined) => Promise<void>): void {
  program.option('--host <name>', 'the host to work on (berth host list); local: this machine. Default: BERTH_HOST, or what berth host use chose');
  for (const command of descendants(program)) {
    if (!parsesItself.has(command.name()) && !command.options.some(({ long }) => long === '--host')) command.addOption(new Option('--host <name>').hideHelp());
  }
  program.hook('preAction', (_program, action) => choose(action.optsWithGlobals<{ host?: string }>().host));
}

function descendants(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...descendants(child)]);
}
