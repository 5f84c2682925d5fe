const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** Passes the signals that this process gets to `send`, until the result is called. */
export function forwardSignals(send: (signal: string) => void): () => void {
  const listeners = FORWARDED.map((name) => {
    const listener = (): void => send(name);
    process.on(name, listener);
    return [name, listener] as const;
  });
  return () => {
    for (const [name, listener] of listeners) process.off(name, listener);
  };
}
