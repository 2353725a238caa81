'use strict';
const path = require('node:path');

/** Runs the command line. `version`, which scripts ask for, is answered without loading the rest. */
module.exports = async function launch(folder, args) {
  if (args.length === 1 && args[0] === 'version') require(path.join(folder, 'version-text.cjs')).printVersion();
  else await require(path.join(folder, 'gatewayd.cjs')).main(args);
};
