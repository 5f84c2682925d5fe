import { Buffer } from 'node:buffer';
import { digestOf } from '../content/digest.ts';
import type { Digest } from '../content/digest.ts';
import { mediaTypes } from '../content/oci.ts';
import type { Descriptor, Manifest } from '../content/oci.ts';

/** Statements about an image in its index, laid out as BuildKit does it: a manifest whose layers are in-toto statements, for the platform unknown/unknown. */
export const IN_TOTO = 'application/vnd.in-toto+json';
const PREDICATE_TYPE = 'in-toto.io/predicate-type';
const REFERENCE_TYPE = 'vnd.docker.reference.type';
const REFERENCE_DIGEST = 'vnd.docker.reference.digest';
const ATTESTATION = 'attestation-manifest';

/** What is said of an image. */
export interface Predicate {
  readonly predicateType: string;
  readonly predicate: unknown;
}

/** A document and its digest. */
export interface Document {
  readonly digest: Digest;
  readonly bytes: Buffer;
}

/** The manifest of an attestation, what it names, and its row of an index. */
export interface Attestation {
  readonly descriptor: Descriptor;
  readonly manifest: Document;
  readonly config: Document;
  readonly statements: readonly Document[];
}

export function isAttestation({ annotations }: Pick<Descriptor, 'annotations'>): boolean {
  return annotations?.[REFERENCE_TYPE] === ATTESTATION;
}

/** The manifest that an attestation speaks of. */
export function attestedDigest({ annotations }: Pick<Descriptor, 'annotations'>): string | undefined {
  return annotations?.[REFERENCE_DIGEST];
}

export function predicateTypeOf({ annotations }: Pick<Descriptor, 'annotations'>): string | undefined {
  return annotations?.[PREDICATE_TYPE];
}

/** Attests predicates of the image whose manifest has this digest. `names`: what the image is called, as package URLs. */
export function makeAttestation(manifestDigest: Digest, names: readonly string[], predicates: readonly Predicate[]): Attestation {
  const digest = { sha256: manifestDigest.slice('sha256:'.length) };
  const subject = (names.length > 0 ? names : ['_']).map((name) => ({ name, digest }));
  return assemble(manifestDigest, predicates.map(({ predicateType, predicate }) => ({ type: predicateType, statement: { _type: 'https://in-toto.io/Statement/v0.1', predicateType, subject, predicate } })));
}

/** The same said of another manifest: of an image whose layers had to be compressed for a registry. `statements` are those of the attestation's layers. */
export function retarget(manifest: Manifest, statements: readonly Buffer[], to: Digest): Attestation {
  const digest = { sha256: to.slice('sha256:'.length) };
  const moved = manifest.layers.map((layer, index) => {
    const statement = JSON.parse(statements[index]?.toString('utf8') ?? '{}') as { subject?: Array<{ name?: string }> };
    return { type: predicateTypeOf(layer) ?? '', statement: { ...statement, subject: (statement.subject ?? []).map(({ name }) => ({ name, digest })) } };
  });
  return assemble(to, moved);
}

function assemble(manifestDigest: Digest, list: ReadonlyArray<{ readonly type: string; readonly statement: unknown }>): Attestation {
  const statements = list.map(({ statement }) => toDocument(statement));
  const layers = statements.map(({ digest, bytes }, index) => ({ mediaType: IN_TOTO, digest, size: bytes.length, annotations: { [PREDICATE_TYPE]: list[index]?.type ?? '' } }));
  const config = toDocument({ architecture: 'unknown', os: 'unknown', config: {}, rootfs: { type: 'layers', diff_ids: statements.map(({ digest }) => digest) } });
  const manifest = toDocument({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: { mediaType: mediaTypes.ociConfig, digest: config.digest, size: config.bytes.length }, layers });
  const descriptor: Descriptor = {
    mediaType: mediaTypes.ociManifest,
    digest: manifest.digest,
    size: manifest.bytes.length,
    annotations: { [REFERENCE_DIGEST]: manifestDigest, [REFERENCE_TYPE]: ATTESTATION },
    platform: { architecture: 'unknown', os: 'unknown' },
  };
  return { descriptor, manifest, config, statements };
}

function toDocument(value: unknown): Document {
  const bytes = Buffer.from(JSON.stringify(value));
  return { digest: digestOf(bytes), bytes };
}
