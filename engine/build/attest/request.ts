/** What is to be attested of the images of a build. */
export interface AttestRequest {
  readonly provenance?: ProvenanceRequest;
  /** What is installed in them. */
  readonly sbom?: boolean;
}

export interface ProvenanceRequest {
  /** `min`: where from; `max`: also how, with the build's arguments, its Dockerfile and its steps. */
  readonly mode: 'min' | 'max';
  readonly version: 'v0.2' | 'v1';
  readonly builderId?: string;
}
