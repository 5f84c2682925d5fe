import release from './release.json' with { type: 'json' };

/** Which server and which Node, by digest. `scripts/workbench.mjs` installs the tests' workbench by the same file. */
export const editorRelease = release;
