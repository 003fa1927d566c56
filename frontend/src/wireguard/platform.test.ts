import { expect, test } from 'vitest';
import { deliveryOf, detectPlatform } from './platform.ts';

test.each([
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36', 0, 'windows'],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15', 0, 'macos'],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15', 5, 'ios'], // an iPad
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)', 5, 'ios'],
  ['Mozilla/5.0 (Linux; Android 16; Pixel 9) Chrome/156', 5, 'android'],
  ['Mozilla/5.0 (X11; Linux x86_64) Chrome/156', 0, 'linux'],
  ['curl/8', 0, 'other'],
])('%s with %d touch points is %s', (userAgent, maxTouchPoints, want) => {
  expect(detectPlatform({ userAgent, maxTouchPoints })).toBe(want);
});

test('phones scan, servers paste, the rest downloads', () => {
  expect([deliveryOf('ios'), deliveryOf('server'), deliveryOf('windows'), deliveryOf('other')]).toEqual([
    'scan',
    'command',
    'file',
    'file',
  ]);
});
