import { expect, test } from 'vitest';
import { daysText, fromLocal, goodWindow, toLocal, validity, windowText } from './when.ts';

test('days read as a range where they are one', () => {
  expect(daysText(['mon', 'tue', 'wed', 'thu', 'fri'], 'en')).toBe('Mon–Fri');
  expect(daysText(['sat', 'mon'], 'en')).toBe('Mon, Sat');
  expect(daysText(['sat', 'sun'], 'ko')).toBe('토, 일');
  expect(daysText([], 'en')).toBe('');
  expect(windowText({ days: ['fri'], start: '22:00', end: '06:00', zone: 'Asia/Seoul' }, 'en')).toBe(
    'Fri 22:00–06:00 (Asia/Seoul)',
  );
});

test('a window has two times of day that differ', () => {
  const w = { start: '09:00', end: '18:00', zone: 'UTC' };
  expect(goodWindow(w)).toBe(true);
  expect(goodWindow({ ...w, end: '24:00' })).toBe(true);
  expect(goodWindow({ ...w, start: '24:00' })).toBe(false);
  expect(goodWindow({ ...w, start: '9:00' })).toBe(false);
  expect(goodWindow({ ...w, end: '09:00' })).toBe(false);
});

test('moments go through an input and back', () => {
  const moment = '2026-03-01T09:30:00.000Z';
  expect(fromLocal(toLocal(moment))).toBe(moment);
  expect(toLocal(undefined)).toBe('');
  expect(fromLocal('')).toBeUndefined();
  const now = new Date('2026-03-01T00:00:00Z');
  expect(validity({ validUntil: '2026-03-01T00:00:00Z' }, now)).toBe('over');
  expect(validity({ validFrom: moment }, now)).toBe('later');
  expect(validity({}, now)).toBe('now');
});
