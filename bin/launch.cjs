'use strict';
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const vm = require('node:vm');

/**
 * What `require(file)` gives. Where the build left the code that V8 makes of the file, and the same V8 runs now, it is
 * not made again: that is a third of a start.
 */
function load(file) {
  let cachedData;
  try {
    cachedData = fs.readFileSync(`${file}.cache`);
  } catch {
    return require(file);
  }
  const script = new vm.Script(Module.wrap(fs.readFileSync(file, 'utf8')), {
    filename: file,
    cachedData,
  });
  if (script.cachedDataRejected) return require(file);
  const loaded = new Module(file);
  loaded.filename = file;
  loaded.paths = Module._nodeModulePaths(path.dirname(file));
  loaded.__import = (specifier) =>
    import(specifier.startsWith('.') ? pathToFileURL(path.resolve(path.dirname(file), specifier)).href : specifier);
  // For those who require it later.
  require.cache[file] = loaded;
  script
    .runInThisContext()
    .call(loaded.exports, loaded.exports, Module.createRequire(file), loaded, file, path.dirname(file));
  loaded.loaded = true;
  return loaded.exports;
}

/** Runs the command line. `version`, which scripts ask for, is answered without loading the rest. */
module.exports = async function launch(folder, args) {
  if (args.length === 1 && args[0] === 'version') require(path.join(folder, 'version-text.cjs')).printVersion();
  else await load(path.join(folder, 'gatewayd.cjs')).main(args);
};
