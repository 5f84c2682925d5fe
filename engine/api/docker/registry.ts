import { z } from 'zod';

/** The body of `POST /auth`: Docker's form of credentials. */
export const loginRequestSchema = z.looseObject({
  username: z.string().optional(),
  password: z.string().optional(),
  auth: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
  serveraddress: z.string().optional(),
});

/** The answer to it. A token is to be kept in the password's place. */
export const loginAnswerSchema = z.looseObject({ Status: z.string(), IdentityToken: z.string().optional() });

/** `POST /berth/v1/registry/index`. */
export const pushIndexRequestSchema = z.strictObject({ name: z.string().min(1), images: z.array(z.string().min(1)).min(1) });

/** An item of `GET /images/search`. */
export const searchResultSchema = z.looseObject({ name: z.string(), description: z.string(), star_count: z.number(), is_official: z.boolean() });

export const tagListSchema = z.looseObject({ tags: z.array(z.string()) });

export const referrerListSchema = z.looseObject({
  manifests: z.array(z.looseObject({ mediaType: z.string(), digest: z.string(), size: z.number(), artifactType: z.string().optional(), annotations: z.record(z.string(), z.string()).optional() })),
});
