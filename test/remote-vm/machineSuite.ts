import type { RunResult } from '../../engine/host/process.ts';
import { ClientMachine } from '../support/clientMachine.ts';
import { VirtualMachine } from './virtualMachine.ts';

/** A machine, and a client that knows it as a host: there while a suite runs. */
export interface MachineSuite {
  readonly machine: VirtualMachine;
  readonly client: ClientMachine;
  /** Docker's client against the machine's engine. */
  docker(...args: string[]): Promise<RunResult>;
  /** The lines that Docker's client prints. */
  printed(...args: string[]): Promise<string[]>;
}

/** To be called in a `describe`. `host`: how the client names the machine; `user`: who logs in; `kernelWords`: further ones for its kernel, which then starts anew. */
export function machineSuite(host: string, user: string, kernelWords?: string): MachineSuite {
  let machine: VirtualMachine | undefined;
  let client: ClientMachine | undefined;
  before(async () => {
    client = await ClientMachine.create();
    machine = await VirtualMachine.start(host, kernelWords);
    await client.know(machine, user, machine.sshLines);
    await client.addHost(host);
  });
  after(async () => {
    await client?.[Symbol.asyncDispose]();
    await machine?.[Symbol.asyncDispose]();
  });
  const started = <T>(one: T | undefined): T => {
    if (one === undefined) throw new Error(`The machine of ${host} has not been started`);
    return one;
  };
  const docker = (...args: string[]): Promise<RunResult> => started(client).docker(host, args);
  return {
    get machine() {
      return started(machine);
    },
    get client() {
      return started(client);
    },
    docker,
    printed: async (...args) => (await docker(...args)).stdout.trim().split('\n'),
  };
}
