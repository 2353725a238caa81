import { defineErrors } from '../errors.ts';

/** Everything that can be wrong with a plugin, its place or its lock. */
export const pluginErrors = defineErrors({
  PLUGIN_DIRECTORY_MISSING: {
    message: 'The plugins folder {directory} does not exist',
    mend: 'Create it, or change `pluginHost.directory` in the config; gatewayd runs without plugins until then.',
  },
  PLUGIN_DIRECTORY_UNREADABLE: {
    message: 'The plugins folder {directory} cannot be read: {reason}',
    mend: 'Let the user that runs gatewayd read it, or change `pluginHost.directory` in the config.',
  },
  PLUGIN_NOT_FOUND: {
    message: 'There is no plugin {plugin} in {directory}{nearest}',
    mend: 'Put the plugin into that folder, mend `name` in its row, or set `enabled: false` there.',
  },
  PLUGIN_UNREADABLE: {
    message: 'Plugin {plugin} cannot be read: {path}: {reason}',
    mend: 'Let the user that runs gatewayd read the plugin and everything in its folder.',
  },
  PLUGIN_LINK_OUTSIDE: {
    message: 'Plugin {plugin} is a link to {target}, which lies outside of the plugins folder',
    mend: 'Copy the plugin into the plugins folder, or link to something inside it.',
  },
  PLUGIN_NOT_PLAIN: {
    message: 'Plugin {plugin} holds {path}, which is {kind}; its checksum can cover plain files and folders only',
    mend: 'Replace it by a plain file with an ordinary name, or move it out of the folder.',
  },
  PLUGIN_BAD_PACKAGE: {
    message: 'Plugin {plugin} has a package.json that cannot be used: {reason}',
    mend: 'A plugin folder needs a package.json with at least `name` and `version`.',
  },
  PLUGIN_NO_ENTRY: {
    message: 'Plugin {plugin} has no entry point: {reason}',
    mend: 'Name a .ts, .mts, .js or .mjs file inside the folder as `exports` or `main` in its package.json, or add an index file.',
  },
  PLUGIN_BAD_NAME: {
    message: '{plugin} is no name for a plugin: {reason}',
    mend: 'Rename the file, or change `name` in the package.json of the folder.',
  },
  PLUGIN_DUPLICATE_NAME: {
    message: 'There are two plugins called {plugin}: {path} is not loaded because of {other}',
    mend: 'Rename or remove one of them.',
  },
  PLUGIN_CHECKSUM_MISMATCH: {
    message: 'Plugin {plugin} has the checksum {actual}, but its row in the config asks for {expected}',
    mend: 'If you trust the plugin as it is, change `checksum` in its row; otherwise put back the file you had.',
  },
  PLUGIN_CHANGED: {
    message: 'Plugin {plugin} changed since it was trusted: its checksum is {actual}, {lockFile} says {expected}',
    mend: 'If you know why it changed, accept it with `gatewayd plugin trust {plugin}`; otherwise put back what you had.',
  },
  PLUGIN_NOT_PINNED: {
    message: 'Plugin {plugin} has no checksum in its row, which `verify: pin` asks for',
    mend: 'If you trust it, add `checksum: {actual}` to its row in the config.',
  },
  PLUGIN_CHANGED_WHILE_LOADING: {
    message: 'Plugin {plugin} changed while it was being loaded: from {expected} to {actual}',
    mend: 'Start again once nothing writes to the plugin any more.',
  },
  PLUGIN_LOCK_BROKEN: {
    message: 'The lock {lockFile} cannot be used: {reason}',
    mend: 'Mend or restore it; or delete it, after which every plugin is trusted as it is at the next start.',
  },
  PLUGIN_LOCK_VERSION: {
    message: 'The lock {lockFile} has version {found}, which this gatewayd does not know',
    mend: 'Use the gatewayd that wrote it, or a newer one.',
  },
  PLUGIN_LOCK_NOT_WRITTEN: {
    message: 'The lock {lockFile} cannot be written: {reason}',
    mend: 'Make room there and let the user that runs gatewayd write, or give each plugin a `checksum` in its row.',
  },
  PLUGIN_TRUST_BUILT_IN: {
    message: 'Plugin {plugin} is part of gatewayd and needs no trust of its own',
    mend: 'Nothing is to be done.',
  },
  PLUGIN_SYNTAX_ERROR: {
    message: 'Plugin {plugin} is no valid code: {reason}',
    mend: 'Mend the plugin at the line named.',
  },
  PLUGIN_IMPORT_FAILED: {
    message: 'Plugin {plugin} failed while it was imported: {reason}',
    mend: "The plugin's own stack is in the log; mend the plugin, or disable it with `enabled: false` in its row.",
  },
  PLUGIN_IMPORT_TIMEOUT: {
    message: 'Plugin {plugin} was not imported within {milliseconds} ms',
    mend: 'Something at the top of the module is awaited and never settles; start it in apply, without waiting for it.',
  },
  PLUGIN_NO_DEFAULT_EXPORT: {
    message: 'Plugin {plugin} has no default export',
    mend: 'Write `export default definePlugin({ … })`.',
  },
  PLUGIN_BAD_EXPORT: {
    message: 'Plugin {plugin} exports something that is no plugin: {reason}',
    mend: 'Its default export is an object with an `apply` function: `export default definePlugin({ version, apply(host) {} })`.',
  },
  PLUGIN_NAME_MISMATCH: {
    message: 'Plugin {plugin} calls itself {exported}',
    mend: 'Leave `name` out of the module, or rename the file or the `name` in package.json to match.',
  },
  PLUGIN_BAD_VERSION: {
    message: 'Plugin {plugin} has the version {version}, which is not a semantic version',
    mend: 'Use three numbers, such as 1.0.0; see semver.org.',
  },
  PLUGIN_BAD_REQUIREMENT: {
    message: 'Plugin {plugin} requires {required} {range}, which is not a range of semantic versions',
    mend: 'Use a range such as ^1.0.0 in `requires`.',
  },
  PLUGIN_REQUIREMENT_MISSING: {
    message: 'Plugin {plugin} requires {required} {range}, and there is no such plugin',
    mend: 'Add {required} to the plugins folder.',
  },
  PLUGIN_REQUIREMENT_UNMET: {
    message: 'Plugin {plugin} requires {required} {range}, but that has version {version}',
    mend: 'Install matching versions of the two.',
  },
  PLUGIN_REQUIREMENT_CYCLE: {
    message: 'Plugin {plugin} requires itself by way of {cycle}',
    mend: 'Take one of these requirements out of its plugin.',
  },
  PLUGIN_REQUIREMENT_FAILED: {
    message: 'Plugin {plugin} requires {required}, which is not loaded',
    mend: 'See what is reported of {required}.',
  },
  PLUGIN_BAD_CONFIG_SCHEMA: {
    message: 'Plugin {plugin} has a configSchema that is no JSON Schema: {reason}',
    mend: "Mend the plugin's configSchema.",
  },
  PLUGIN_BAD_CONFIG: {
    message: 'The config of plugin {plugin} is wrong: {reason}',
    mend: "Mend `config` in the plugin's row.",
  },
  PLUGIN_BAD_LIMIT: {
    message: 'The row of plugin {plugin} has a time limit for the hook {hook}, which does not exist',
    mend: 'Did you mean {nearest}? docs/hooks.md lists them all.',
  },
  PLUGIN_APPLY_FAILED: {
    message: 'Plugin {plugin} failed in apply: {reason}',
    mend: "The plugin's own stack is in the log; mend the plugin, or disable it with `enabled: false` in its row.",
  },
  PLUGIN_APPLY_TIMEOUT: {
    message: 'Plugin {plugin} did not finish apply within {milliseconds} ms',
    mend: 'Let apply tap its hooks and return; what takes long belongs into a tap, or is started without being awaited.',
  },
  PLUGIN_BAD_DEACTIVATE: {
    message: 'Plugin {plugin} returned {got} from apply, where a function to call at stop, or nothing, is expected',
    mend: 'Return a function or nothing: an arrow function without braces returns the value of its expression.',
  },
  PLUGIN_DEACTIVATE_FAILED: {
    message: 'Plugin {plugin} failed while it was deactivated: {reason}',
    mend: "The plugin's own stack is in the log; mend the function that its apply returns.",
  },
  PLUGIN_DEACTIVATE_TIMEOUT: {
    message: 'Plugin {plugin} was not deactivated within {milliseconds} ms',
    mend: 'See what the function that its apply returns waits for.',
  },
  PLUGIN_TAP_FAILED: {
    message: 'Plugin {plugin} failed in hook {hook}: {reason}',
    mend: "The plugin's own stack is in the log; the others go on without it.",
  },
  PLUGIN_TAPS_PAUSED: {
    message: 'Plugin {plugin} is left out of hook {hook} for {pause} ms: {failures} of {calls} calls failed',
    mend: 'After that one call is tried, and when it goes well the plugin is back. `breaker` in its row, or in the plugin host section, says when this happens.',
  },
  PLUGIN_HUNG: {
    message: 'Plugin {plugin} held the whole process for {milliseconds} ms',
    mend: 'The stack says where. Break up what takes long, or have it done in a thread: `isolation: worker` in its row.',
  },
  PLUGIN_PATCHED: {
    message: 'Plugin {plugin} changed {what}, which all of the process stands on; {outcome}',
    mend: 'A plugin that needs something else than what is there keeps it to itself: in a variable, or a class of its own.',
  },
  PLUGINS_PATCHED: {
    message: 'One of the plugins {plugins} changed {what}, which all of the process stands on; {outcome}',
    mend: 'Load them one by one to see which it is. A plugin that needs something else than what is there keeps it to itself.',
  },
  PLUGIN_WATCHDOG_FAILED: {
    message: 'Nothing watches for plugins that hang any more: {reason}',
    mend: 'Plugins that hold the whole process will not be named. Start again; or set `hangTimeout: 0` in the plugin host section to go without.',
  },
  PLUGIN_GUARD_MISSING: {
    message: 'Plugin {plugin} guards something (onError: refuse) and is not loaded: every client is refused',
    mend: 'See what is reported of the plugin; or take `onError: refuse` out of its row, or disable it with `enabled: false`, to let clients in without it.',
  },
  PLUGIN_UNCAUGHT: {
    message: 'Plugin {plugin} left an error uncaught: {reason}',
    mend: "The plugin's own stack is in the log; catch the error, or await the promise, where it starts.",
  },
  PLUGIN_REPORTED: {
    message: 'Plugin {plugin} reported an error: {reason}',
    mend: 'The plugin knows more; see its own documentation.',
  },
  PLUGIN_ERROR_TAP_FAILED: {
    message: 'A tap of the error hook of plugin {plugin} failed: {reason}',
    mend: 'Mend the tap {tap}.',
  },
  PLUGIN_VISITOR_FAILED: {
    message: 'A function given to plugins.each failed on plugin {plugin}: {reason}',
    mend: 'Mend the function.',
  },
  PLUGIN_EXIT: {
    message: 'Plugin {plugin} called process.{member}, which is for gatewayd alone',
    mend: 'Throw an error, or report one with host.reportError(); gatewayd decides when the process ends.',
  },
  PLUGIN_LEFT_TIMER: {
    message: 'Plugin {plugin} left {count} behind after it was deactivated: {where}',
    mend: 'Return a function from apply that clears the timers that apply and the taps started.',
  },
  PLUGIN_LEFT_OPEN: {
    message: 'Plugin {plugin} left {count} open after it was deactivated: {where}',
    mend: 'Return a function from apply that closes the servers and sockets that apply and the taps opened.',
  },
  PLUGIN_LEFT_LISTENER: {
    message: 'Plugin {plugin} left {count} on process after it was deactivated: {where}',
    mend: 'Return a function from apply that takes off the listeners that the plugin put on process.',
  },
  PLUGIN_ISOLATION_UNSUPPORTED: {
    message: 'Plugin {plugin} asks for isolation: {isolation}, and there is no such place here',
    mend: 'Set `isolation: none` in its row if it may run inside gatewayd.',
  },
  PLUGIN_DEMOTED: {
    message: 'Plugin {plugin} was moved to a thread of its own, because it {reason}',
    mend: 'Mend the plugin; it is moved back when its files or its row change. `demote: false` in its row keeps it in gatewayd.',
  },
  PLUGIN_NOT_DEMOTED: {
    message:
      'Plugin {plugin} {reason}, and stays in gatewayd all the same, because it cannot be moved to a thread of its own: {obstacle}',
    mend: 'Mend the plugin, or take `demote: true` out of its row if it cannot run in a thread.',
  },
  PLUGIN_PERMISSION_MISSING: {
    message: 'Plugin {plugin} asks for {asked}, and its row grants no more than {granted}',
    mend: 'If the plugin may do that, add it to `permissions` in its row.',
  },
  PLUGIN_PERMISSION_NOT_ENFORCED: {
    message: 'Nothing keeps plugin {plugin} from {what}: {reason}',
    mend: '{advice}',
  },
  PLUGIN_BUILT_IN_ISOLATION: {
    message: 'Plugin {plugin} is part of gatewayd and runs in it, although its row says isolation: {isolation}',
    mend: 'Take `isolation` out of its row.',
  },
  PLUGIN_EXECUTABLE_UNPINNED: {
    message: 'Plugin {plugin} is an executable, {path}, and its row has no checksum',
    mend: "Add the executable's SHA-256 as `checksum` to its row.",
  },
  PLUGIN_EXECUTABLE_UNSUPPORTED: {
    message: 'Plugin {plugin} is an executable, {path}; running those is still to come',
    mend: 'Set `enabled: false` in its row until then.',
  },
  PLUGIN_NOT_RELOADED: {
    message: 'nothing was reloaded, because of: {plugins}',
    mend: '{mend} Then reload again; until then everything goes on as it was.',
  },
  PLUGIN_REQUIRED_FAILED: {
    message: 'Not started: required plugins failed: {plugins}',
    mend: 'See what is reported of them, or take `required: true` out of their rows.',
  },
});
