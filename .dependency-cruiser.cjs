// The layers of docs/architecture.md. Imports point down this list and never up.
const stores = 'registry|content|snapshots|state';
const services = 'check|devcontainers|endpoint|sync|parity|build|containers|images|networks|volumes';

const rule = (name, from, to, comment) => ({ name, severity: 'error', comment, from, to });

module.exports = {
  forbidden: [
    rule('no-cycles', {}, { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } }, 'Cycles hide who owns what.'),
    rule('base-is-the-ground', { path: '^engine/base/' }, { path: '^engine/(?!base/)|^src/' }, 'base imports nothing of ours.'),
    rule('api-is-shared', { path: '^engine/api/' }, { path: '^engine/(?!api/)|^src/' }, 'api is imported by clients: it stands alone.'),
    rule('host-on-base', { path: '^engine/host/' }, { path: '^engine/(?!host/|base/|api/)|^src/' }, 'host imports base only.'),
    rule('stores-on-host', { path: `^engine/(${stores})/` }, { path: `^engine/(?!${stores}|host/|base/|api/)|^src/` }, 'stores import host and base.'),
    rule('services-on-stores', { path: `^engine/(${services})/` }, { path: '^engine/(server|cli|remote)/|^engine/main|^src/' }, 'services know neither server nor clients.'),
    rule('services-apart', { path: `^engine/(${services})/` }, { path: `^engine/(${services})/`, pathNot: '^engine/$1/' }, 'services meet only through interfaces given to constructors.'),
    rule('server-above-services', { path: '^engine/server/' }, { path: '^engine/(cli|remote|main)|^src/' }, 'the server does not know its clients.'),
    rule('remote-on-api', { path: '^engine/remote/' }, { path: '^engine/(?!remote/|api/|base/|host/process\\.ts)|^src/' }, 'the client of remote hosts talks to the API only.'),
    rule('cli-on-api', { path: '^engine/cli/' }, { path: '^engine/(?!cli/|remote/|api/|base/|host/process\\.ts)|^src/' }, 'the CLI talks to the API only.'),
    rule('extension-on-api', { path: '^src/' }, { path: '^engine/(?!api/)' }, 'the extension may import engine/api and nothing else of the engine.'),
    rule('engine-without-vscode', { path: '^engine/' }, { path: '^(vscode$|src/)' }, 'the engine never imports vscode or src.'),
    rule('client-and-model-without-vscode', { path: '^src/(client|model)/' }, { path: '^vscode$' }, 'src/client and src/model never import vscode.'),
    rule('production-dependencies', { path: '^(engine|src)/' }, { dependencyTypes: ['npm-dev'], pathNot: 'node_modules/@types/' }, 'what ships must be a dependency.'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'], extensions: ['.ts', '.js'] },
  },
};
