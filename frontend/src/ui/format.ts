const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Bytes in binary units, with one decimal below ten: 0 B, 1.4 KiB, 23 MiB. */
export function formatBytes(bytes: number, locale: string): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit > 0 && value < 10 ? 1 : 0;
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value)} ${units[unit]}`;
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
  ['year', Number.POSITIVE_INFINITY],
];

/** How much of a unit is not worth a whole unit less: twelve hours are still "in 12 hours" a few seconds later. */
const slack = 1 / 30;

/** The distance from now in the one unit that says enough: "in 11 hours", "3 minutes ago". */
export function formatRelative(at: Date, now: Date, locale: string): string {
  let value = (at.getTime() - now.getTime()) / 1000;
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  for (const [unit, size] of steps) {
    const whole = Math.trunc(value + Math.sign(value) * slack);
    if (Math.abs(whole) < size) return format.format(whole, unit);
    value /= size;
  }
  return at.toISOString();
}

/** Local date and time with the zone, to the second. */
export function formatExact(at: Date, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'long' }).format(at);
}

/** Seconds as the largest whole unit: 12 hours, 90 minutes. */
export function formatDuration(seconds: number, locale: string): string {
  const [unit, value]: [string, number] =
    seconds % 86400 === 0
      ? ['day', seconds / 86400]
      : seconds % 3600 === 0
        ? ['hour', seconds / 3600]
        : seconds % 60 === 0
          ? ['minute', seconds / 60]
          : ['second', seconds];
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(value);
}

/** Milliseconds, with a decimal below ten. */
export function formatMs(ms: number, locale: string): string {
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: ms < 10 ? 1 : 0 }).format(ms)} ms`;
}
