// Private keys that were made in this tab and not saved yet. They live in memory only: a reload forgets them.
import type { WireGuardConfig } from '../../api/devices.ts';
import type { OpenVPNFile } from '../../openvpn/file.ts';

/** `steps` is how many steps the wizard had, where it was made there. */
export type Fresh = { privateKey: string; saved: boolean; steps?: number } & (
  | { config: WireGuardConfig } // of WireGuard
  | { file: OpenVPNFile } // of OpenVPN
);

const byDevice = new Map<string, Fresh>();

export const keepFresh = (deviceId: string, fresh: Fresh) => byDevice.set(deviceId, fresh);
export const freshOf = (deviceId: string) => byDevice.get(deviceId);
export const forget = (deviceId: string) => byDevice.delete(deviceId);
