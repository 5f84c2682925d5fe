import { isDigest } from '../content/digest.ts';
import { invalidReference } from './errors.ts';

/** An image's name, taken apart and normalised as Docker does. */
export interface Reference {
  /** Host with port: `docker.io`, `localhost:5000`. */
  readonly domain: string;
  /** `library/debian`, `team/app`. */
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
  /** Without tag and digest, as people write it: `debian`, `team/app`, `localhost:5000/app`. */
  readonly familiarName: string;
}

const DOMAIN = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$/;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** Parses a reference. Throws INVALID_REFERENCE. No tag and no digest means neither: callers add `latest` where that is meant. */
export function parseReference(text: string): Reference {
  const fail = (detail: string): never => {
    throw invalidReference({ reference: text, detail });
  };
  if (/^[0-9a-f]{64}$/.test(text)) fail('is an image id, not a name');
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) fail('has a digest that is neither sha256 and 64 hex digits nor sha512 and 128');
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) fail('has an invalid tag');
  const { domain, path } = splitDomain(hasTag ? named.slice(0, colon) : named);
  if (!DOMAIN.test(domain)) fail('has an invalid registry host');
  if (path !== path.toLowerCase()) fail('must be lower case: repository names have no capitals');
  if (path === '' || !path.split('/').every((component) => COMPONENT.test(component))) fail('has an invalid repository name');
  if (domain.length + path.length > 255) fail('is longer than 255 characters');
  return { domain, path, tag, digest, familiarName: familiar(domain, path) };
}

function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = first !== '' && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const domain = isHost ? (first === 'index.docker.io' ? 'docker.io' : first) : 'docker.io';
  const rest = isHost ? name.slice(slash + 1) : name;
  return { domain, path: domain === 'docker.io' && !rest.includes('/') && rest !== '' ? `library/${rest}` : rest };
}

function familiar(domain: string, path: string): string {
  if (domain !== 'docker.io') return `${domain}/${path}`;
  return path.startsWith('library/') && !path.slice(8).includes('/') ? path.slice(8) : path;
}

/** `debian:bookworm`; a reference without tag and digest gets `:latest`. */
export function familiarTag(reference: Reference): string {
  if (reference.digest !== undefined && reference.tag === undefined) return `${reference.familiarName}@${reference.digest}`;
  return `${reference.familiarName}:${reference.tag ?? 'latest'}`;
}
