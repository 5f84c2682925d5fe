import { splitFields } from '../run/mountSpec.ts';

/** A flag of `key=value` fields, as `type=local,dest=out`. */
export class Fields {
  /** As it was written. */
  readonly flag: string;
  readonly #values = new Map<string, string>();

  constructor(flag: string, text: string) {
    this.flag = `${flag} ${text}`;
    for (const field of splitFields(text)) {
      const equals = field.indexOf('=');
      if (equals < 1) throw new Error(`${this.flag}: invalid value ${field}`);
      this.#values.set(field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1));
    }
  }

  /** Takes a field, under the first of these names that it has. */
  take(...names: readonly string[]): string | undefined {
    const found = names.map((name) => this.#values.get(name)).find((value) => value !== undefined);
    for (const name of names) this.#values.delete(name);
    return found === '' ? undefined : found;
  }

  isOn(name: string, fallback: boolean): boolean {
    return this.choice(name) ?? fallback;
  }

  /** undefined: nothing is said. */
  choice(name: string): boolean | undefined {
    const text = this.take(name);
    if (text === undefined) return undefined;
    if (text === 'true' || text === '1') return true;
    if (text === 'false' || text === '0') return false;
    throw new Error(`${this.flag}: ${name}=${text} is neither true nor false`);
  }

  oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    const text = this.take(name);
    const found = text === undefined ? fallback : allowed.find((one) => one === text);
    if (found === undefined) throw new Error(`${this.flag}: ${name}=${text ?? ''} is not ${allowed.join(' or ')}`);
    return found;
  }

  /** Those whose names begin so, without that beginning. */
  takeAll(prefix: string): Record<string, string> {
    const found: Record<string, string> = {};
    for (const [name, value] of [...this.#values]) {
      if (!name.startsWith(prefix)) continue;
      found[name.slice(prefix.length)] = value;
      this.#values.delete(name);
    }
    return found;
  }

  /** What nobody took is a mistake. */
  end(): void {
    const [left] = this.#values.keys();
    if (left !== undefined) throw new Error(`${this.flag}: ${left} is not supported here`);
  }

  fail(detail: string): never {
    throw new Error(`${this.flag}: ${detail}`);
  }
}
