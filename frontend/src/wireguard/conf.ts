import type { Device, WireGuardConfig } from '../api/devices.ts';

/** Builds the file that wg-quick, the WireGuard apps and NetworkManager read: the portal's part with the private key put in. */
export function buildConf(config: WireGuardConfig, privateKey: string): string {
  return [
    ...config.comments.map((line) => `# ${oneLine(line)}`),
    ...section('Interface', [
      ['PrivateKey', privateKey],
      ['Address', config.addresses.join(', ')],
      ['DNS', [...config.dns, ...config.search].join(', ')],
      ['MTU', config.mtu > 0 ? String(config.mtu) : ''],
    ]),
    '',
    ...section('Peer', [
      ['PublicKey', config.publicKey],
      ['AllowedIPs', config.allowedIps.join(', ')],
      ['Endpoint', config.endpoint],
      ['PersistentKeepalive', config.keepalive > 0 ? String(config.keepalive) : ''],
    ]),
    '',
  ].join('\n');
}

/** The lines of the file that these reasons are about, and the keys of lines that it has no more. */
export function changedLines(
  config: WireGuardConfig,
  reasons: Device['outdated'],
): { lines: string[]; removed: string[] } {
  const about: Record<Device['outdated'][number], string[]> = {
    routes: ['AllowedIPs'],
    dns: ['DNS'],
    search: ['DNS'],
    mtu: ['MTU'],
    keepalive: ['PersistentKeepalive'],
    gateway: ['PublicKey', 'Endpoint'],
    endpoint: ['Endpoint'],
    gateway_key: ['PublicKey'],
  };
  const keys = [...new Set(reasons.flatMap((r) => about[r]))];
  const file = buildConf(config, '').split('\n');
  const found = (key: string) => file.find((line) => line.startsWith(`${key} = `));
  return { lines: file.filter((line) => keys.some((k) => found(k) === line)), removed: keys.filter((k) => !found(k)) };
}

/** The same file in as few characters as possible, for a QR code. */
export function buildQrConf(config: WireGuardConfig, privateKey: string): string {
  return buildConf({ ...config, comments: [] }, privateKey);
}

/** The file with the shorter list of routes, or undefined where the portal offers none. */
export function withShortRoutes(config: WireGuardConfig): WireGuardConfig | undefined {
  const short = config.allowedIpsShort;
  return short && short.length > 0 ? { ...config, allowedIps: short } : undefined;
}

/** A tunnel name that every client takes: at most 15 of [a-zA-Z0-9_=+.-] (wg-quick's rule, which is the kernel's for interfaces). */
export function tunnelName(fileName: string): string {
  const clean = fileName.replace(/\.conf$/i, '').replace(/[^a-zA-Z0-9_=+.-]/g, '-');
  return clean.slice(0, 15) || 'sallyport';
}

/** Commands that write the file on a Linux server and bring the tunnel up now and at every boot. */
export function serverCommand(name: string, conf: string): string {
  return `sudo install -m 600 /dev/stdin /etc/wireguard/${name}.conf <<'END'
${conf.trimEnd()}
END
sudo systemctl enable --now wg-quick@${name}`;
}

/** The same with a key that is made on the server and stays there; the portal hears the public half by its API. */
export function serverScript(origin: string, deviceId: string, name: string): string {
  return `# SALLYPORT_TOKEN: a personal token from “My security”
umask 077
key=$(wg genkey)
curl -fsS -X PUT ${origin}/api/v1/devices/${deviceId}/key \\
  -H "Authorization: Bearer $SALLYPORT_TOKEN" -H 'Content-Type: application/json' \\
  -d "{\\"publicKey\\":\\"$(wg pubkey <<<"$key")\\"}" >/dev/null &&
curl -fsS ${origin}/api/v1/devices/${deviceId}/config \\
  -H "Authorization: Bearer $SALLYPORT_TOKEN" -H 'Accept: text/plain' |
  sed "s|REPLACE-WITH-YOUR-PRIVATE-KEY|$key|" | sudo tee /etc/wireguard/${name}.conf >/dev/null
sudo chmod 600 /etc/wireguard/${name}.conf
sudo systemctl enable --now wg-quick@${name}`;
}

function section(name: string, lines: [string, string][]): string[] {
  return [
    `[${name}]`,
    ...lines.filter(([, value]) => value !== '').map(([key, value]) => `${key} = ${oneLine(value)}`),
  ];
}

/** A line break in a value would begin a line of its own, and with it a setting that nobody asked for. */
function oneLine(text: string): string {
  return [...text].map((c) => (c < ' ' || c === '\u007f' ? ' ' : c)).join('');
}
