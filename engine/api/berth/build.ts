import { z } from 'zod';

const absolutePath = z.string().startsWith('/', 'must be an absolute path');

/** What `--build-context name=…` names. */
export const namedContextSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('directory'), path: absolutePath }),
  /** `URL[#ref[:folder]]`. */
  z.strictObject({ kind: z.literal('git'), url: z.string() }),
  /** An archive. */
  z.strictObject({ kind: z.literal('http'), url: z.string() }),
  z.strictObject({ kind: z.literal('image'), ref: z.string() }),
  /** `ref`: a tag or digest of its index. */
  z.strictObject({ kind: z.literal('oci-layout'), path: absolutePath, ref: z.string().optional() }),
]);
export type NamedContextBody = z.infer<typeof namedContextSchema>;

const attestSchema = z.strictObject({
  provenance: z.strictObject({ mode: z.enum(['min', 'max']), version: z.enum(['v0.2', 'v1']), builderId: z.string().optional() }).optional(),
  sbom: z.boolean().optional(),
});
export type AttestBody = z.infer<typeof attestSchema>;

const pairs = z.record(z.string(), z.string());
/** Of the manifest of each image, and of its row in the index. */
const imageAnnotations = { manifest: pairs.optional(), descriptor: pairs.optional() };
/** By what they are of; `platforms`: only of the image of one platform, by the platform. */
const annotationsSchema = z.strictObject({ ...imageAnnotations, index: pairs.optional(), platforms: z.record(z.string(), z.strictObject(imageAnnotations)).optional() });

/** The body of `POST /berth/v1/build`: builds a folder of the engine's host in place. */
export const buildRequestSchema = z.strictObject({
  context: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('directory'), path: z.string().startsWith('/', 'must be an absolute path') }),
    /** `URL[#ref[:folder]]`, fetched by the engine's host. */
    z.strictObject({ kind: z.literal('git'), url: z.string() }),
    /** An archive, or a Dockerfile alone. */
    z.strictObject({ kind: z.literal('http'), url: z.string() }),
    z.strictObject({ kind: z.literal('empty') }),
  ]),
  /** Relative to the context, or absolute. Default: `Dockerfile`. */
  dockerfile: z.string().optional(),
  /** The Dockerfile itself, in place of a file of the context. */
  dockerfileText: z.string().optional(),
  /** A stage's name or number. Default: the last stage. */
  target: z.string().optional(),
  buildArgs: z.record(z.string(), z.string()).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  tags: z.array(z.string()).optional(),
  noCache: z.boolean().optional(),
  /** Stages whose steps are done again. */
  noCacheFilter: z.array(z.string()).optional(),
  /** Ask the registries for newer base images. */
  pull: z.boolean().optional(),
  network: z.enum(['default', 'none', 'host']).optional(),
  /** `NAME:ADDRESS` (`host-gateway`: the engine's host): for the /etc/hosts of commands. */
  extraHosts: z.array(z.string()).optional(),
  /** Bytes of the /dev/shm of commands. */
  shmSize: z.number().int().positive().optional(),
  /** Limits of commands. */
  ulimits: z.array(z.strictObject({ Name: z.string(), Soft: z.number().int(), Hard: z.number().int() })).optional(),
  /** For `RUN --mount=type=secret`: contents in base64, by id. */
  secrets: z.record(z.string(), z.base64()).optional(),
  /** For `RUN --mount=type=ssh`: sockets of SSH agents on the engine's host, by id. */
  sshAgents: z.record(z.string(), z.string().startsWith('/', 'must be an absolute path')).optional(),
  /** `RUN --security=insecure` may be done. */
  allowInsecure: z.boolean().optional(),
  /** `RUN --device` may be done. */
  allowDevices: z.boolean().optional(),
  /** `linux/arm64`, …: several make an index. Default: what the engine's host is. */
  platforms: z.array(z.string()).optional(),
  /** What names mean instead of stages and images, by name. Paths are of the engine's host. */
  contexts: z.record(z.string(), namedContextSchema).optional(),
  /** What is attested of each image, in an index. */
  attest: attestSchema.optional(),
  /** A RUN that fails is kept for its client: see the `debug` event. */
  debug: z.strictObject({ tty: z.boolean() }).optional(),
  /** Caches of other machines; `image`: one that is inside an image, here or in a registry. `folder`: an OCI layout on the engine's host. */
  cacheFrom: z.array(z.union([z.strictObject({ type: z.enum(['registry', 'image']), ref: z.string() }), z.strictObject({ type: z.literal('local'), folder: z.string().startsWith('/', 'must be an absolute path'), tag: z.string().optional() })])).optional(),
  /** Where the steps are kept for others; `local`: in the export of the result. */
  cacheTo: z
    .array(
      z.discriminatedUnion('type', [
        z.strictObject({ type: z.literal('inline') }),
        z.strictObject({ type: z.literal('registry'), ref: z.string(), mode: z.enum(['min', 'max']).default('min'), ignoreError: z.boolean().default(false) }),
        z.strictObject({ type: z.literal('local'), mode: z.enum(['min', 'max']).default('min') }),
      ]),
    )
    .optional(),
  annotations: annotationsSchema.optional(),
  /** What becomes of the result: an image of the engine, files to fetch (`result.exportId`), or both. Default: an image. */
  keep: z.strictObject({ image: z.boolean(), files: z.boolean() }).optional(),
  /** Nothing is built: the answer says only what of the Dockerfile is odd. */
  checkOnly: z.boolean().optional(),
});
export type BuildRequestBody = z.infer<typeof buildRequestSchema>;

