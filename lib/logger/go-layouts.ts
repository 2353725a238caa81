import type { LoggerConfig } from '../config/schema.ts';

/**
 * Go's named time layouts, as Go writes them: by example, of the moment 01/02 03:04:05PM '06 -0700.
 * @see https://pkg.go.dev/time#pkg-constants
 */
const layouts: Readonly<Record<LoggerConfig['consoleTimeFormat'], string>> = {
  Layout: "01/02 03:04:05PM '06 -0700",
  ANSIC: 'Mon Jan _2 15:04:05 2006',
  UnixDate: 'Mon Jan _2 15:04:05 MST 2006',
  RubyDate: 'Mon Jan 02 15:04:05 -0700 2006',
  RFC822: '02 Jan 06 15:04 MST',
  RFC822Z: '02 Jan 06 15:04 -0700',
  RFC850: 'Monday, 02-Jan-06 15:04:05 MST',
  RFC1123: 'Mon, 02 Jan 2006 15:04:05 MST',
  RFC1123Z: 'Mon, 02 Jan 2006 15:04:05 -0700',
  RFC3339: '2006-01-02T15:04:05Z07:00',
  RFC3339Nano: '2006-01-02T15:04:05.999999999Z07:00',
  Kitchen: '3:04PM',
  Stamp: 'Jan _2 15:04:05',
  StampMilli: 'Jan _2 15:04:05.000',
  StampMicro: 'Jan _2 15:04:05.000000',
  StampNano: 'Jan _2 15:04:05.000000000',
};

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const element = /2006|Monday|Mon|Jan|MST|-0700|Z07:00|\.0+|\.9+|PM|01|02|03|04|05|06|15|_2|3/g;

const two = (number: number): string => String(number).padStart(2, '0');

function offset(date: Date, colon: string): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${colon}${two(size % 60)}`;
}

function zoneName(date: Date): string {
  const parts = new Intl.DateTimeFormat('en', { timeZoneName: 'short' }).formatToParts(date);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? 'UTC';
}

/** What each element stands for. */
const written: Readonly<Record<string, (date: Date) => string>> = {
  '2006': (date) => String(date.getFullYear()),
  '06': (date) => two(date.getFullYear() % 100),
  '01': (date) => two(date.getMonth() + 1),
  Jan: (date) => months[date.getMonth()] ?? '',
  '02': (date) => two(date.getDate()),
  _2: (date) => String(date.getDate()).padStart(2, ' '),
  Monday: (date) => days[date.getDay()] ?? '',
  Mon: (date) => (days[date.getDay()] ?? '').slice(0, 3),
  '15': (date) => two(date.getHours()),
  '03': (date) => two(date.getHours() % 12 || 12),
  '3': (date) => String(date.getHours() % 12 || 12),
  PM: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  '04': (date) => two(date.getMinutes()),
  '05': (date) => two(date.getSeconds()),
  MST: zoneName,
  '-0700': (date) => offset(date, ''),
  'Z07:00': (date) => (date.getTimezoneOffset() === 0 ? 'Z' : offset(date, ':')),
};

function fraction(date: Date, example: string): string {
  const digits = String(date.getMilliseconds()).padStart(3, '0').padEnd(9, '0');
  if (!example.startsWith('.9')) return `.${digits.slice(0, example.length - 1)}`;
  const significant = digits.replace(/0+$/, '');
  return significant === '' ? '' : `.${significant}`;
}

/** Writes a moment, in local time, as the Go layout of that name would. */
export function formatByGoLayout(date: Date, layout: LoggerConfig['consoleTimeFormat']): string {
  return layouts[layout].replaceAll(element, (found) => written[found]?.(date) ?? fraction(date, found));
}
