import type { Account, RunningContainer } from './ports.ts';

/** Whom processes of a connection run as, where, and in which environment. */
export interface Login {
  readonly user: string;
  readonly account: Account;
  readonly shell: string;
  readonly cwd: string;
  /** `NAME=value`; a bare `NAME` takes the container's variable away. */
  readonly env: readonly string[];
}

/** What a connection leads to. */
export interface ConnectionTarget {
  readonly container: RunningContainer;
  readonly hostKey: string;
  /** Whom clients are told to log in as. */
  readonly user: string;
  /** base64 of the public keys that may log in. */
  readonly authorized: () => Promise<readonly string[]>;
  /** Throws NO_SUCH_USER. */
  login(user: string): Promise<Login>;
}
