import { defineError } from '../../base/errors.ts';

export const profileMissing = defineError<{ profile: string }>(
  'APPARMOR_PROFILE_MISSING',
  400,
  (p) => `The kernel has no AppArmor profile ${p.profile} (--security-opt apparmor=${p.profile}). Load it on the engine's host (apparmor_parser -r FILE), or name another one; those that are there: aa-status, or /sys/kernel/security/apparmor/profiles.`,
);
export const profileNotLoaded = defineError<{ detail: string }>(
  'APPARMOR_LOAD_FAILED',
  500,
  (p) => `Berth's AppArmor profile could not be loaded, so the container would not be confined: ${p.detail}. Repair apparmor_parser on the engine's host, or start the container with --security-opt apparmor=unconfined.`,
);
