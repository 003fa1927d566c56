import type { Rule } from '../../api/policy.ts';

export type Conditions = Rule['conditions'];
export type TimeWindow = NonNullable<Conditions['windows']>[number];
export type Weekday = NonNullable<TimeWindow['days']>[number];

export const weekdays: Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** "Mon", "월". 5 January 1970 was a Monday. */
export function dayName(day: Weekday, locale: string): string {
  const date = new Date(Date.UTC(1970, 0, 5 + weekdays.indexOf(day)));
  return new Intl.DateTimeFormat(locale, { weekday: 'short', timeZone: 'UTC' }).format(date);
}

/** "Mon–Fri", "Sat, Sun"; '' for every day. */
export function daysText(days: Weekday[], locale: string): string {
  const at = days.map((d) => weekdays.indexOf(d)).sort((a, b) => a - b);
  const first = at[0];
  const last = at.at(-1);
  if (first === undefined || last === undefined || at.length === 7) return '';
  const name = (i: number) => dayName(weekdays[i] ?? 'mon', locale);
  if (at.length > 2 && last - first === at.length - 1) return `${name(first)}–${name(last)}`;
  return at.map(name).join(', ');
}

/** "Mon–Fri 09:00–18:00 (Asia/Seoul)". */
export function windowText(w: TimeWindow, locale: string): string {
  const days = daysText(w.days ?? [], locale);
  return `${days ? `${days} ` : ''}${w.start}–${w.end} (${w.zone})`;
}

const clock = /^([01]\d|2[0-3]):[0-5]\d$/;

export function goodWindow(w: TimeWindow): boolean {
  return clock.test(w.start) && (clock.test(w.end) || w.end === '24:00') && w.start !== w.end;
}

/** A moment as an input of type datetime-local has it, by the reader's own clock. */
export function toLocal(moment: string | undefined): string {
  if (!moment) return '';
  const date = new Date(moment);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function fromLocal(text: string): string | undefined {
  const date = new Date(text);
  return text && !Number.isNaN(date.getTime()) ? date.toISOString() : undefined;
}

/** Whether the rule is in force at now, as far as its days go. */
export function validity(c: Conditions, now: Date): 'now' | 'later' | 'over' {
  if (c.validUntil && new Date(c.validUntil) <= now) return 'over';
  if (c.validFrom && new Date(c.validFrom) > now) return 'later';
  return 'now';
}
