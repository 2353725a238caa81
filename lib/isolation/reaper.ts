import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Ends the plugins' processes when gatewayd is gone, however it went: a guest in an endless loop, or one that was
 * stopped, does not see the end of its line. It is a shell that reads which processes there are until nobody holds the
 * other end any more.
 */
const script = `trap '' INT TERM HUP
pids=' '
while read -r sign pid; do
  case $sign in
    +) pids="$pids$pid " ;;
    -) case $pids in *" $pid "*) pids="\${pids%% $pid *} \${pids#* $pid }" ;; esac ;;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done`;

class Reaper {
  #shell: ChildProcess | null = null;
  readonly #watched = new Set<number>();

  watch(pid: number): void {
    this.#watched.add(pid);
    if (process.platform === 'win32') return;
    if (this.#shell === null) this.#start();
    else this.#say(`+ ${pid}\n`);
  }

  forget(pid: number): void {
    if (!this.#watched.delete(pid)) return;
    if (this.#watched.size > 0) return this.#say(`- ${pid}\n`);
    this.#shell?.stdin?.end(`- ${pid}\n`);
    this.#shell = null;
  }

  #start(): void {
    // A session of its own: what ends gatewayd's whole process group must not end this one first.
    const shell = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, cwd: '/' });
    this.#shell = shell;
    shell.unref();
    // Without a shell, a guest still ends when it sees the end of its line.
    shell.on('error', () => {});
    shell.stdin.on('error', () => {});
    (shell.stdin as unknown as { unref(): void }).unref();
    this.#say([...this.#watched].map((pid) => `+ ${pid}\n`).join(''));
  }

  #say(words: string): void {
    this.#shell?.stdin?.write(words);
  }
}

/** One for the process. */
export const reaper = new Reaper();
