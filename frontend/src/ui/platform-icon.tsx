import {
  IconBrandAndroid,
  IconBrandApple,
  IconBrandWindows,
  IconDeviceDesktop,
  IconDeviceMobile,
  IconServer2,
  IconTerminal2,
} from '@tabler/icons-react';
import type { Platform } from '../api/devices.ts';

const icons = {
  windows: IconBrandWindows,
  macos: IconBrandApple,
  linux: IconTerminal2,
  ios: IconDeviceMobile,
  android: IconBrandAndroid,
  server: IconServer2,
  other: IconDeviceDesktop,
} satisfies Record<Platform, unknown>;

export function PlatformIcon({ platform, size = 20 }: { platform: Platform; size?: number }) {
  const Icon = icons[platform] ?? icons.other;
  return <Icon size={size} stroke={1.6} aria-hidden />;
}
