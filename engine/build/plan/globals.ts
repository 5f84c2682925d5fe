import type { ArgInstruction } from '../instructions/arg.ts';
import type { Lookup } from '../dockerfile/expand.ts';
import type { PlanOptions } from './graph.ts';
import { isProxyArgument, platformArguments } from './platformArguments.ts';

/** The ARGs before the first FROM, and what was given to the build. */
export class GlobalArguments {
  readonly #options: PlanOptions;
  readonly #predefined: ReadonlyMap<string, string>;
  readonly #values = new Map<string, string>();
  readonly #consumed = new Set<string>();
  readonly #declared = new Set<string>();

  constructor(globals: readonly ArgInstruction[], options: PlanOptions) {
    this.#options = options;
    this.#predefined = platformArguments(options.platform, options.buildPlatform ?? options.platform);
    for (const node of globals) this.#declare(node);
  }

  /** For FROM lines and defaults of global ARGs. */
  readonly lookup: Lookup = (name) => this.#values.get(name) ?? this.#predefined.get(name);

  /** Whether an ARG before the first FROM, or the platform, gives this name. */
  declares(name: string): boolean {
    return this.#declared.has(name) || this.#predefined.has(name);
  }

  names(): string[] {
    return [...this.#declared, ...this.#predefined.keys()];
  }

  /** The value of an ARG declared in a stage. */
  argument(name: string, fallback: string | undefined): string | undefined {
    this.#consumed.add(name);
    return this.#given(name) ?? fallback ?? this.lookup(name);
  }

  /** `NAME=value` of the proxies that were given, and of the time that everything is to have: programs look there, too. */
  ambient(): string[] {
    return Object.entries(this.#options.buildArgs)
      .filter(([name]) => isProxyArgument(name) || name === 'SOURCE_DATE_EPOCH')
      .map(([name, value]) => `${name}=${value}`);
  }

  /** Arguments that were given and that nothing declared; those that are for the builder itself need not be. */
  unconsumed(): string[] {
    return Object.keys(this.#options.buildArgs).filter((name) => !this.#consumed.has(name) && !isProxyArgument(name) && name !== 'SOURCE_DATE_EPOCH' && !name.startsWith('BUILDKIT_'));
  }

  #declare(node: ArgInstruction): void {
    for (const { name: word, value } of node.declarations) {
      const name = node.at.expand(word, this.lookup);
      this.#consumed.add(name);
      this.#declared.add(name);
      const chosen = this.#given(name) ?? (value ? node.at.expand(value, this.lookup) : undefined);
      if (chosen !== undefined) this.#values.set(name, chosen);
    }
  }

  #given(name: string): string | undefined {
    return Object.hasOwn(this.#options.buildArgs, name) ? this.#options.buildArgs[name] : undefined;
  }
}
