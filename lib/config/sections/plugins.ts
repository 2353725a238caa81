import { duration, positiveDuration } from './duration.ts';

const actionRedisSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'A Redis channel that actions are published to.',
  properties: {
    enabled: { type: 'boolean', description: 'Publish actions.', default: false },
    address: { type: 'string', description: 'Address of Redis, as host:port.', default: 'localhost:6379' },
    channel: { type: 'string', description: 'Name of the channel.', default: 'gatewayd-actions' },
  },
  default: {},
} as const;

const policiesSchema = {
  type: 'array',
  description: 'Rules that decide about the signals that plugins send.',
  items: {
    type: 'object',
    additionalProperties: false,
    properties: {
      name: { type: 'string', minLength: 1, description: 'Name of the signal that the rule is for.' },
      policy: { type: 'string', description: 'The rule, as an expression.' },
      metadata: {
        type: 'object',
        additionalProperties: true,
        description: 'Values that the rule can refer to.',
        default: {},
      },
    },
    required: ['name', 'policy'],
  },
  default: [],
} as const;

/** Of a circuit breaker; those of a row have no defaults: what it does not say is as in `pluginHost`. */
const breakerProperties = {
  failures: {
    type: 'integer',
    minimum: 0,
    description: 'So many failures open it; 0: nothing does.',
  },
  ratio: {
    type: 'number',
    minimum: 0,
    maximum: 1,
    description: 'The share of calls that must fail besides.',
  },
  window: {
    ...positiveDuration,
    description: 'The time in which failures are counted; longer where there are few calls.',
  },
  pause: {
    ...positiveDuration,
    description: 'How long the taps are left alone until one call is tried; twice as long after each that fails.',
  },
  maxPause: { ...positiveDuration, description: 'The longest that the pauses come to.' },
} as const;

const breakerSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'When the taps of a plugin on one hook are left alone because they fail, and for how long.',
  properties: {
    failures: { ...breakerProperties.failures, default: 10 },
    ratio: { ...breakerProperties.ratio, default: 0.5 },
    window: { ...breakerProperties.window, default: '10s' },
    pause: { ...breakerProperties.pause, default: '1s' },
    maxPause: { ...breakerProperties.maxPause, default: '1m' },
  },
  default: {},
} as const;

/** The section `pluginHost`; its keys, but for `directory` and `verify`, stand at the top of a gatewayd_plugins.yaml. */
export const pluginHostSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'How plugins are found, trusted and kept running.',
  properties: {
    directory: {
      type: 'string',
      minLength: 1,
      description: 'The folder to find plugins in, relative to this file. Each file or folder in it is a plugin.',
      default: './plugins',
    },
    verify: {
      type: 'string',
      description:
        'How a plugin comes to be trusted. `lock`: at first sight, recorded in plugins.lock; one that changes afterwards is refused. `pin`: only by the checksum in its row. `off`: always.',
      enum: ['lock', 'pin', 'off'],
      default: 'lock',
    },
    enableMetricsMerger: { type: 'boolean', description: "Add the plugins' metrics to gatewayd's.", default: true },
    metricsMergerPeriod: {
      ...positiveDuration,
      description: "Time between two collections of the plugins' metrics.",
      default: '5s',
    },
    healthCheckPeriod: {
      ...positiveDuration,
      description: 'Time between two looks at whether a plugin in a thread or process of its own still answers.',
      default: '5s',
    },
    reloadOnCrash: {
      type: 'boolean',
      description: 'Start a plugin again whose thread or process died or hung.',
      default: true,
    },
    timeout: {
      ...positiveDuration,
      description: 'How long an asynchronous tap of a plugin may take before the host goes on without it.',
      default: '30s',
    },
    breaker: breakerSchema,
    hangTimeout: {
      ...duration,
      description:
        'How long a plugin may hold the whole process, by a loop for instance, before it is named on the standard error stream; 0: for ever.',
      default: '1s',
    },
    startTimeout: {
      ...positiveDuration,
      description: 'How long the thread or process of a plugin may take to start.',
      default: '1m',
    },
    controlSocket: {
      type: 'string',
      description:
        'Path of the Unix socket that `gatewayd plugin reload` and the like reach the running gatewayd by; only its owner can open it. Left empty, it is in a folder of the user who runs it. `off` makes none.',
      default: '',
    },
    reloadDrainTimeout: {
      ...positiveDuration,
      description:
        'How long a session that is never idle may keep the plugins it has after a reload. What is left then is told so and ended.',
      default: '1h',
    },
    defaultPolicy: {
      type: 'string',
      description: 'The policy for signals that no other is named for.',
      default: 'passthrough',
    },
    policyTimeout: { ...positiveDuration, description: 'How long deciding by a policy may take.', default: '30s' },
    actionTimeout: { ...positiveDuration, description: 'How long an action may take.', default: '30s' },
    actionRedis: actionRedisSchema,
    policies: policiesSchema,
  },
  default: {},
} as const;

