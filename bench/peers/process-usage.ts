import { readdirSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';

/** Of Linux: clock ticks a second, and bytes a page. */
const ticks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const pageSize = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }));

/** What follows the name of the program in /proc/PID/stat; that name can hold anything. */
function stat(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** A process and everything it started that still runs. */
function family(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(family)];
}

/** Milliseconds of CPU a process took so far, by its own accounting: all threads, user and system, and its children. */
export function cpuOf(pid: number): number {
  const used = family(pid).map((each) => {
    const fields = stat(each);
    return Number(fields[11]) + Number(fields[12]);
  });
  return (used.reduce((sum, each) => sum + each, 0) * 1000) / ticks;
}

/** Bytes a process and its children have in memory now. */
export function rssOf(pid: number): number {
  const pages = family(pid).map((each) => Number(readFileSync(`/proc/${each}/statm`, 'utf8').split(' ')[1]));
  return pages.reduce((sum, each) => sum + each, 0) * pageSize;
}
