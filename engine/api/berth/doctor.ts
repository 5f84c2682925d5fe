import { z } from 'zod';

export const packageManagers = ['apt', 'dnf', 'apk', 'zypper', 'pacman'] as const;
export type PackageManager = (typeof packageManagers)[number];

export const doctorStepSchema = z.looseObject({
  /** Stable: `kernel`, `cgroups`, `oci-runtime`, …. */
  id: z.string(),
  title: z.string(),
  /** `fail`: containers cannot run. `warn`: something works less well, or is missing that not everybody needs. */
  status: z.enum(['ok', 'warn', 'fail']),
  /** What was found, in English. */
  seen: z.string(),
  /** What to do about it; empty when all is well. */
  advice: z.string(),
  /** Missing host tools that a package would bring. */
  tools: z.array(z.string()),
});
export type DoctorStep = z.infer<typeof doctorStepSchema>;

/** What `berth doctor --fix` would run, and what it cannot do. */
export const fixPlanSchema = z.looseObject({
  manager: z.enum(packageManagers).nullable(),
  /** Commands to run in order, each a program and its arguments, `sudo` included where needed. */
  commands: z.array(z.array(z.string())),
  /** Why there is no command, or what stays undone; sentences. */
  notes: z.array(z.string()),
});
export type FixPlan = z.infer<typeof fixPlanSchema>;

/** `GET /berth/v1/doctor`. */
export const doctorReportSchema = z.looseObject({
  /** No step failed. */
  ok: z.boolean(),
  /** The distribution's name for people. */
  system: z.string(),
  kernel: z.string(),
  architecture: z.string(),
  steps: z.array(doctorStepSchema),
  fix: fixPlanSchema,
});
export type DoctorReport = z.infer<typeof doctorReportSchema>;
