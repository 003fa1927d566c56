import type { Schemas } from '../api/http.ts';

/** All of a client's file but the private key, as the portal gives it. */
export type OpenVPNFile = Schemas['OpenVPNFile'];

/** The file with its key: PKCS #8 in PEM. */
export function buildOvpn(file: OpenVPNFile, privateKey: string): string {
  return file.text.replace(file.placeholder, () => privateKey.trim());
}

/** What the file is called, with its ending. */
export const ovpnName = (file: OpenVPNFile): string => `${file.fileName}.ovpn`;
