/** Whether a text is the address of a repository that git fetches over the network or from a path, and nothing else that git would take for an order. Pure. */
export function isRepositoryUrl(text: string): boolean {
  const url = text.trim();
  return /^(https?|ssh|git|file):\/\/[^\s-][^\s]*$/.test(url) || /^[\w.-]+@[\w.-]+:[^\s]+$/.test(url) || /^\/[^\s]+$/.test(url);
}

/** The folder that git would make for it. Pure. */
export function repositoryName(url: string): string {
  return url.trim().replace(/[/\\]+$/, '').replace(/\.git$/, '').split(/[/:\\]/).at(-1) || 'repository';
}
