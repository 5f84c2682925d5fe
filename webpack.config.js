// CommonJS bundles: the extension; the engine with its CLI, and what starts it. The native add-on stays outside and is built beside.
import { resolve } from 'node:path';
import webpack from 'webpack';
import { architectures } from './scripts/engine-archive/contents.mjs';
import { buildNative, hasCompiler } from './scripts/native.mjs';

const root = import.meta.dirname;

/** Builds the native add-on beside the bundle that asks for it: for this machine, and for other architectures where a compiler for them is at hand. */
class BuildNativeAddon {
  apply(compiler) {
    compiler.hooks.afterEmit.tap('BuildNativeAddon', () => {
      if (process.platform === 'linux') buildNative(Object.keys(architectures).filter((name) => name === process.arch || hasCompiler(name)));
    });
  }
}

const common = {
  target: 'node20',
  devtool: 'source-map',
  resolve: { extensions: ['.ts', '.js'], extensionAlias: { '.js': ['.ts', '.js'] }, mainFields: ['module', 'main'] },
  module: {
    // One file each: import() still evaluates a module only when it is first needed. The engine alone is another file (mainCli.ts), which commands need not read.
    parser: { javascript: { dynamicImportMode: 'eager' } },
    rules: [
      { test: /\.[cm]?[jt]s$/, enforce: 'post', loader: resolve(root, 'scripts/ascii-loader.cjs') },
      { test: /\.ts$/, exclude: /node_modules/, loader: 'ts-loader', options: { transpileOnly: true, compilerOptions: { noEmit: false, incremental: false, module: 'ESNext', moduleResolution: 'Bundler' } } },
    ],
  },
  // ssh2's native speed-ups: compiled on the spot, so not for a bundle; it does without.
  plugins: [new webpack.IgnorePlugin({ resourceRegExp: /^cpu-features$|sshcrypto\.node$/ })],
  performance: { hints: false },
  optimization: { minimize: false, splitChunks: false },
  cache: { type: 'filesystem', cacheDirectory: resolve(root, '.cache/webpack') },
};

export default [
  {
    ...common,
    name: 'engine',
    entry: { berth: './engine/main.ts', 'berth-main': './engine/mainCommand.ts', 'endpoint-agent': './engine/endpoint/agent/main.ts', 'unpack-worker': './engine/host/tar/unpackWorker.ts' },
    // What main.ts imports (ts-loader says .js) stays a file of its own: Node keeps the code of files that are loaded once it has been told to.
    externals: { '#native': 'commonjs ./native/native.cjs', './mainCommand.js': 'commonjs ./berth-main.cjs' },
    output: { path: resolve(root, 'dist'), filename: '[name].cjs', chunkFilename: '[name].cjs', libraryTarget: 'commonjs2' },
    plugins: [...common.plugins, new BuildNativeAddon()],
  },
  {
    ...common,
    name: 'extension',
    entry: { extension: './src/extension.ts' },
    externals: { vscode: 'commonjs vscode' },
    output: { path: resolve(root, 'dist'), filename: '[name].cjs', libraryTarget: 'commonjs2' },
  },
];
