// Two CommonJS bundles: the extension, and the engine with its CLI. Native add-ons stay outside and are copied beside.
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import webpack from 'webpack';

const root = import.meta.dirname;

/** Copies node-unix-socket and its prebuilt add-ons to dist/node_modules, where the bundle's require finds them. */
class CopyNativeAddons {
  apply(compiler) {
    compiler.hooks.afterEmit.tap('CopyNativeAddons', () => {
      const to = resolve(root, 'dist/node_modules');
      rmSync(to, { recursive: true, force: true });
      mkdirSync(to, { recursive: true });
      const from = resolve(root, 'node_modules');
      for (const name of readdirSync(from).filter((entry) => /^node-unix-socket(-linux-.*)?$/.test(entry))) {
        if (existsSync(resolve(from, name))) cpSync(resolve(from, name), resolve(to, name), { recursive: true, dereference: true });
      }
    });
  }
}

const common = {
  target: 'node20',
  devtool: 'source-map',
  resolve: { extensions: ['.ts', '.js'], extensionAlias: { '.js': ['.ts', '.js'] }, mainFields: ['module', 'main'] },
  module: {
    // One file each: import() still evaluates a module only when it is first needed.
    parser: { javascript: { dynamicImportMode: 'eager' } },
    rules: [{ test: /\.ts$/, exclude: /node_modules/, loader: 'ts-loader', options: { transpileOnly: true, compilerOptions: { noEmit: false, incremental: false, module: 'ESNext', moduleResolution: 'Bundler' } } }],
  },
  // ssh2's native speed-ups: compiled on the spot, so not for a bundle; it does without.
  plugins: [new webpack.IgnorePlugin({ resourceRegExp: /^cpu-features$|sshcrypto\.node$/ })],
  performance: { hints: false },
  optimization: { minimize: false },
  cache: { type: 'filesystem', cacheDirectory: resolve(root, '.cache/webpack') },
};

export default [
  {
    ...common,
    name: 'engine',
    entry: { berth: './engine/main.ts', 'endpoint-agent': './engine/endpoint/agent/main.ts' },
    externals: { 'node-unix-socket': 'commonjs node-unix-socket' },
    output: { path: resolve(root, 'dist'), filename: '[name].cjs', libraryTarget: 'commonjs2' },
    plugins: [...common.plugins, new CopyNativeAddons()],
  },
  {
    ...common,
    name: 'extension',
    entry: { extension: './src/extension.ts' },
    externals: { vscode: 'commonjs vscode' },
    output: { path: resolve(root, 'dist'), filename: '[name].cjs', libraryTarget: 'commonjs2' },
  },
];
