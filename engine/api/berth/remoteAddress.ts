/** Those that say so by how they begin, and those of servers that end with `.git`; what follows is `#ref:folder` or `?ref=…&subdir=…`. */
const GIT = /^(git@[^:/\s]+:|git:\/\/|ssh:\/\/|https?:\/\/[^#?]+\.git([#?]|$))/i;

/** Whether an address is, by Docker's rule, that of a Git repository. */
export function isGitAddress(text: string): boolean {
  return GIT.test(text);
}

/** Whether an address is that of something that a server gives; a Git repository may be one, too. */
export function isHttpAddress(text: string): boolean {
  return /^https?:\/\//i.test(text);
}
