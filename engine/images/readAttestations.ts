import type { Buffer } from 'node:buffer';
import { z } from 'zod';
import type { AttestedImage } from '../api/berth/image.ts';
import { fitsPlatform, formatPlatform, normalPlatform } from '../base/platform.ts';
import type { Platform } from '../base/platform.ts';
import { manifestSchema } from '../content/oci.ts';
import type { Descriptor } from '../content/oci.ts';
import { attestedDigest, isAttestation } from './attestations.ts';

/** Where the documents of an index are read: this engine's store, or a registry. */
export interface DocumentSource {
  manifest(row: Descriptor): Promise<Buffer>;
  blob(row: Descriptor): Promise<Buffer>;
}

const statementSchema = z.looseObject({ predicateType: z.string(), predicate: z.unknown() });

/** What is attested of the images of an index: a row for each image, those of other platforms left out when one is wanted. */
export async function readAttestations(manifests: readonly Descriptor[], source: DocumentSource, platform?: Platform): Promise<AttestedImage[]> {
  const found: AttestedImage[] = [];
  for (const row of manifests) {
    if (isAttestation(row) || (platform && row.platform && !fitsPlatform(row.platform, platform))) continue;
    const statements: AttestedImage['statements'] = [];
    for (const attestation of manifests.filter((one) => isAttestation(one) && attestedDigest(one) === row.digest)) {
      const { layers } = manifestSchema.parse(JSON.parse((await source.manifest(attestation)).toString('utf8')));
      for (const layer of layers) {
        const { predicateType, predicate } = statementSchema.parse(JSON.parse((await source.blob(layer)).toString('utf8')));
        statements.push({ predicateType, predicate });
      }
    }
    found.push({ digest: row.digest, platform: row.platform ? formatPlatform(normalPlatform(row.platform)) : '', statements });
  }
  return found;
}
