import { setTimeout as delay } from 'node:timers/promises';
import type { CheckReport, Finding } from '../api/berth/check.ts';
import type { Fault, InspectOptions, Inspection, Inspector } from '../base/inspector.ts';
import { KeyedMutex } from '../base/keyedMutex.ts';
import type { Log } from '../base/log.ts';

/** How often a fault must be seen to count, and how long between the looks: what a request is just making looks like an orphan. */
const LOOKS = 4;
const PAUSE_MS = 250;

export interface CheckServiceParts {
  readonly log: Log;
  readonly inspectors: readonly Inspector[];
}

export interface CheckOptions {
  readonly repair: boolean;
  /** Also digest the layers. */
  readonly layers: boolean;
}

/** Compares what the engine remembers with what the kernel and the disk say. */
export class CheckService {
  readonly #parts: CheckServiceParts;
  readonly #mutex = new KeyedMutex();

  constructor(parts: CheckServiceParts) {
    this.#parts = parts;
  }

  /** With `repair`, what can be put in order without losing data is, and looked at again. */
  check({ repair, layers }: CheckOptions, signal: AbortSignal): Promise<CheckReport> {
    return this.#mutex.run('check', async () => {
      const { faults, looked } = await this.#certain({ layers, signal });
      if (!repair || faults.length === 0) return report(faults, new Set(), looked);
      for (const fault of faults) await this.#repair(fault);
      const left = new Set((await this.#certain({ layers, signal })).faults.map(keyOf));
      return report(faults, new Set(faults.map(keyOf).filter((key) => !left.has(key))), looked);
    });
  }

  /** The faults that every one of a few looks shows. */
  async #certain(options: InspectOptions): Promise<Inspection> {
    let found = await this.#look(options);
    for (let look = 1; look < LOOKS && found.faults.length > 0 && !options.signal.aborted; look += 1) {
      await delay(PAUSE_MS, undefined, { signal: options.signal });
      const certain = found.faults.filter((fault) => fault.certain);
      if (certain.length === found.faults.length) break;
      const { faults } = await this.#look({ ...options, layers: false });
      const before = new Set(found.faults.map(keyOf));
      found = { ...found, faults: [...certain, ...faults.filter((fault) => !fault.certain && before.has(keyOf(fault)))] };
    }
    return found;
  }

  async #look(options: InspectOptions): Promise<Inspection> {
    const inspections = await Promise.all(this.#parts.inspectors.map((inspector) => inspector.inspect(options)));
    return { faults: inspections.flatMap(({ faults }) => faults), looked: Object.assign({}, ...inspections.map(({ looked }) => looked)) as Record<string, number> };
  }

  async #repair(fault: Fault): Promise<void> {
    try {
      await fault.repair?.();
      if (fault.repair) this.#parts.log.info('repaired', { code: fault.code, object: fault.object });
    } catch (error) {
      this.#parts.log.error('a repair failed', { code: fault.code, object: fault.object, error });
    }
  }
}

function keyOf({ code, object }: Fault): string {
  return `${code} ${object}`;
}

function report(faults: readonly Fault[], repaired: ReadonlySet<string>, looked: Readonly<Record<string, number>>): CheckReport {
  const findings = faults.map(({ repair, certain: _certain, ...fault }): Finding => ({ ...fault, repairable: repair !== undefined, repaired: repaired.has(keyOf(fault)) }));
  return { ok: findings.every((finding) => finding.repaired), looked: { ...looked }, findings };
}
