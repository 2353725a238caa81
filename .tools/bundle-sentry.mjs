// Puts a bundle of the part of @sentry/node that telemetry uses in the place of dist/plugins/telemetry/sentry-sdk.js,
// so that the package itself, 90 MB with what it brings, is no dependency.
import path from 'node:path';
import { bundle, root } from './bundle.mjs';

const file = path.join(root, 'dist/plugins/telemetry/sentry-sdk.js');

await bundle({
  entryPoints: [file],
  outfile: file,
  minify: true,
  // The SDK keeps its state in a member of the global object, where a plugin's own Sentry would find it and share it.
  banner: {
    js: `const sentryGlobal = new Proxy({}, {
  get: (own, name) => (name in own ? own[name] : globalThis[name]),
  has: (own, name) => name in own || name in globalThis,
});`,
  },
  // The SDK's own switches: without them the code for tracing and for its debug log stays in.
  define: {
    globalThis: 'sentryGlobal',
    __SENTRY_CHANNEL_INJECTION__: 'false',
    __SENTRY_TRACING__: 'false',
    __SENTRY_DEBUG__: 'false',
  },
});
