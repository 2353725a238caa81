// Made of the comments in proto/usagereport/v1/usagereport.proto by `npm run generate`; not to be edited.
import type { ReportSchema } from './report-schema.ts';

/** The fields of the usage report. */
export const reportSchema: ReportSchema = {
  version: 1,
  fields: [
    { name: 'version', what: 'Version of gatewayd', since: 1 },
    { name: 'runtime_version', what: 'Version of Node.js', since: 1 },
    { name: 'goos', what: "Operating system, in Go's words", since: 1 },
    { name: 'goarch', what: "Processor architecture, in Go's words", since: 1 },
    { name: 'service', what: 'Name of the program, always the same', since: 1 },
    { name: 'dev_mode', what: 'Whether it runs with --dev', since: 1 },
    { name: 'plugins', what: 'The loaded plugins, as many as fit into 16 KiB', since: 1 },
    { name: 'plugins[].name', what: 'Name of the plugin', since: 1 },
    { name: 'plugins[].version', what: 'Version of the plugin', since: 1 },
    { name: 'plugins[].checksum', what: "SHA-256 of the plugin's files", since: 1 },
  ],
};
