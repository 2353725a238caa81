import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Account } from './account.ts';

/** The shell that runs PostgreSQL; ending its standard input stops it. */
export type Guard = ChildProcessByStdio<Writable, null, Readable>;

/** What the guard is to run. */
export interface GuardOrders {
  readonly account: Account | null;
  /** The folder with `initdb` and `postgres`. */
  readonly bin: string;
  /** PostgreSQL's data directory. */
  readonly data: string;
  /** Whether the data directory is still to be made. */
  readonly initialise: boolean;
  /** The folder to remove when all is over. */
  readonly folder: string;
  /** Temporary data is not written out, neither when it is made nor at the end. */
  readonly temporary: boolean;
  /** Options for the server. */
  readonly options: readonly string[];
}

/*
 * The guard is the parent of PostgreSQL and holds the other end of a pipe from us. However our process ends, the pipe
 * ends with it, and the guard stops the server and removes the folder. It is a shell, not a second Node.js, for
 * 1 MB of memory and a start within a millisecond or two.
 *
 * A shell starts its background processes with INT and QUIT ignored, until PostgreSQL sets its own handlers: so the
 * signal is repeated until the process is gone, and made stronger when that takes long.
 */
const script = `
exec 3<&0 </dev/null
trap '' PIPE
child= ending= status=0
if [ -n "$GUARD_TEMPORARY" ]; then signal=QUIT initdb_options=--no-sync
else signal=INT initdb_options=; fi
stop() {
  ending=yes tries=0
  while [ -n "$child" ] && kill -0 "$child" 2>/dev/null; do
    tries=$((tries + 1))
    if [ $tries -le 500 ]; then kill -$signal "$child"
    elif [ $tries -le 750 ]; then kill -QUIT "$child"
    else kill -KILL "$child"; fi 2>/dev/null
    sleep 0.02
  done
}
run() {
  [ -z "$ending" ] || return 1
  "$@" 3<&- >&2 &
  child=$!
  echo "gatewayd-guard: process $child" >&2
  [ -z "$ending" ] || stop
  wait "$child"
}
trap stop TERM
(read -r line <&3; kill -TERM $$) &
watcher=$!
if [ -n "$GUARD_INITIALISE" ]; then
  run "$GUARD_BIN/initdb" -D "$GUARD_DATA" -U postgres -A trust -E UTF8 --locale-provider=builtin \\
    --builtin-locale=C.UTF-8 --locale=C --no-instructions $initdb_options
  status=$?
fi
if [ $status -eq 0 ]; then
  run "$GUARD_BIN/postgres" -D "$GUARD_DATA" "$@"
  status=$?
fi
kill "$watcher" 2>/dev/null
rm -rf "$GUARD_FOLDER"
exit $status
`;

/** Starts the guard, and through it PostgreSQL. What PostgreSQL says comes out of `stderr`, after a line with its process id. */
export function startGuard(orders: GuardOrders): Guard {
  return spawn('/bin/sh', ['-c', script, 'gatewayd-embedded-postgres', ...orders.options], {
    // Of our environment only what a database has use for: PGDATA and its like are meant for somebody else.
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      LC_ALL: 'C',
      ...(process.env['TZ'] === undefined ? {} : { TZ: process.env['TZ'] }),
      GUARD_BIN: orders.bin,
      GUARD_DATA: orders.data,
      GUARD_FOLDER: orders.folder,
      GUARD_INITIALISE: orders.initialise ? 'yes' : '',
      GUARD_TEMPORARY: orders.temporary ? 'yes' : '',
    },
    cwd: '/',
    // A session of its own: Ctrl+C in our terminal is for us, and we tell the guard.
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    ...orders.account,
  });
}
