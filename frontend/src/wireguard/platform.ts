import type { Platform } from '../api/devices.ts';

export const platforms: Platform[] = ['windows', 'macos', 'linux', 'ios', 'android', 'server', 'other'];

/** How a file gets to a device: by camera, by download, or by pasting a command. */
export type Delivery = 'scan' | 'file' | 'command';

export function deliveryOf(platform: Platform): Delivery {
  if (platform === 'ios' || platform === 'android') return 'scan';
  if (platform === 'server') return 'command';
  return 'file';
}

/** What this browser runs on, for preselection. `other` when it does not say. */
export function detectPlatform(nav: { userAgent: string; maxTouchPoints: number } = navigator): Platform {
  const ua = nav.userAgent;
  if (/android/i.test(ua)) return 'android';
  if (/iphone|ipad|ipod/i.test(ua)) return 'ios';
  if (/macintosh/i.test(ua)) return nav.maxTouchPoints > 1 ? 'ios' : 'macos'; // an iPad says it is a Mac
  if (/windows/i.test(ua)) return 'windows';
  if (/linux|cros/i.test(ua)) return 'linux';
  return 'other';
}