const stepStatus = z.enum(['started', 'cached', 'finished', 'failed']);
export type BuildStepStatus = z.infer<typeof stepStatus>;

/** What the answer's lines say, one JSON object each; the last is `result` or `error`. */
export const buildEventSchema = z.discriminatedUnion('type', [
  /** How many instructions there are: `step` events count from 1 to `total`. */
  z.looseObject({ type: z.literal('plan'), total: z.number().int() }),
  z.looseObject({
    type: z.literal('step'),
    index: z.number().int(),
    total: z.number().int(),
    /** Line in the Dockerfile. */
    line: z.number().int(),
    /** The stage's name, else its number. */
    stage: z.string(),
    text: z.string(),
    status: stepStatus,
    durationMs: z.number().optional(),
    /** Short id of the layer it made. */
    layer: z.string().optional(),
  }),
  z.looseObject({ type: z.literal('log'), index: z.number().int(), stream: z.enum(['stdout', 'stderr']), text: z.string() }),
  /** A base image on its way. */
  z.looseObject({ type: z.literal('progress'), id: z.string().optional(), status: z.string(), current: z.number().optional(), total: z.number().optional() }),
  /** With `rule`, `docker build --check`'s name of it: about the Dockerfile, at this place; `excerpt`: its lines around there. */
  z.looseObject({ type: z.literal('warning'), message: z.string(), rule: z.string().optional(), why: z.string().optional(), file: z.string().optional(), line: z.number().int().optional(), column: z.number().int().optional(), excerpt: z.array(z.object({ line: z.number().int(), text: z.string() })).optional() }),
  /** Where in the Dockerfile the build failed; `output`: the last lines that its command printed. What failed is in the `error` that follows. */
  z.looseObject({ type: z.literal('failure'), file: z.string(), line: z.number().int(), column: z.number().int(), excerpt: z.array(z.object({ line: z.number().int(), text: z.string() })), output: z.string().optional() }),
  /** The end of a build that only checks. */
  z.looseObject({ type: z.literal('checked'), warnings: z.number().int() }),
  z.looseObject({
    type: z.literal('result'),
    imageId: z.string(),
    /** Where the result is an index. */
    indexDigest: z.string().optional(),
    /** Where the files are, at `/berth/v1/build/exports/`, for ten minutes after they were last asked for. */
    exportId: z.string().optional(),
  }),
  /** A RUN failed, and `container` (not started yet) has its files, mounts, environment, user and folder. When it has ended, or the client has left, it goes away and the build ends. */
  z.looseObject({ type: z.literal('debug'), container: z.string(), command: z.string(), line: z.number().int() }),
  z.looseObject({ type: z.literal('error'), error: z.looseObject({ message: z.string(), code: z.string().optional(), params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional() }) }),
]);
export type BuildEvent = z.infer<typeof buildEventSchema>;
