/** `it` where /proc, or a backlog that can be filled, is there; elsewhere the spec does not exist. */
export const onLinux: (title: string, spec: () => Promise<void> | void) => void =
  process.platform === 'linux' ? (title, spec) => void it(title, spec) : () => undefined;