/** One row of `plugins`. */
export const pluginRowSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    name: {
      type: 'string',
      minLength: 1,
      description: "Name of the plugin: its file's name without extension, or the name in its folder's package.json.",
    },
    enabled: { type: 'boolean', description: 'Load the plugin.', default: true },
    config: {
      type: 'object',
      additionalProperties: true,
      description: "The plugin's own settings; the plugin says which there are.",
      default: {},
    },
    onError: {
      type: 'string',
      description:
        'What happens when the plugin fails while it handles traffic. `skip`: go on without it. `refuse`: the client gets an error; for plugins that guard something.',
      enum: ['skip', 'refuse'],
      default: 'skip',
    },
    timeout: {
      ...positiveDuration,
      description: 'How long an asynchronous tap of the plugin may take, if not as long as `pluginHost` says.',
    },
    timeouts: {
      type: 'object',
      description: 'The same for single hooks, by name, such as `opening: 2s`.',
      additionalProperties: positiveDuration,
      default: {},
    },
    breaker: {
      type: 'object',
      additionalProperties: false,
      description: "The plugin's circuit breakers, where they are to differ from what `pluginHost` says.",
      properties: breakerProperties,
      default: {},
    },
    sentryDsn: {
      type: 'string',
      pattern: '^(https?://[^@/]+@[^/]+/.+)?$',
      patternErrorMessage: 'must be a DSN, such as https://KEY@HOST/PROJECT',
      description: "DSN of the Sentry project of the plugin's author, who gets the plugin's errors too.",
      default: '',
    },
    errorReports: {
      type: 'string',
      description:
        "Who gets the plugin's errors. `all`: your Sentry project and that of `sentryDsn`. `author`: only that of `sentryDsn`. `none`: nobody. Telemetry's `sentry` must be on for any.",
      enum: ['all', 'author', 'none'],
      default: 'all',
    },
    required: { type: 'boolean', description: 'Do not start without the plugin.', default: false },
    isolation: {
      type: 'string',
      description:
        'Where the plugin runs: in gatewayd itself (`none`), in a thread (`worker`) or in a process of its own (`process`).',
      enum: ['none', 'worker', 'process'],
      default: 'none',
    },
    demote: {
      type: 'boolean',
      description:
        'Move the plugin to a thread of its own, until its files or this row change, when it misbehaves in gatewayd itself: when it holds the whole process, or when three times within ten minutes its circuit breaker opens or it leaves an error uncaught.',
      default: false,
    },
    memoryLimit: {
      type: 'integer',
      minimum: 16,
      maximum: 1_048_576,
      description: 'How many MB the JavaScript heap of a plugin in a thread or process of its own may take.',
      default: 256,
    },
    permissions: {
      type: 'object',
      additionalProperties: false,
      description:
        'What the plugin may do, and nothing else; one that asks for more is refused. Without it, nothing is restricted. Enforced with `isolation: process`.',
      properties: {
        fs: {
          type: 'string',
          description:
            'Files it may use besides its own: none, all for reading (`read`), or all for writing too (`write`).',
          enum: ['none', 'read', 'write'],
        },
        net: { type: 'boolean', description: 'Use the network. Enforced by Node 25 and later.' },
        child: { type: 'boolean', description: 'Start processes.' },
      },
    },
    checksum: {
      type: 'string',
      pattern: '^([0-9a-fA-F]{64})?$',
      patternErrorMessage: 'must be a SHA-256, which is 64 hex digits',
      description: 'SHA-256 that the plugin must have: 64 hex digits.',
      default: '',
    },
    url: { type: 'string', description: 'Where the plugin can be downloaded from.', default: '' },
    localPath: { type: 'string', description: 'Path of the executable of a GatewayD plugin.', default: '' },
    args: {
      type: 'array',
      description: 'Arguments for the executable.',
      items: { type: 'string' },
      default: [],
    },
    env: {
      type: 'array',
      description: 'Environment for the executable, each as NAME=value.',
      items: { type: 'string', pattern: '^[^=]+=', patternErrorMessage: 'must look like NAME=value' },
      default: [],
    },
  },
  required: ['name'],
} as const;
