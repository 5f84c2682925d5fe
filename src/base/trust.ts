/** Refused: what was asked runs what the workspace says, and the workspace is not trusted. */
export class WorkspaceNotTrusted extends Error {
  override readonly name = 'WorkspaceNotTrusted';
}
