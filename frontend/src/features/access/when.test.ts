import { expect, test } from 'vitest';
import { daysText, goodValidity, goodWindow, validity, windowText } from './when.ts';

test('days read as a range where they are one', () => {
  expect(daysText(['mon', 'tue', 'wed', 'thu', 'fri'], 'en')).toBe('Mon–Fri');
  expect(daysText(['sat', 'mon'], 'en')).toBe('Mon, Sat');
  expect(daysText(['sat', 'sun'], 'ko')).toBe('토, 일');
  expect(daysText([], 'en')).toBe('');
  const night = { start: '22:00', end: '06:00', zone: 'Asia/Seoul' };
  expect(windowText({ ...night, days: ['fri'] }, 'en', 'Every day')).toBe('Fri 22:00–06:00 (Asia/Seoul)');
  expect(windowText({ ...night, days: [] }, 'en', 'Every day')).toBe('Every day 22:00–06:00 (Asia/Seoul)');
});

test('a window has two times of day that differ', () => {
  const w = { start: '09:00', end: '18:00', zone: 'UTC' };
  expect(goodWindow(w)).toBe(true);
  expect(goodWindow({ ...w, end: '24:00' })).toBe(true);
  expect(goodWindow({ ...w, start: '24:00' })).toBe(false);
  expect(goodWindow({ ...w, start: '9:00' })).toBe(false);
  expect(goodWindow({ ...w, end: '09:00' })).toBe(false);
});

test('a rule is in force from a moment on and until another, later one', () => {
  const moment = '2026-03-01T09:30:00.000Z';
  const now = new Date('2026-03-01T00:00:00Z');
  expect(validity({ validUntil: '2026-03-01T00:00:00Z' }, now)).toBe('over');
  expect(validity({ validFrom: moment }, now)).toBe('later');
  expect(validity({}, now)).toBe('now');
  expect(goodValidity({ validFrom: moment })).toBe(true);
  expect(goodValidity({ validFrom: moment, validUntil: '2026-03-01T09:31:00Z' })).toBe(true);
  expect(goodValidity({ validFrom: moment, validUntil: moment })).toBe(false);
});
