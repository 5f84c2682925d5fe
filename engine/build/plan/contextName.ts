import { parseReference } from '../../registry/reference.ts';

/** The name of a context as names of images and stages are compared with it: `docker.io/library/debian:latest` is `debian`. */
export function contextName(name: string): string {
  try {
    const { familiarName, tag, digest } = parseReference(name.toLowerCase());
    return `${familiarName}${tag === undefined || tag === 'latest' ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
  } catch {
    return name.toLowerCase();
  }
}
