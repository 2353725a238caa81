'use strict';
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const load = (folder, file) => import(pathToFileURL(path.join(folder, file)).href);

/** Runs the command line. `version`, which scripts ask for, is answered without loading the rest. */
module.exports = async function launch(folder, args) {
  if (args.length === 1 && args[0] === 'version') (await load(folder, 'version-text.js')).printVersion();
  else await (await load(folder, 'main.js')).main(args);
};
