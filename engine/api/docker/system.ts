import { z } from 'zod';

/** The parts of `GET /version` and `GET /info` that our clients read. */
export const versionSchema = z.looseObject({
  Version: z.string(),
  ApiVersion: z.string(),
  MinAPIVersion: z.string().optional(),
  Os: z.string().optional(),
  Arch: z.string().optional(),
  KernelVersion: z.string().optional(),
  Components: z.array(z.looseObject({ Name: z.string(), Version: z.string() })).nullish(),
});

export const infoSchema = z.looseObject({
  ID: z.string().optional(),
  Name: z.string(),
  Containers: z.number(),
  ContainersRunning: z.number(),
  ContainersPaused: z.number(),
  ContainersStopped: z.number(),
  Images: z.number(),
  Driver: z.string().optional(),
  DockerRootDir: z.string().optional(),
  ServerVersion: z.string().optional(),
  Warnings: z.array(z.string()).nullish(),
});
