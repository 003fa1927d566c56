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
export function windowText(w: TimeWindow, locale: string, everyDay: string): string {
  return `${daysText(w.days ?? [], locale) || everyDay} ${w.start}–${w.end} (${w.zone})`;
}

const clock = /^([01]\d|2[0-3]):[0-5]\d$/;

export const goodStart = (w: TimeWindow) => clock.test(w.start);
export const goodEnd = (w: TimeWindow) => clock.test(w.end) || w.end === '24:00';
export const goodWindow = (w: TimeWindow) => goodStart(w) && goodEnd(w) && w.start !== w.end;

/** Whether it ends after it begins, where it does both. */
export function goodValidity({ validFrom, validUntil }: Conditions): boolean {
  return !validFrom || !validUntil || new Date(validUntil) > new Date(validFrom);
}

/** Whether the rule is in force at now, as far as its days go. */
export function validity(c: Conditions, now: Date): 'now' | 'later' | 'over' {
  if (c.validUntil && new Date(c.validUntil) <= now) return 'over';
  if (c.validFrom && new Date(c.validFrom) > now) return 'later';
  return 'now';
}
